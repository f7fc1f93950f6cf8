// What a Restore is restored from: a Backup by its name or the newest of a schedule, and the location where that lies.
import type { Backup, BackupPhase } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { backupStorageLocations, backups } from "../../api/resources.ts";
import type { Restore } from "../../api/restore.ts";
import { validName } from "../../api/valid-name.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import type { RestoreContext } from "./restore-context.ts";

export const scheduleNameLabel = "velero.io/schedule-name";

export interface RestoreSource {
  readonly backup: Backup;
  readonly location: BackupStorageLocation;
}

export interface FoundSource {
  readonly backup?: Backup | undefined;
  readonly location?: BackupStorageLocation | undefined;
  /** Sentences for status.validationErrors; with none of them both are there. */
  readonly problems: readonly string[];
}

/** Backups that hold nothing yet, never will, or are on their way out. A Failed one may hold something. */
const unusable: ReadonlySet<BackupPhase> = new Set<BackupPhase>([
  "New",
  "Queued",
  "ReadyToStart",
  "FailedValidation",
  "InProgress",
  "WaitingForPluginOperations",
  "WaitingForPluginOperationsPartiallyFailed",
  "Deleting",
]);

export async function findSource(
  { spec }: Restore,
  context: Pick<RestoreContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<FoundSource> {
  const { backupName = "", scheduleName = "" } = spec;
  // A Restore from a schedule that was begun names its Backup, too.
  if (backupName !== "") return await sourceOf(await findBackup(backupName, context, signal), context, signal);
  const found = await newestOfSchedule(scheduleName, context, signal);
  if (found === undefined) return { problems: [`no Backup of the schedule ${scheduleName} is Completed`] };
  return await sourceOf(found, context, signal);
}

async function findBackup(
  name: string,
  { client, namespace }: Pick<RestoreContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<Backup | string> {
  const found = await client.find(backups, { namespace, name }, { signal });
  return (
    found ?? `Backup ${name} does not exist; if it was made in another cluster, it appears when its location was synced`
  );
}

async function newestOfSchedule(
  schedule: string,
  { client, namespace }: Pick<RestoreContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<Backup | undefined> {
  const labelSelector = `${scheduleNameLabel}=${validName(schedule)}`;
  const { items } = await client.list(backups, { namespace, labelSelector, signal });
  const startMs = ({ status }: Backup): number => parseTimestamp(status?.startTimestamp) ?? 0;
  return items
    .filter(({ status, metadata }) => status?.phase === "Completed" && metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => startMs(b) - startMs(a))[0];
}

async function sourceOf(
  backup: Backup | string,
  { client, namespace }: Pick<RestoreContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<FoundSource> {
  if (typeof backup === "string") return { problems: [backup] };
  const { name } = backup.metadata;
  const phase = backup.status?.phase === undefined || backup.status.phase === "" ? "New" : backup.status.phase;
  if (unusable.has(phase))
    return { backup, problems: [`Backup ${name} is ${phase}: there is nothing to restore from it`] };
  const wanted = backup.spec.storageLocation ?? "";
  const location =
    wanted === "" ? undefined : await client.find(backupStorageLocations, { namespace, name: wanted }, { signal });
  if (location === undefined)
    return { backup, problems: [`BackupStorageLocation ${wanted || '""'} of Backup ${name} does not exist`] };
  return { backup, location, problems: locationProblems(location) };
}

function locationProblems({ metadata, status = {} }: BackupStorageLocation): string[] {
  if (status.phase !== "Unavailable") return [];
  const why = status.message === undefined || status.message === "" ? "no reason is given" : status.message;
  return [`BackupStorageLocation ${metadata.name} is unavailable: ${why}`];
}
