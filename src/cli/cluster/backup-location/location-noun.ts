// Backup storage locations as the command line lists them: velero's columns, and ours in the wide table.
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import { backupStorageLocations } from "../../../api/resources.ts";
import type { Noun } from "../noun.ts";
import { conditionsOf } from "../status-text.ts";
import { formatFromNow, formatTime } from "../times.ts";

export const locationNoun: Noun<BackupStorageLocation> = {
  word: "backup-location",
  title: "backup storage location",
  resource: backupStorageLocations,
  columns: [
    { title: "Provider", cell: ({ spec }) => spec.provider },
    { title: "Bucket/Prefix", cell: bucketAndPrefix },
    { title: "Phase", cell: ({ status }) => status?.phase || "Unknown" },
    { title: "Last Validated", cell: ({ status }) => formatTime(status?.lastValidationTime, "Unknown") },
    { title: "Access Mode", cell: ({ spec }) => spec.accessMode ?? "ReadWrite" },
    { title: "Default", cell: ({ spec }) => (spec.default === true ? "true" : "") },
    { title: "Last Synced", cell: ({ status }, nowMs) => formatFromNow(status?.lastSyncedTime, nowMs), isWide: true },
    { title: "Message", cell: messageOf, isWide: true },
  ],
};

function bucketAndPrefix({ spec }: BackupStorageLocation): string {
  const { bucket, prefix } = spec.objectStorage;
  return prefix === undefined || prefix === "" ? bucket : `${bucket}/${prefix}`;
}

/** What stands in the way: of the location, or of the deletions in it. */
function messageOf(location: BackupStorageLocation): string {
  const paused = conditionsOf(location).find(({ type, status }) => type === "DeletionsPaused" && status === "True");
  return [location.status?.message ?? "", paused?.message ?? ""].filter((text) => text !== "").join("; ");
}
