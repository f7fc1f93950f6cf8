// Why a pod's volume cannot be found or used on this node.

import type { Retry } from "../../src/platform/coded-error.ts";

type VolumeErrorCode =
  | "pod-missing"
  | "volume-missing"
  | "claim-missing"
  | "claim-unbound"
  | "block-volume"
  | "no-directory"
  | "several-directories"
  | "not-mounted"
  | "annotation-invalid"
  | "timed-out"
  | "stalled";

const policies: Readonly<Record<VolumeErrorCode, string>> = {
  "pod-missing": "the pod was deleted before its volume could be backed up",
  "volume-missing": "compare the volume's name with the pod's spec.volumes",
  "claim-missing": "the pod's PersistentVolumeClaim is gone",
  "claim-unbound": "wait until the PersistentVolumeClaim is bound",
  "block-volume": "volumes in block mode have no files; leave this one out",
  "no-directory":
    "check that --host-pods-dir shows the kubelet's pods directory, with mount propagation HostToContainer",
  "several-directories": "remove the left-over directories below the pod's volumes on the node",
  "not-mounted": "give the agent's host-pods mount the mount propagation HostToContainer",
  "annotation-invalid": "correct the annotation; docs/annotations.md has its grammar",
  "timed-out": "the next backup goes on from here; the annotation stowage.dev/timeout gives more time",
  stalled: "see whether the volume or the store hangs; the annotation stowage.dev/stall-timeout gives more time",
};

export class VolumeError extends Error {
  readonly code: VolumeErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly retry: Retry = "never";

  constructor(code: VolumeErrorCode, message: string, details: VolumeError["details"] = {}) {
    super(message);
    this.name = "VolumeError";
    this.code = code;
    this.details = details;
  }

  get hint(): string {
    return policies[this.code];
  }
}
