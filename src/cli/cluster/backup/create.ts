// backup create: asks the server for a Backup, from flags or as a Schedule would make it, and waits for it if wanted.
import type { Command } from "commander";
import type { Backup } from "../../../api/backup.ts";
import type { OwnerReference } from "../../../api/kube-object.ts";
import { labels, prunedFieldPrefix } from "../../../api/names.ts";
import { backupStorageLocations } from "../../../api/resources.ts";
import type { Schedule } from "../../../api/schedule.ts";
import { validName } from "../../../api/valid-name.ts";
import type { NewObject } from "../../../kube/typed-client.ts";
import { UsageError } from "../../usage-error.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { CommandError } from "../command-error.ts";
import { addCreateFlags, type CreateFlags, submit } from "../create-object.ts";
import { requireObject } from "../noun.ts";
import { scheduleNoun } from "../schedule/schedule-noun.ts";
import { compactUtc } from "../times.ts";

import { backupNoun } from "./backup-noun.ts";
import { addBackupSpecFlags, type BackupSpecFlags, backupSpecOf, givenSpecFlags } from "./backup-spec-flags.ts";
import { waitForBackup } from "./wait-for-backup.ts";

interface CreateBackupFlags extends CreateFlags, BackupSpecFlags {
  readonly fromSchedule?: string;
  readonly wait?: boolean;
}

const about = `Back up objects of the cluster and the files of the volumes that their pods name in the annotation
backup.velero.io/backup-volumes (with --default-volumes-to-fs-backup: of all volumes but those in
backup.velero.io/backup-volumes-excludes).`;

const examples = `
Examples:
  stowage backup create shop-1 --include-namespaces shop --wait
  stowage backup create all --default-volumes-to-fs-backup --ttl 720h
  stowage backup create --from-schedule nightly
  stowage backup create db-1 --include-namespaces shop --selector app=db -o yaml   (prints it and makes nothing)

With --wait the exit code is 0 for Completed, 3 for PartiallyFailed and 1 for a Backup that failed.`;

export function addCreateCommand(parent: Command, context: ClusterContext): void {
  const command = parent
    .command("create")
    .summary("back up namespaces, objects and volumes")
    .description(about)
    .argument("[name]", "name of the Backup; with --from-schedule it may be left out")
    .option("--from-schedule <name>", "what the template of this Schedule says, now")
    .option("-w, --wait", "stay until it has ended, and show how far it is");
  addCreateFlags(command, "Backup");
  addBackupSpecFlags(command)
    .addHelpText("after", examples)
    .action((name: string | undefined, flags: CreateBackupFlags) => run(name, flags, context));
}

async function run(name: string | undefined, flags: CreateBackupFlags, context: ClusterContext): Promise<void> {
  const wanted = flags.fromSchedule === undefined ? ofFlags(name, flags) : await ofSchedule(name, flags, context);
  if (flags.output === undefined) await requireLocation(wanted.spec.storageLocation, context);
  const made = await submit(context, { noun: backupNoun, wanted, flags });
  if (made === undefined) return;
  const backup = made.metadata.name;
  context.output.print(`Backup ${backup} is submitted.`);
  if (flags.wait === true) return waitForBackup(context, made);
  context.output.print(`How far it is: stowage backup describe ${backup}`);
}

function ofFlags(name: string | undefined, flags: CreateBackupFlags): NewObject<Backup> {
  if (name === undefined) throw new UsageError("name the Backup, or say --from-schedule");
  return { metadata: { name }, spec: backupSpecOf(flags) };
}

async function ofSchedule(
  name: string | undefined,
  flags: CreateBackupFlags,
  context: ClusterContext,
): Promise<NewObject<Backup>> {
  const given = givenSpecFlags(flags);
  if (given.length > 0) {
    throw new UsageError(
      `--from-schedule takes everything from the Schedule's template: leave out ${given.join(", ")}`,
    );
  }
  const schedule = await requireObject(context, scheduleNoun, flags.fromSchedule ?? "");
  return backupOfSchedule(schedule, name ?? `${schedule.metadata.name}-${compactUtc(context.now())}`);
}

/** The Backup that the server would make of a Schedule. */
function backupOfSchedule({ metadata, spec }: Schedule, name: string): NewObject<Backup> {
  const owner: OwnerReference = {
    apiVersion: "velero.io/v1",
    kind: "Schedule",
    name: metadata.name,
    uid: metadata.uid ?? "",
    controller: true,
  };
  const copied = Object.entries(metadata.annotations ?? {}).filter(([key]) => !isAboutSchedule(key));
  return {
    metadata: {
      name,
      labels: {
        ...(spec.template.metadata?.labels ?? metadata.labels),
        [labels.scheduleName]: validName(metadata.name),
      },
      ...(copied.length === 0 ? {} : { annotations: Object.fromEntries(copied) }),
      ...(spec.useOwnerReferencesInBackup === true ? { ownerReferences: [owner] } : {}),
    },
    spec: spec.template,
  };
}

/** Notes of kubectl and of the server, which mean nothing on a Backup. */
function isAboutSchedule(annotation: string): boolean {
  return annotation === "kubectl.kubernetes.io/last-applied-configuration" || annotation.startsWith(prunedFieldPrefix);
}

/** A slip in the location's name is told before anything is made. */
async function requireLocation(name: string | undefined, context: ClusterContext): Promise<void> {
  if (name === undefined) return;
  const { client, signal } = context;
  if ((await client.find(backupStorageLocations, context.address(name), { signal })) !== undefined) return;
  throw new CommandError(
    `there is no storage location "${name}" in namespace ${context.namespace}`,
    "stowage backup-location get  shows those that there are",
  );
}
