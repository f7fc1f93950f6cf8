// schedule create: Backups from a template, whenever a cron line is due.
import type { Command } from "commander";
import type { Schedule } from "../../../api/schedule.ts";
import type { NewObject } from "../../../kube/typed-client.ts";
import { addBackupSpecFlags, type BackupSpecFlags, backupSpecOf } from "../backup/backup-spec-flags.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { addCreateFlags, type CreateFlags, submit } from "../create-object.ts";
import { choiceParser, withoutUndefined } from "../flag-values.ts";
import { scheduleNoun } from "./schedule-noun.ts";

interface CreateScheduleFlags extends CreateFlags, BackupSpecFlags {
  readonly schedule: string;
  readonly useOwnerReferencesInBackup?: boolean;
  readonly paused?: boolean;
  readonly skipImmediately?: boolean;
}

const about = `Make a Backup whenever it is due. The line has cron's five fields (minute, hour, day of the month, month, day of
the week; UTC, or "CRON_TZ=Europe/Berlin 0 3 * * *"), or is @hourly, @daily, @weekly, @monthly, @yearly or "@every 6h". The Backups
are named after the Schedule and the time, and carry its labels and annotations.`;

const examples = `
Examples:
  stowage schedule create nightly --schedule "0 3 * * *" --include-namespaces shop --ttl 720h
  stowage schedule create all --schedule "@every 6h" --default-volumes-to-fs-backup
  stowage schedule create nightly --schedule "CRON_TZ=Europe/Berlin 0 3 * * *" --skip-immediately`;

export function addCreateCommand(parent: Command, context: ClusterContext): void {
  const command = parent
    .command("create")
    .summary("back up at certain times")
    .description(about)
    .argument("<name>", "name of the Schedule")
    .requiredOption("--schedule <cron>", "when, such as '0 3 * * *' or '@every 6h'")
    .option("--paused", "make no Backups until it is unpaused")
    .option(
      "--skip-immediately <true|false>",
      "pass over what is due already, and begin with the next time",
      choiceParser("--skip-immediately"),
    )
    .option("--use-owner-references-in-backup", "delete the Backups with the Schedule");
  addCreateFlags(command, "Schedule, and of its Backups");
  addBackupSpecFlags(command)
    .addHelpText("after", examples)
    .action((name: string, flags: CreateScheduleFlags) => run(name, flags, context));
}

async function run(name: string, flags: CreateScheduleFlags, context: ClusterContext): Promise<void> {
  const made = await submit(context, { noun: scheduleNoun, wanted: scheduleOf(name, flags), flags });
  if (made !== undefined) context.output.print(`Schedule ${made.metadata.name} is made.`);
}

/** The Schedule that the flags stand for. */
function scheduleOf(name: string, flags: CreateScheduleFlags): NewObject<Schedule> {
  const { schedule, paused, skipImmediately, useOwnerReferencesInBackup } = flags;
  return {
    metadata: { name },
    spec: withoutUndefined({
      schedule,
      template: backupSpecOf(flags),
      paused,
      skipImmediately,
      useOwnerReferencesInBackup,
    }),
  };
}
