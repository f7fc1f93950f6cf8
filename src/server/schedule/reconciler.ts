// One look at a Schedule: is it due? Then one Backup is made, however many runs were missed, and none while an earlier one
// goes on. When it was last due stands in the status, and for which time a Backup was made stands on the Backup: a server
// that dies between the two writes makes no second one.
import type { Backup } from "../../api/backup.ts";
import { annotations, labels } from "../../api/names.ts";
import { isBackupEnded } from "../../api/phases.ts";
import { backups, schedules } from "../../api/resources.ts";
import type { Schedule } from "../../api/schedule.ts";
import { validName } from "../../api/valid-name.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { type CheckedSchedule, scheduleChecker } from "./check-schedule.ts";
import { makeBackup } from "./make-backup.ts";
import type { ScheduleContext } from "./schedule-context.ts";
import { startDelayMs } from "./start-jitter.ts";

/** The machine's clock may be set, which no timer notices. */
const longestSleepMs = 300_000;
/** The end of the earlier Backup wakes the Schedule; this is for a watch that lost it. */
const busyPollMs = 60_000;
/** A name holds the second in which it was made. */
const nameTakenMs = 1000;

const emptySpec: Schedule["spec"] = { schedule: "", template: {} };

/** The reconcile function of the Schedule controller. */
export function scheduleReconciler(context: ScheduleContext): Reconcile {
  const check = scheduleChecker(context);
  return async (key, signal) => {
    const address = splitKey(key);
    const found = await context.client.find(schedules, address, { signal });
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) {
      context.metrics.forgetNextRun(address.name);
      return {};
    }
    // The API server takes one without a spec, too.
    const { schedule, checked } = await check({ ...found, spec: found.spec ?? emptySpec }, signal);
    if (checked === undefined || schedule.spec.paused === true) {
      context.metrics.forgetNextRun(address.name);
      return {};
    }
    if (await skipWhenAsked(schedule, context, signal)) return { requeueAfterMs: 0 };
    return await runWhenDue(schedule, checked, context, signal);
  };
}

/** Whatever is due now is left out; the wish is used up by that, as in Velero. */
async function skipWhenAsked(
  { metadata, spec }: Schedule,
  { client, clock, log, skipImmediately }: ScheduleContext,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(spec.skipImmediately ?? skipImmediately)) return false;
  const { name, namespace } = metadata;
  const patch = { spec: { skipImmediately: false }, status: { lastSkipped: formatTimestamp(clock.now()) } };
  await client.mergePatch(schedules, { namespace, name }, patch, { signal });
  log.info("a schedule skips what is due, as it asks for", { schedule: name });
  return true;
}

async function runWhenDue(
  schedule: Schedule,
  { line, jitterLimitMs }: CheckedSchedule,
  context: ScheduleContext,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { client, clock, log, metrics } = context;
  const { name, namespace } = schedule.metadata;
  const nowMs = clock.now();
  const dueMs = line.nextAfter(lastRunMs(schedule, nowMs));
  const startMs = dueMs + startDelayMs(schedule, dueMs, jitterLimitMs);
  metrics.setNextRun(name, startMs);
  if (startMs > nowMs) return { requeueAfterMs: Math.min(startMs - nowMs, longestSleepMs) };
  const labelSelector = `${labels.scheduleName}=${validName(name)}`;
  const { items } = await client.list(backups, { namespace, labelSelector, signal });
  const earlier = items.find((backup) => isMadeFor(backup, dueMs));
  if (earlier === undefined && items.some(isUnderWay)) {
    log.debug("a schedule is due and waits for its last backup to end", { schedule: name });
    return { requeueAfterMs: busyPollMs };
  }
  const made = earlier ?? (await createBackup(makeBackup(schedule, { dueMs, nowMs }), context, signal));
  if (made === undefined) return { requeueAfterMs: nameTakenMs };
  const lastBackup = earlier?.metadata.creationTimestamp ?? formatTimestamp(nowMs);
  await client.mergePatch(schedules, { namespace, name }, { status: { lastBackup } }, { signal });
  if (earlier === undefined) metrics.countBackup(name);
  log.info("a schedule has made a backup", { schedule: name, backup: made.metadata.name });
  return { requeueAfterMs: 0 };
}

/** Since when runs are counted: the last one, made or skipped, or the Schedule's own beginning. */
function lastRunMs({ metadata, status }: Schedule, nowMs: number): number {
  const sinceMs = parseTimestamp(status?.lastBackup) ?? parseTimestamp(metadata.creationTimestamp) ?? nowMs;
  return Math.max(sinceMs, parseTimestamp(status?.lastSkipped) ?? 0);
}

function isMadeFor({ metadata }: Backup, dueMs: number): boolean {
  return metadata.annotations?.[annotations.scheduledFor] === formatTimestamp(dueMs);
}

/** One that is being deleted holds nobody up. */
function isUnderWay(backup: Backup): boolean {
  return (
    !isBackupEnded(backup) && backup.status?.phase !== "Deleting" && backup.metadata.deletionTimestamp === undefined
  );
}

/** Undefined when the name is taken. */
async function createBackup(
  backup: Pick<Backup, "metadata" | "spec">,
  { client }: ScheduleContext,
  signal: AbortSignal,
): Promise<Backup | undefined> {
  try {
    return await client.create(backups, backup, { signal });
  } catch (error) {
    if (KubeError.is(error, "already-exists")) return undefined;
    throw error;
  }
}
