// VolumeSnapshotLocation: where a plugin keeps native snapshots. Carried for completeness of the API; not acted upon.

import type { KubeObject, SecretKeySelector } from "./kube-object.ts";

export interface VolumeSnapshotLocation extends KubeObject {
  readonly spec: {
    readonly provider: string;
    readonly config?: Readonly<Record<string, string>>;
    readonly credential?: SecretKeySelector;
  };
  readonly status?: { readonly phase?: "Available" | "Unavailable" | "" };
}
