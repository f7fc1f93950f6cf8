// Makes the Backups in the cluster that only a location knows, each with its volumes. One that cannot be made stands in
// nobody's way.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { OwnerReference } from "../../api/kube-object.ts";
import { annotations } from "../../api/names.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { backups, podVolumeBackups, schedules } from "../../api/resources.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { asCodedError, messageOf } from "../../platform/coded-error.ts";
import type { LocationStore } from "../location-store/location-store.ts";
import { foreignBackup, foreignVolumeBackup, isUnfinished, isVolumeBackup, type NewPlace } from "./foreign-objects.ts";
import type { SyncContext } from "./sync-context.ts";

export interface Source {
  readonly location: BackupStorageLocation;
  readonly store: LocationStore;
  /** Of all Backups that it has. */
  readonly names: readonly string[];
}

/** What went wrong with which Backup, so that it is said once and not at every round. */
export type KnownProblems = Map<string, string>;

export async function bringInBackups(
  source: Source,
  context: SyncContext,
  { problems, signal }: { readonly problems: KnownProblems; readonly signal: AbortSignal },
): Promise<void> {
  const { namespace, log, redact } = context;
  const location = source.location.metadata.name;
  for (const name of source.names) {
    signal.throwIfAborted();
    try {
      await bringIn(name, source, context, signal);
      problems.delete(name);
    } catch (error) {
      // An API server that is away concerns all of them.
      if (signal.aborted || KubeError.is(error, "unavailable")) throw error;
      const problem = redact(messageOf(error));
      const level = problems.get(name) === problem ? "debug" : "warn";
      problems.set(name, problem);
      log[level]("a Backup of a location cannot be brought into the cluster", {
        location,
        backup: `${namespace}/${name}`,
        error: problem,
      });
    }
  }
}

async function bringIn(name: string, source: Source, context: SyncContext, signal: AbortSignal): Promise<void> {
  const known = context.backups.get(context.namespace, name);
  const backup = known ?? (await makeBackup(name, source, context, signal));
  if (backup === undefined || backup.spec.storageLocation !== source.location.metadata.name) return;
  context.known.saw(backup);
  if (backup.metadata.annotations?.[annotations.volumesToSync] !== undefined) {
    await makeVolumeBackups(backup, source, context, signal);
  }
}

/** @returns undefined when there is nothing to be made (yet, or any more). */
async function makeBackup(
  name: string,
  { location, store }: Source,
  context: SyncContext,
  signal: AbortSignal,
): Promise<Backup | undefined> {
  const stored = await store.readBackup(name, signal).catch((error: unknown) => {
    if (asCodedError(error)?.code === "object-missing") return undefined;
    throw error;
  });
  if (stored === undefined || isUnfinished(stored, context.clock.now())) return undefined;
  const owners = await ownersHere(stored, context, signal);
  try {
    const made = await context.client.create(backups, foreignBackup(stored, placeOf(location, context), owners), {
      signal,
    });
    const facts = { location: location.metadata.name, backup: `${context.namespace}/${name}` };
    context.log.info("a Backup of a location was brought into the cluster", facts);
    context.metrics.broughtIn.add(1, { location: location.metadata.name });
    return made;
  } catch (error) {
    if (KubeError.is(error, "already-exists")) return undefined; // we shall be told of it
    throw error;
  }
}

async function makeVolumeBackups(
  backup: Backup,
  { location, store }: Source,
  context: SyncContext,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = backup.metadata;
  const stored = await store.readJson<unknown>({ of: "backup", name, file: "podVolumeBackups" }, signal);
  for (const one of (Array.isArray(stored) ? stored : []).filter(isVolumeBackup)) {
    await makeVolumeBackup(one, backup, placeOf(location, context), { context, signal });
  }
  const patch = { metadata: { annotations: { [annotations.volumesToSync]: null } } };
  await context.client.mergePatch(backups, { name, namespace }, patch, { signal });
}

/** One that the API server refuses is left out: the others are worth having. */
async function makeVolumeBackup(
  stored: PodVolumeBackup,
  backup: Backup,
  place: NewPlace,
  { context, signal }: { readonly context: SyncContext; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await context.client.create(podVolumeBackups, foreignVolumeBackup(stored, place, backup), { signal });
  } catch (error) {
    if (KubeError.is(error, "already-exists")) return;
    if (!KubeError.is(error, "invalid")) throw error;
    const facts = { backup: backup.metadata.name, volume: String(stored.metadata.name).slice(0, 253) };
    context.log.warn("a volume of a Backup cannot be brought into the cluster", { ...facts, error: messageOf(error) });
  }
}

function placeOf(location: BackupStorageLocation, { namespace }: SyncContext): NewPlace {
  return { namespace, location: location.metadata.name };
}

/** A Schedule of the same name in another cluster is not its owner; the garbage collector would delete the Backup. */
async function ownersHere(stored: Backup, context: SyncContext, signal: AbortSignal): Promise<OwnerReference[]> {
  const owners: OwnerReference[] = [];
  for (const owner of stored.metadata.ownerReferences ?? []) {
    if (owner.kind !== "Schedule") continue;
    const schedule = await context.client.find(
      schedules,
      { namespace: context.namespace, name: owner.name },
      { signal },
    );
    if (schedule?.metadata.uid === owner.uid) owners.push(owner);
  }
  return owners;
}
