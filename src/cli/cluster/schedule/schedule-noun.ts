// Schedules as the command line lists them: velero's columns, and ours in the wide table.
import { schedules } from "../../../api/resources.ts";
import type { Schedule } from "../../../api/schedule.ts";
import { formatSelector } from "../label-selector-text.ts";
import type { Noun } from "../noun.ts";
import { failureReasonOf, phaseOf } from "../status-text.ts";
import { formatFromNow, formatTime } from "../times.ts";

export const scheduleNoun: Noun<Schedule> = {
  word: "schedule",
  title: "schedule",
  resource: schedules,
  columns: [
    { title: "Status", cell: phaseOf },
    { title: "Created", cell: ({ metadata }) => formatTime(metadata.creationTimestamp) },
    { title: "Schedule", cell: ({ spec }) => spec.schedule },
    { title: "Backup TTL", cell: ({ spec }) => spec.template.ttl ?? "0s" },
    { title: "Last Backup", cell: ({ status }, nowMs) => formatFromNow(status?.lastBackup, nowMs) },
    { title: "Selector", cell: ({ spec }) => formatSelector(spec.template.labelSelector) },
    { title: "Paused", cell: ({ spec }) => String(spec.paused === true) },
    { title: "Last Skipped", cell: ({ status }, nowMs) => formatFromNow(status?.lastSkipped, nowMs), isWide: true },
    { title: "Reason", cell: failureReasonOf, isWide: true },
  ],
};
