// The PodVolumeRestore for one volume, field by field as Velero's server makes it.
import { hash } from "node:crypto";
import type { Pod } from "../../../api/core.ts";
import type { ObjectMeta } from "../../../api/kube-object.ts";
import { labels } from "../../../api/names.ts";
import type { PodVolumeRestore } from "../../../api/pod-volume-restore.ts";
import type { Restore, RestoreSpec } from "../../../api/restore.ts";
import { validName } from "../../../api/valid-name.ts";
import type { VolumeSnapshot } from "./pod-snapshots.ts";

export interface PodVolumeRestoreRequest {
  readonly restore: Restore;
  /** As it was created, with its uid. */
  readonly pod: Pod;
  readonly snapshot: VolumeSnapshot;
  /** Namespace of the pod that was backed up: the repository is its. */
  readonly sourceNamespace: string;
  readonly storageLocation: string;
  readonly repositoryIdentifier: string;
  /** Of the new claim behind the volume. */
  readonly claimUid?: string | undefined;
}

/** What is sent to the API server; the agent fills the status. */
export function makePodVolumeRestore(
  request: PodVolumeRestoreRequest,
): Omit<PodVolumeRestore, "metadata"> & { metadata: Partial<ObjectMeta> } {
  const { restore, pod, snapshot, claimUid } = request;
  const { name, namespace, uid = "" } = restore.metadata;
  const { uploaderConfig } = restore.spec;
  const podUid = pod.metadata.uid ?? "";
  return {
    metadata: {
      ...podVolumeRestoreName(request),
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        [labels.restoreName]: validName(name),
        [labels.restoreUid]: uid,
        [labels.podUid]: podUid,
        ...(claimUid === undefined ? {} : { [labels.pvcUid]: claimUid }),
      },
      ownerReferences: [{ apiVersion: "velero.io/v1", kind: "Restore", name, uid, controller: true }],
    },
    spec: {
      pod: { kind: "Pod", namespace: pod.metadata.namespace ?? "", name: pod.metadata.name, uid: podUid },
      volume: snapshot.volume,
      backupStorageLocation: request.storageLocation,
      repoIdentifier: request.repositoryIdentifier,
      snapshotID: snapshot.snapshotId,
      sourceNamespace: request.sourceNamespace,
      uploaderType: "restic",
      ...(uploaderConfig === undefined || uploaderConfig === null
        ? {}
        : { uploaderSettings: uploaderSettings(uploaderConfig) }),
      ...(snapshot.sizeBytes === undefined ? {} : { snapshotSize: snapshot.sizeBytes }),
    },
  };
}

function uploaderSettings(config: NonNullable<RestoreSpec["uploaderConfig"]>): Readonly<Record<string, string>> {
  const { writeSparseFiles, parallelFilesDownload = 0 } = config;
  return {
    WriteSparseFiles: String(writeSparseFiles ?? false),
    ...(parallelFilesDownload > 0 ? { ParallelFilesDownload: String(parallelFilesDownload) } : {}),
  };
}

/** The same for the same volume of the same pod, so that a server that was restarted cannot make one twice. */
function podVolumeRestoreName({ restore, pod, snapshot }: PodVolumeRestoreRequest): {
  readonly name: string;
  readonly generateName: string;
} {
  const key = [restore.metadata.uid, pod.metadata.uid, snapshot.volume].join("/");
  const generateName = `${restore.metadata.name.slice(0, 230).replace(/[^a-z0-9]+$/, "")}-`;
  return { name: `${generateName}${hash("sha256", key, "hex").slice(0, 10)}`, generateName };
}
