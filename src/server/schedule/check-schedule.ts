// Can a Schedule be carried out? Looked at when it is new or has changed; the answer is its phase, Enabled or
// FailedValidation, with the reasons.
import { annotations } from "../../api/names.ts";
import { backups, schedules } from "../../api/resources.ts";
import type { Schedule, ScheduleStatus } from "../../api/schedule.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { conditionPatch, conditionsOf } from "../status/conditions.ts";
import { type CronLine, parseCronLine } from "./cron-line.ts";
import { makeBackup } from "./make-backup.ts";
import type { ScheduleContext } from "./schedule-context.ts";
import { jitterLimitMs } from "./start-jitter.ts";

export interface CheckedSchedule {
  readonly line: CronLine;
  readonly jitterLimitMs: number;
}

/** Undefined when it cannot be carried out; its status says why. Also gives the schedule as it is now. */
export interface ScheduleVerdict {
  readonly schedule: Schedule;
  readonly checked: CheckedSchedule | undefined;
}

/** Gives the same answer without a write while nothing has changed. */
export function scheduleChecker(
  context: ScheduleContext,
): (schedule: Schedule, signal: AbortSignal) => Promise<ScheduleVerdict> {
  /** What each Schedule's Backups look like, as it was when the API server would have taken one. */
  const accepted = new Map<string, string>();
  return async (schedule, signal) => {
    const { name } = schedule.metadata;
    const parsed = parseCronLine(schedule.spec.schedule, context.localZone);
    const limitMs = jitterLimitMs(schedule, context.startJitterMs);
    const problems: string[] = [];
    if ("problem" in parsed) problems.push(parsed.problem);
    if (limitMs === undefined) problems.push(`the annotation ${annotations.startJitter} is no duration such as 10m`);
    const wish = JSON.stringify(makeBackup(schedule, { dueMs: 0, nowMs: 0 }));
    if (problems.length === 0 && accepted.get(name) !== wish) {
      const refusal = await refusalOf(schedule, context, signal);
      if (refusal === undefined) accepted.set(name, wish);
      else problems.push(refusal);
    }
    const written = await writeVerdict(schedule, problems, context, signal);
    const checked =
      "line" in parsed && limitMs !== undefined ? { line: parsed.line, jitterLimitMs: limitMs } : undefined;
    return { schedule: written, checked: problems.length === 0 ? checked : undefined };
  };
}

/** Names that are too long and labels that are none would else show on the first night. */
async function refusalOf(
  schedule: Schedule,
  { client, clock }: ScheduleContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const nowMs = clock.now();
  try {
    await client.create(backups, makeBackup(schedule, { dueMs: nowMs, nowMs }), { signal, dryRun: true });
    return undefined;
  } catch (error) {
    if (KubeError.is(error, "invalid")) return `its Backups would be refused: ${error.message}`;
    if (KubeError.is(error, "already-exists")) return undefined;
    throw error;
  }
}

async function writeVerdict(
  schedule: Schedule,
  problems: readonly string[],
  { client, crds, clock, log }: ScheduleContext,
  signal: AbortSignal,
): Promise<Schedule> {
  const isValid = problems.length === 0;
  const phase: ScheduleStatus["phase"] = isValid ? "Enabled" : "FailedValidation";
  const message = isValid ? "" : problems.join("; ");
  const known = conditionsOf(schedule).find(({ type }) => type === "Accepted");
  const errors = schedule.status?.validationErrors ?? [];
  const isWritten = schedule.status?.phase === phase && known?.message === message;
  if (isWritten && JSON.stringify(errors) === JSON.stringify(problems)) return schedule;
  const { name, namespace } = schedule.metadata;
  const facts = { schedule: name, ...(isValid ? {} : { problem: message }) };
  log[isValid ? "info" : "warn"](isValid ? "a schedule is enabled" : "a schedule cannot be carried out", facts);
  const patch = conditionPatch(
    schedule,
    [{ type: "Accepted", status: isValid ? "True" : "False", reason: isValid ? "Valid" : "Invalid", message }],
    { crd: await crds.find(schedules, signal), nowMs: clock.now() },
  );
  const status = { phase, validationErrors: isValid ? null : problems, ...patch.status };
  return await client.mergePatch(schedules, { namespace, name }, { metadata: patch.metadata, status }, { signal });
}
