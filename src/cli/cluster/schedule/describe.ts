// schedule describe: when it makes Backups, and of what.
import type { Command } from "commander";
import type { Schedule } from "../../../api/schedule.ts";
import type { Outline } from "../../output/outline.ts";
import { describeBackupSpec } from "../backup/describe-spec.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { addDescribeCommand } from "../describe.ts";
import { describeConditions, describeMetadata, describeValidationErrors, phaseOf } from "../status-text.ts";
import { formatTime } from "../times.ts";
import { scheduleNoun } from "./schedule-noun.ts";

export function addScheduleDescribeCommand(parent: Command, context: ClusterContext): void {
  addDescribeCommand<Schedule, object>(parent, context, {
    noun: scheduleNoun,
    gather: async () => ({}),
    describe: describeSchedule,
    missing: () => [],
  });
}

function describeSchedule(outline: Outline, schedule: Schedule): void {
  const { spec, status } = schedule;
  describeMetadata(outline, schedule);
  outline.gap().field("Phase", phaseOf(schedule));
  describeValidationErrors(outline, status?.validationErrors);
  outline.gap().field("Paused", spec.paused === true);
  outline.field("Schedule", spec.schedule);
  outline.field("Last Backup", formatTime(status?.lastBackup, "<never>"));
  if (status?.lastSkipped) outline.field("Last Skipped", formatTime(status.lastSkipped));
  outline.gap().section("Backup Template", () => describeBackupSpec(outline, spec.template));
  describeConditions(outline, schedule);
}
