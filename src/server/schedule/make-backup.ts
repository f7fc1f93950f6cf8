// The Backup that a Schedule makes when it is due: Velero's name, labels and owner, the template's spec.
import type { Backup } from "../../api/backup.ts";
import type { ObjectMeta } from "../../api/kube-object.ts";
import { annotations, labels } from "../../api/names.ts";
import type { Schedule } from "../../api/schedule.ts";
import { validName } from "../../api/valid-name.ts";
import { formatTimestamp } from "../../platform/clock.ts";

/** They are about the Schedule and not about what it makes. */
const keptBack: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  annotations.conditions,
  annotations.startJitter,
]);

export interface ScheduledRun {
  /** What the cron line says, in milliseconds since the epoch. */
  readonly dueMs: number;
  readonly nowMs: number;
}

export function makeBackup(schedule: Schedule, { dueMs, nowMs }: ScheduledRun): Pick<Backup, "metadata" | "spec"> {
  const { metadata, spec } = schedule;
  const copied = Object.entries(metadata.annotations ?? {}).filter(([name]) => !keptBack.has(name));
  const owner = { apiVersion: "velero.io/v1", kind: "Schedule", name: metadata.name, uid: metadata.uid ?? "" };
  const made: ObjectMeta = {
    name: `${metadata.name}-${compactTime(nowMs)}`,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    labels: { ...(spec.template.metadata?.labels ?? metadata.labels), [labels.scheduleName]: validName(metadata.name) },
    annotations: { ...Object.fromEntries(copied), [annotations.scheduledFor]: formatTimestamp(dueMs) },
    ...(spec.useOwnerReferencesInBackup === true && { ownerReferences: [{ ...owner, controller: true }] }),
  };
  return { metadata: made, spec: spec.template };
}

/** YYYYMMDDhhmmss in UTC. */
function compactTime(ms: number): string {
  return formatTimestamp(ms).replace(/\D/g, "");
}
