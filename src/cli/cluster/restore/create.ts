// restore create: asks the server to bring back what a Backup holds, and waits for it if wanted.
import type { Command } from "commander";
import { labels } from "../../../api/names.ts";
import { podVolumeRestores } from "../../../api/resources.ts";
import type { Restore } from "../../../api/restore.ts";
import { validName } from "../../../api/valid-name.ts";
import type { NewObject } from "../../../kube/typed-client.ts";
import { UsageError } from "../../usage-error.ts";
import { backupNoun } from "../backup/backup-noun.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { CommandError } from "../command-error.ts";
import { addCreateFlags, type CreateFlags, submit } from "../create-object.ts";
import { requireObject } from "../noun.ts";
import { compactUtc } from "../times.ts";
import { waitForEnd } from "../wait-for-end.ts";
import { restoreNoun } from "./restore-noun.ts";
import { addRestoreSpecFlags, type RestoreSpecFlags, restoreSpecOf } from "./restore-spec-flags.ts";

interface CreateRestoreFlags extends CreateFlags, RestoreSpecFlags {
  readonly allowPartiallyFailed?: boolean;
  readonly wait?: boolean;
}

const about = `Bring back what a Backup holds: its objects, and the files of its volumes. What is there already is left as it
is (--existing-resource-policy update changes it). The files of a volume are restored with the pod that mounts it: a pod that is
there already keeps its own.`;

const examples = `
Examples:
  stowage restore create --from-backup shop-1 --wait
  stowage restore create --from-backup shop-1 --namespace-mappings shop:shop-test
  stowage restore create --from-schedule nightly --include-namespaces shop --allow-partially-failed
  stowage restore create --from-backup shop-1 --include-resources persistentvolumeclaims,persistentvolumes,pods

With --wait the exit code is 0 for Completed, 3 for PartiallyFailed and 1 for a Restore that failed.`;

export function addCreateCommand(parent: Command, context: ClusterContext): void {
  const command = parent
    .command("create")
    .summary("bring back what a backup holds")
    .description(about)
    .argument("[name]", "name of the Restore (default: that of the Backup or the Schedule, and the time)")
    .option("--from-backup <name>", "the Backup to restore from")
    .option("--from-schedule <name>", "the newest Backup of this Schedule that is Completed")
    .option("--allow-partially-failed", "with --from-schedule: or PartiallyFailed")
    .option("-w, --wait", "stay until it has ended, and show how far it is");
  addCreateFlags(command, "Restore");
  addRestoreSpecFlags(command)
    .addHelpText("after", examples)
    .action((name: string | undefined, flags: CreateRestoreFlags) => run(name, flags, context));
}

async function run(name: string | undefined, flags: CreateRestoreFlags, context: ClusterContext): Promise<void> {
  const source = flags.fromBackup ?? flags.fromSchedule;
  if (source === undefined || (flags.fromBackup !== undefined && flags.fromSchedule !== undefined)) {
    throw new UsageError("say what to restore from: --from-backup NAME or --from-schedule NAME");
  }
  const spec = restoreSpecOf({ ...flags, ...(await sourceOf(flags, context)) });
  const wanted: NewObject<Restore> = { metadata: { name: name ?? `${source}-${compactUtc(context.now())}` }, spec };
  const made = await submit(context, { noun: restoreNoun, wanted, flags });
  if (made === undefined) return;
  const restore = made.metadata.name;
  context.output.print(`Restore ${restore} from ${describeSource(made)} is submitted.`);
  if (flags.wait === true) return waitForRestore(context, made);
  context.output.print(`How far it is: stowage restore describe ${restore}`);
}

/** What the Restore names: the Backup or the Schedule of the flags, once it is known to be there. */
async function sourceOf(
  flags: CreateRestoreFlags,
  context: ClusterContext,
): Promise<{ readonly fromBackup: string | undefined; readonly fromSchedule: string | undefined }> {
  if (flags.fromBackup !== undefined) {
    await requireObject(context, backupNoun, flags.fromBackup);
    return { fromBackup: flags.fromBackup, fromSchedule: undefined };
  }
  const schedule = flags.fromSchedule ?? "";
  const usable = flags.allowPartiallyFailed === true ? ["Completed", "PartiallyFailed"] : ["Completed"];
  const newest = await newestBackup(schedule, usable, context);
  // The server finds the newest Completed one by itself; of the others only this command knows that they will do.
  const isChosen = flags.allowPartiallyFailed === true;
  return { fromBackup: isChosen ? newest : undefined, fromSchedule: isChosen ? undefined : schedule };
}

async function newestBackup(schedule: string, phases: readonly string[], context: ClusterContext): Promise<string> {
  const { client, namespace, signal } = context;
  const labelSelector = `${labels.scheduleName}=${validName(schedule)}`;
  const { items } = await client.list(backupNoun.resource, { namespace, labelSelector, signal });
  const usable = items.filter(({ status }) => phases.includes(status?.phase ?? ""));
  const started = (index: number): string => usable[index]?.status?.startTimestamp ?? "";
  const newest = usable.reduce((best, _, index) => (started(index) > started(best) ? index : best), 0);
  const found = usable[newest]?.metadata.name;
  if (found !== undefined) return found;
  const isPartial = items.some(({ status }) => status?.phase === "PartiallyFailed");
  throw new CommandError(
    `the schedule "${schedule}" has no backup that is ${phases.join(" or ")}`,
    isPartial
      ? "take one that is PartiallyFailed with --allow-partially-failed"
      : `stowage backup get --selector ${labelSelector}`,
  );
}

function describeSource({ spec }: Restore): string {
  const hasBackup = spec.backupName !== undefined && spec.backupName !== "";
  return hasBackup ? `backup ${spec.backupName}` : `the newest backup of schedule ${spec.scheduleName}`;
}

function waitForRestore(context: ClusterContext, restore: Restore): Promise<void> {
  return waitForEnd(context, {
    noun: restoreNoun,
    object: restore,
    volumes: podVolumeRestores,
    volumeSelector: `${labels.restoreName}=${validName(restore.metadata.name)}`,
    itemsOf: ({ status }) => ({
      itemsDone: status?.progress?.itemsRestored ?? 0,
      totalItems: status?.progress?.totalItems ?? 0,
    }),
  });
}
