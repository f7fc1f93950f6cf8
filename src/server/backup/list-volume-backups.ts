// The PodVolumeBackups of one Backup, as the API server has them.
import type { Backup } from "../../api/backup.ts";
import { labels } from "../../api/names.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../api/resources.ts";
import type { BackupContext } from "./backup-context.ts";

/** All that belong to this Backup, whoever made them. */
export async function listVolumeBackups(
  backup: Backup,
  { client, namespace }: Pick<BackupContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<readonly PodVolumeBackup[]> {
  const labelSelector = `${labels.backupUid}=${backup.metadata.uid}`;
  return (await client.list(podVolumeBackups, { namespace, labelSelector, signal })).items;
}
