// What PodVolumeBackups and PodVolumeRestores have in common: a resource that some agent has to carry out and end. The
// two kinds supply what differs.

import type { KubeObject, Resource } from "../../src/api/kube-object.ts";
import type { PodVolumePhase } from "../../src/api/phases.ts";
import type { TransferProgress } from "../../src/api/pod-volume-backup.ts";
import type { InvolvedObject } from "../../src/kube/events.ts";
import type { TransferControl } from "../data-path/data-path-manager.ts";

export interface VolumeObject extends KubeObject {
  readonly spec: {
    readonly cancel?: boolean;
    readonly pod: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
    readonly volume: string;
  };
  readonly status?: {
    readonly phase?: PodVolumePhase | "";
    readonly startTimestamp?: string | null;
    readonly progress?: TransferProgress;
  };
}

/** How a resource ends: what is written into it and what is told. */
export interface EndState {
  readonly status: {
    readonly phase: "Completed" | "Failed";
    readonly message?: string;
    readonly completionTimestamp: string;
  } & Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** A code out of the error tables, for metrics; "" for success. */
  readonly reason: string;
}

export interface VolumeWork<T extends VolumeObject, R> {
  readonly resource: Resource<T>;
  readonly direction: "backup" | "restore";
  /** It is this node's and can begin now; an event comes when that changes. */
  isDue(object: T): boolean;
  /** Somebody on this node has begun it. */
  wasBegunHere(object: T): boolean;
  /** Why it can never be carried out; undefined when it can. */
  refusal(object: T): EndState | undefined;
  /** Another process had begun it: why it cannot simply be started over; "later" when an event will say that it can. */
  takeOverProblem(object: T): EndState | "later" | undefined;
  transfer(object: T, control: TransferControl): Promise<R>;
  completed(object: T, result: R): EndState;
  failed(object: T, error: unknown): EndState;
  /** Runs before the end state is written. */
  beforeEnd?(object: T, end: EndState): Promise<void>;
  /** Numbers for metrics. */
  measure(object: T, result: R): TransferFigures;
  /** Adds to metrics what the other direction does not have. */
  count?(result: R): void;
}

export interface TransferFigures {
  readonly bytes: number;
  readonly addedBytes: number;
  readonly files: number;
  readonly warnings: number;
}

/** The pod, for events. */
export function podOf(object: VolumeObject): InvolvedObject | undefined {
  const { namespace, name, uid } = object.spec.pod;
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  return { apiVersion: "v1", kind: "Pod", namespace, name, uid };
}
