// Asks the breaker of a location and writes down what it says: on the location, where everybody sees it.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import { involvedObject } from "../../kube/events.ts";
import { type ConditionUpdate, conditionPatch } from "../status/conditions.ts";
import { type Admission, admitDeletion, readBreaker } from "./deletion-breaker.ts";
import type { DeletionContext } from "./deletion-context.ts";

/**
 * Undefined when the deletion may begin, which is counted; else what it waits for.
 * @throws KubeError "conflict" when another deletion was counted at the same time
 */
export async function admit(
  location: BackupStorageLocation,
  context: DeletionContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { deletionLimit: limit, clock, newToken, metrics, log } = context;
  const { name } = location.metadata;
  const admission = admitDeletion(location, { limit, nowMs: clock.now(), newToken });
  const { mayGoOn, state, change } = admission;
  if (JSON.stringify(state) !== JSON.stringify(readBreaker(location)))
    await write(location, admission, context, signal);
  if (limit > 0) metrics.setPaused(name, state.pausedAs !== undefined);
  if (change === "agreed") log.info("somebody agreed to the deletions that wait", { location: name });
  return mayGoOn ? undefined : pauseMessage(location, state.pausedAs ?? "", context);
}

async function write(
  location: BackupStorageLocation,
  { state, change }: Admission,
  context: DeletionContext,
  signal: AbortSignal,
): Promise<void> {
  const { client, crds, clock, events, log, namespace } = context;
  const { name, resourceVersion } = location.metadata;
  const paused = state.pausedAs === undefined ? undefined : pauseMessage(location, state.pausedAs, context);
  const wasPaused = readBreaker(location).pausedAs !== undefined;
  const updates = change === undefined && !wasPaused ? [] : [conditionOf(paused, state.allowedUntil)];
  const crd = await crds.find(backupStorageLocations, signal);
  const { metadata, status } = conditionPatch(location, updates, { crd, nowMs: clock.now() });
  const patch = {
    metadata: {
      resourceVersion,
      annotations: { ...metadata.annotations, [annotations.deletions]: JSON.stringify(state) },
    },
    ...(updates.length === 0 ? {} : { status }),
  };
  const written = await client.mergePatch(backupStorageLocations, { namespace, name }, patch, { signal });
  if (change !== "paused" || paused === undefined) return;
  log.error("deletions of backups are paused", { location: name, message: paused });
  const text = { type: "Warning", reason: "DeletionsPaused", message: paused } as const;
  events.record(involvedObject(backupStorageLocations, written), text);
}

function conditionOf(paused: string | undefined, allowedUntil: string | undefined): ConditionUpdate {
  const type = "DeletionsPaused";
  if (paused !== undefined) return { type, status: "True", reason: "TooManyDeletions", message: paused };
  const message = allowedUntil === undefined ? "" : `somebody agreed to any number of deletions until ${allowedUntil}`;
  return { type, status: "False", reason: "DeletionsUsual", message };
}

function pauseMessage(
  { metadata }: BackupStorageLocation,
  token: string,
  { deletionLimit, namespace }: DeletionContext,
): string {
  const command = `kubectl -n ${namespace} annotate --overwrite backupstoragelocation ${metadata.name} ${annotations.allowDeletions}=${token}`;
  return `${deletionLimit} Backups were deleted within an hour and more are to be deleted; if that is as it should be, let them go on for an hour with: ${command}`;
}
