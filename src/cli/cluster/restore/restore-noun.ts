// Restores as the command line lists them: velero's columns, and ours in the wide table.
import { restores } from "../../../api/resources.ts";
import type { Restore } from "../../../api/restore.ts";
import { formatSelector } from "../label-selector-text.ts";
import type { Noun } from "../noun.ts";
import { failureReasonOf, phaseOf } from "../status-text.ts";
import { formatTaken, formatTime } from "../times.ts";

export const restoreNoun: Noun<Restore> = {
  word: "restore",
  title: "restore",
  resource: restores,
  columns: [
    { title: "Backup", cell: ({ spec }) => spec.backupName ?? "" },
    { title: "Status", cell: phaseOf },
    { title: "Started", cell: ({ status }) => formatTime(status?.startTimestamp, "<nil>") },
    { title: "Completed", cell: ({ status }) => formatTime(status?.completionTimestamp, "<nil>") },
    { title: "Errors", cell: ({ status }) => String(status?.errors ?? 0) },
    { title: "Warnings", cell: ({ status }) => String(status?.warnings ?? 0) },
    { title: "Created", cell: ({ metadata }) => formatTime(metadata.creationTimestamp) },
    { title: "Selector", cell: ({ spec }) => formatSelector(spec.labelSelector) },
    { title: "Items", cell: ({ status }) => String(status?.progress?.itemsRestored ?? ""), isWide: true },
    {
      title: "Took",
      cell: ({ status }, nowMs) => formatTaken(status?.startTimestamp, status?.completionTimestamp, nowMs),
      isWide: true,
    },
    { title: "Reason", cell: failureReasonOf, isWide: true },
  ],
};
