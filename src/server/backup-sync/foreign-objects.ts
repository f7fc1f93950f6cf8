// What another cluster, or an earlier life of this one, has stored about a Backup, as objects of this cluster. It comes out of
// a bucket, so nothing in it is believed that could make somebody here begin to work.
import type { Backup } from "../../api/backup.ts";
import type { OwnerReference } from "../../api/kube-object.ts";
import { annotations, labels } from "../../api/names.ts";
import { isBackupEnded, podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { validName } from "../../api/valid-name.ts";
import type { NewObject } from "../../kube/typed-client.ts";
import { parseTimestamp } from "../../platform/clock.ts";

/** Where the objects are to be, and under which location's name. */
export interface NewPlace {
  readonly namespace: string;
  readonly location: string;
}

/** Still being written by the cluster that makes it; one whose time is over is to be removed, so it counts as ended. */
export function isUnfinished(stored: Backup, nowMs: number): boolean {
  const expiresMs = parseTimestamp(stored.status?.expiration);
  return !isBackupEnded(stored) && (expiresMs === undefined || expiresMs > nowMs);
}

/**
 * The Backup as it is to be made here.
 * @param owners those of its owners that exist here.
 */
export function foreignBackup(
  stored: Backup,
  { namespace, location }: NewPlace,
  owners: readonly OwnerReference[],
): NewObject<Backup> {
  const { metadata, spec, status } = stored;
  return {
    metadata: {
      name: metadata.name,
      namespace,
      labels: { ...metadata.labels, [labels.storageLocation]: validName(location) },
      annotations: {
        ...metadata.annotations,
        [annotations.syncedFrom]: location,
        // Taken off when its volumes are here, too.
        [annotations.volumesToSync]: "true",
      },
      ownerReferences: owners,
    },
    spec: { ...spec, storageLocation: location },
    status: isBackupEnded(stored) ? { ...status } : { ...status, phase: "PartiallyFailed" },
  };
}

/** A volume of it. One that had not ended must not be carried out here, where a pod may have the same name. */
export function foreignVolumeBackup(
  stored: PodVolumeBackup,
  { namespace, location }: NewPlace,
  backup: Backup,
): NewObject<PodVolumeBackup> {
  const { metadata, spec, status } = stored;
  const { name, uid = "" } = backup.metadata;
  const hasEnded = podVolumeStage(stored) === "ended";
  const message = "the Backup was stored before this volume had ended";
  return {
    metadata: {
      name: metadata.name,
      namespace,
      labels: { ...metadata.labels, [labels.backupName]: validName(name), [labels.backupUid]: uid },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [{ apiVersion: "velero.io/v1", kind: "Backup", name, uid, controller: true }],
    },
    spec: { ...spec, backupStorageLocation: location },
    status: hasEnded ? { ...status } : { ...status, phase: "Failed", message },
  };
}

export function isVolumeBackup(value: unknown): value is PodVolumeBackup {
  const { metadata, spec } = (value ?? {}) as Partial<Record<"metadata" | "spec", { readonly name?: unknown }>>;
  return typeof metadata?.name === "string" && typeof spec === "object" && spec !== null;
}
