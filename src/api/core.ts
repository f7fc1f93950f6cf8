// Kubernetes' own kinds, reduced to the fields that this program reads or writes.

import type { KubeObject, ObjectReference } from "./kube-object.ts";

export interface Pod extends KubeObject {
  readonly spec?: PodSpec;
  readonly status?: PodStatus;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes?: readonly Volume[];
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly resources?: unknown;
  readonly securityContext?: unknown;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
  readonly volumeDevices?: readonly { readonly name: string; readonly devicePath: string }[];
}

/** A pod's volume: a name and exactly one source. Sources that are only told apart are kept as `unknown`. */
export interface Volume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
  readonly ephemeral?: { readonly volumeClaimTemplate?: unknown };
  readonly csi?: CsiSource;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string };
  readonly hostPath?: { readonly path: string };
  readonly secret?: unknown;
  readonly configMap?: unknown;
  readonly projected?: unknown;
  readonly downwardAPI?: unknown;
  readonly nfs?: NfsSource;
  readonly iscsi?: unknown;
  readonly gitRepo?: unknown;
}

/** Of a pod's volume, or of a persistent volume, which alone has a handle. */
export interface CsiSource {
  readonly driver: string;
  readonly volumeHandle?: string;
  readonly volumeAttributes?: Readonly<Record<string, string>>;
}

export interface NfsSource {
  readonly server: string;
  readonly path: string;
}

export interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string | null };
    readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly message?: string };
  };
}

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec?: {
    readonly volumeName?: string;
    readonly volumeMode?: "Filesystem" | "Block";
    readonly storageClassName?: string;
    readonly accessModes?: readonly string[];
    readonly resources?: unknown;
  };
  readonly status?: { readonly phase?: string };
}

export interface PersistentVolume extends KubeObject {
  readonly spec?: {
    readonly volumeMode?: "Filesystem" | "Block";
    readonly storageClassName?: string;
    readonly claimRef?: ObjectReference;
    readonly csi?: CsiSource;
    readonly hostPath?: { readonly path: string };
    readonly local?: { readonly path: string };
    readonly nfs?: NfsSource;
    readonly capacity?: Readonly<Record<string, string>>;
    readonly accessModes?: readonly string[];
    readonly persistentVolumeReclaimPolicy?: string;
  };
}

export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: string };
}

export interface Node extends KubeObject {
  readonly spec?: unknown;
}

export interface Secret extends KubeObject {
  readonly type?: string;
  /** Values are base64. */
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface CsiDriver extends KubeObject {
  readonly spec?: unknown;
}
