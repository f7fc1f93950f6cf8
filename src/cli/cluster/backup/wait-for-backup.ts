// Waiting for the end of a Backup, whose volumes are PodVolumeBackups.
import type { Backup } from "../../../api/backup.ts";
import { labels } from "../../../api/names.ts";
import { podVolumeBackups } from "../../../api/resources.ts";
import { validName } from "../../../api/valid-name.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { waitForEnd } from "../wait-for-end.ts";
import { backupNoun } from "./backup-noun.ts";

export function waitForBackup(context: ClusterContext, backup: Backup): Promise<void> {
  return waitForEnd(context, {
    noun: backupNoun,
    object: backup,
    volumes: podVolumeBackups,
    volumeSelector: `${labels.backupName}=${validName(backup.metadata.name)}`,
    itemsOf: ({ status }) => ({
      itemsDone: status?.progress?.itemsBackedUp ?? 0,
      totalItems: status?.progress?.totalItems ?? 0,
    }),
  });
}
