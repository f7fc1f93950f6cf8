// Backups as the command line lists them: velero's columns, and ours in the wide table.
import type { Backup } from "../../../api/backup.ts";
import { backups } from "../../../api/resources.ts";
import { parseDuration } from "../../../platform/duration.ts";
import { formatSelector } from "../label-selector-text.ts";
import { byName, type Noun } from "../noun.ts";
import { failureReasonOf, phaseOf } from "../status-text.ts";
import { formatFromNow, formatTaken, formatTime } from "../times.ts";

export const backupNoun: Noun<Backup> = {
  word: "backup",
  title: "backup",
  resource: backups,
  compare: byScheduleAndAge,
  columns: [
    { title: "Status", cell: phaseOf },
    { title: "Errors", cell: ({ status }) => String(status?.errors ?? 0) },
    { title: "Warnings", cell: ({ status }) => String(status?.warnings ?? 0) },
    { title: "Created", cell: ({ status }) => formatTime(status?.startTimestamp, "<nil>") },
    { title: "Expires", cell: (backup, nowMs) => formatFromNow(expirationOf(backup), nowMs) },
    { title: "Storage Location", cell: ({ spec }) => spec.storageLocation ?? "" },
    { title: "Selector", cell: ({ spec }) => formatSelector(spec.labelSelector) },
    { title: "Items", cell: ({ status }) => String(status?.progress?.itemsBackedUp ?? ""), isWide: true },
    {
      title: "Took",
      cell: ({ status }, nowMs) => formatTaken(status?.startTimestamp, status?.completionTimestamp, nowMs),
      isWide: true,
    },
    { title: "Reason", cell: failureReasonOf, isWide: true },
  ],
};

/** As the server has written it or, before that, as the TTL says. */
function expirationOf({ metadata, spec, status }: Backup): string | undefined {
  if (typeof status?.expiration === "string") return status.expiration;
  const ttlMs = parseDuration(spec.ttl ?? "") ?? 0;
  const createdMs = Date.parse(metadata.creationTimestamp ?? "");
  return ttlMs > 0 && !Number.isNaN(createdMs) ? new Date(createdMs + ttlMs).toISOString() : undefined;
}

const timeSuffix = /-[0-9]{14}$/;

/** By name; Backups of one schedule, whose names end with a time, the newest first. */
function byScheduleAndAge(a: Backup, b: Backup): number {
  const [first, second] = [a.metadata.name, b.metadata.name];
  const isSeries = timeSuffix.test(first) && timeSuffix.test(second);
  if (isSeries && first.replace(timeSuffix, "") === second.replace(timeSuffix, "")) return first > second ? -1 : 1;
  return byName(a, b);
}
