// The PodVolumeBackup for one volume, field by field as Velero's server makes it.
import { hash } from "node:crypto";
import type { Backup } from "../../api/backup.ts";
import type { ObjectMeta } from "../../api/kube-object.ts";
import { annotations, labels } from "../../api/names.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { validName } from "../../api/valid-name.ts";
import type { PlannedVolume } from "./volumes/plan-volumes.ts";

export interface PodVolumeBackupRequest {
  readonly backup: Backup;
  readonly planned: PlannedVolume;
  readonly storageLocation: string;
  /** The restic repository's location. */
  readonly repositoryIdentifier: string;
}

/** What is sent to the API server; the agent fills the status. */
export function makePodVolumeBackup(
  request: PodVolumeBackupRequest,
): Omit<PodVolumeBackup, "metadata"> & { metadata: Partial<ObjectMeta> } {
  const { backup, planned } = request;
  const { name, namespace, uid } = backup.metadata;
  const claimUid = planned.claim?.metadata.uid;
  const pod = planned.pod.metadata;
  const parallel = backup.spec.uploaderConfig?.parallelFilesUpload;
  return {
    metadata: {
      ...podVolumeBackupName(backup, planned),
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        [labels.backupName]: validName(name),
        [labels.backupUid]: uid ?? "",
        ...(claimUid === undefined ? {} : { [labels.pvcUid]: claimUid }),
      },
      ...(planned.claim === undefined ? {} : { annotations: { [annotations.pvcName]: planned.claim.metadata.name } }),
      ownerReferences: [{ apiVersion: "velero.io/v1", kind: "Backup", name, uid: uid ?? "", controller: true }],
    },
    spec: {
      node: planned.node,
      pod: { kind: "Pod", namespace: pod.namespace ?? "", name: pod.name, uid: pod.uid ?? "" },
      volume: planned.volume.name,
      backupStorageLocation: request.storageLocation,
      repoIdentifier: request.repositoryIdentifier,
      uploaderType: "restic",
      tags: {
        backup: name,
        "backup-uid": uid ?? "",
        pod: pod.name,
        "pod-uid": pod.uid ?? "",
        ns: pod.namespace ?? "",
        volume: planned.volume.name,
        ...(claimUid === undefined ? {} : { "pvc-uid": claimUid }),
      },
      ...(parallel === undefined || parallel <= 0
        ? {}
        : { uploaderSettings: { ParallelFilesUpload: String(parallel) } }),
    },
  };
}

/**
 * `<backup>-<10 digits>`, much as generateName would make it, but the same for the same volume of the same Backup: a
 * server that was restarted between two creations, or a second server, cannot make one twice.
 */
function podVolumeBackupName(
  backup: Backup,
  { pod, volume }: PlannedVolume,
): { readonly name: string; readonly generateName: string } {
  const key = [backup.metadata.uid, pod.metadata.uid, volume.name].join("/");
  // A cut name must not end in a dot.
  const generateName = `${backup.metadata.name.slice(0, 230).replace(/[^a-z0-9]+$/, "")}-`;
  return { name: `${generateName}${hash("sha256", key, "hex").slice(0, 10)}`, generateName };
}
