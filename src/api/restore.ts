// Restore: what to bring back from a Backup. Fields as in Velero 1.18.

import type { TypedLocalObjectReference } from "./backup.ts";
import type { Condition } from "./conditions.ts";
import type { KubeObject, LabelSelector } from "./kube-object.ts";

export type RestorePhase =
  | "New"
  | "FailedValidation"
  | "InProgress"
  | "WaitingForPluginOperations"
  | "WaitingForPluginOperationsPartiallyFailed"
  | "Finalizing"
  | "FinalizingPartiallyFailed"
  | "Completed"
  | "PartiallyFailed"
  | "Failed";

export interface Restore extends KubeObject {
  readonly spec: RestoreSpec;
  readonly status?: RestoreStatus;
}

export interface RestoreSpec {
  readonly backupName?: string;
  readonly scheduleName?: string;
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
  readonly includedResources?: readonly string[] | null;
  readonly excludedResources?: readonly string[] | null;
  readonly includeClusterResources?: boolean | null;
  readonly labelSelector?: LabelSelector | null;
  readonly orLabelSelectors?: readonly LabelSelector[] | null;
  readonly namespaceMapping?: Readonly<Record<string, string>>;
  readonly restorePVs?: boolean | null;
  readonly preserveNodePorts?: boolean | null;
  readonly existingResourcePolicy?: string;
  readonly restoreStatus?: {
    readonly includedResources?: readonly string[] | null;
    readonly excludedResources?: readonly string[] | null;
  } | null;
  readonly hooks?: { readonly resources?: readonly RestoreResourceHook[] | null } | null;
  readonly itemOperationTimeout?: string;
  readonly resourceModifier?: TypedLocalObjectReference | null;
  readonly uploaderConfig?: {
    readonly writeSparseFiles?: boolean | null;
    readonly parallelFilesDownload?: number;
  } | null;
}

export interface RestoreResourceHook {
  readonly name: string;
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
  readonly includedResources?: readonly string[] | null;
  readonly excludedResources?: readonly string[] | null;
  readonly labelSelector?: LabelSelector | null;
  readonly postHooks?: readonly RestoreHook[] | null;
}

/** Either of the two. */
export interface RestoreHook {
  readonly exec?: {
    readonly container?: string;
    readonly command: readonly string[];
    readonly onError?: "Continue" | "Fail";
    readonly execTimeout?: string;
    readonly waitTimeout?: string;
    readonly waitForReady?: boolean | null;
  } | null;
  readonly init?: { readonly initContainers?: readonly unknown[] | null; readonly timeout?: string } | null;
}

export interface RestoreStatus {
  readonly phase?: RestorePhase | "";
  readonly validationErrors?: readonly string[] | null;
  readonly warnings?: number;
  readonly errors?: number;
  readonly failureReason?: string;
  readonly startTimestamp?: string | null;
  readonly completionTimestamp?: string | null;
  readonly progress?: { readonly totalItems?: number; readonly itemsRestored?: number } | null;
  readonly restoreItemOperationsAttempted?: number;
  readonly restoreItemOperationsCompleted?: number;
  readonly restoreItemOperationsFailed?: number;
  readonly hookStatus?: { readonly hooksAttempted?: number; readonly hooksFailed?: number } | null;
  /** Ours. */
  readonly conditions?: readonly Condition[];
}
