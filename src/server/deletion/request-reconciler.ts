// One step of a DeleteBackupRequest: refused with the reason, put off with the reason, or carried out. A request that
// succeeded goes with its Backup; one that ended with errors stays for a day to be read.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations, labels } from "../../api/names.ts";
import type { DeleteBackupRequest } from "../../api/requests.ts";
import { backupStorageLocations, backups, deleteBackupRequests } from "../../api/resources.ts";
import { validName } from "../../api/valid-name.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import { asCodedError, errorFacts, explainError } from "../../platform/coded-error.ts";
import { admit } from "./admit.ts";
import { type DoomedBackup, deleteBackup } from "./delete-backup.ts";
import type { DeletionContext } from "./deletion-context.ts";
import { hasStoredNothing, refusalOf } from "./refuse-deletion.ts";

/** How long a request stays to be read that was not carried out. */
const keptMs = 24 * 3_600_000;
/** A repository that is in use, or a store that is away, is tried again for this long. */
const patienceMs = 24 * 3_600_000;
const retryMs = 30_000;
/** Most locks are gone in a moment: those of our own backups and verifications. */
const soonMs = 60_000;
const soonRetryMs = 5000;
const validationPollMs = 500;
const startPollMs = 200;
/** An agreement wakes the request; this is for a watch that lost it. */
const pausePollMs = 60_000;

interface Work {
  readonly request: DeleteBackupRequest;
  readonly context: DeletionContext;
  readonly signal: AbortSignal;
  /** When this process first failed at it, on the monotonic clock. */
  readonly failingSinceMs: Map<string, number>;
}

/** The reconcile function of the DeleteBackupRequest controller. */
export function deletionReconciler(context: DeletionContext): Reconcile {
  const failingSinceMs = new Map<string, number>();
  return async (key, signal) => {
    if (!context.isReady()) return { requeueAfterMs: startPollMs };
    const request = await context.client.find(deleteBackupRequests, splitKey(key), { signal });
    if (request === undefined || request.metadata.deletionTimestamp !== undefined) {
      failingSinceMs.delete(key);
      return {};
    }
    const work = { request, context, signal, failingSinceMs };
    return request.status?.phase === "Processed" ? await expire(work) : await workOn(work);
  };
}

async function expire({ request, context, signal }: Work): Promise<ReconcileResult> {
  const madeMs = parseTimestamp(request.metadata.creationTimestamp) ?? 0;
  const leftMs = madeMs + keptMs - context.clock.now();
  if (leftMs > 0) return { requeueAfterMs: leftMs };
  await removeRequest(request, context, signal);
  return {};
}

async function workOn(work: Work): Promise<ReconcileResult> {
  const { request, context, signal } = work;
  const { client, namespace } = context;
  // The API server takes one without a spec, too.
  const backupName = request.spec?.backupName ?? "";
  if (backupName === "") return await end(work, ["spec.backupName is missing"]);
  const others = context.requestsFor(backupName).filter((one) => !isSame(one, request));
  if (others.some((other) => goesFirst(other, request))) {
    context.log.debug("dropped a second request to delete a backup", { backup: backupName });
    await removeRequest(request, context, signal);
    return {};
  }
  const backup = await client.find(backups, { namespace, name: backupName }, { signal });
  // It is gone, as this request wished, and only that could not be written down any more.
  if (backup === undefined && request.status?.phase === "InProgress") return await succeed(work, undefined);
  if (backup === undefined) return await end(work, [`backup not found: there is no Backup ${backupName}`]);
  return await deleteWhenPossible(work, backup);
}

async function deleteWhenPossible(work: Work, backup: Backup): Promise<ReconcileResult> {
  const { request, context, signal } = work;
  const location = await locationOf(backup, context, signal);
  const restores = context.restoresOf(backup.metadata.name);
  const refusal = refusalOf({ request, backup, location, restores });
  if (refusal === "wait") return { requeueAfterMs: validationPollMs };
  if (refusal !== undefined) return await end(work, [refusal], backup);
  if (request.status?.phase !== "InProgress") {
    const pause = location === undefined ? undefined : await admit(location, context, signal);
    if (pause !== undefined) {
      await waitFor(work, pause);
      return { requeueAfterMs: pausePollMs };
    }
    return await carryOut({ ...work, request: await begin(work, backup) }, { backup, location, restores });
  }
  return await carryOut(work, { backup, location, restores });
}

async function carryOut(work: Work, doomed: DoomedBackup): Promise<ReconcileResult> {
  const { context, signal } = work;
  const { backup } = doomed;
  try {
    const problems = await deleteBackup(doomed, context, signal);
    return problems.length === 0 ? await succeed(work, backup) : await end(work, problems, backup);
  } catch (error) {
    if (signal.aborted || KubeError.is(error)) throw error;
    return await retryOrEnd(work, backup, error);
  }
}

async function begin({ request, context, signal }: Work, backup: Backup): Promise<DeleteBackupRequest> {
  const { client, namespace, metrics, log } = context;
  const { name, uid = "" } = backup.metadata;
  metrics.countAttempt(backup);
  log.info("deleting a backup", { backup: name, request: request.metadata.name });
  for (const other of context.requestsFor(name)) {
    if (!isSame(other, request)) await removeRequest(other, context, signal);
  }
  await client.mergePatch(backups, { namespace, name }, { status: { phase: "Deleting" } }, { signal });
  const change = {
    metadata: {
      labels: { [labels.backupName]: validName(name), [labels.backupUid]: uid },
      annotations: { [annotations.waitingFor]: null },
    },
    status: { phase: "InProgress" },
  };
  return await client.mergePatch(deleteBackupRequests, { namespace, name: request.metadata.name }, change, { signal });
}

/** A lock of somebody else's goes away, and so does an outage; what will never succeed is told at once. */
async function retryOrEnd(work: Work, backup: Backup, error: unknown): Promise<ReconcileResult> {
  const { request, context, failingSinceMs } = work;
  const key = `${request.metadata.namespace}/${request.metadata.name}`;
  const nowMs = context.clock.monotonicMs();
  const sinceMs = failingSinceMs.get(key) ?? nowMs;
  failingSinceMs.set(key, sinceMs);
  const message = context.redact(explainError(error));
  const mayPass = (asCodedError(error)?.retry ?? "backoff") !== "never";
  if (!mayPass || nowMs - sinceMs >= patienceMs) return await end(work, [message], backup);
  context.log.warn("deleting a backup has to wait", { backup: backup.metadata.name, ...errorFacts(error) });
  await waitFor(work, message);
  return { requeueAfterMs: nowMs - sinceMs < soonMs ? soonRetryMs : retryMs };
}

/** Written once, not at every try: how old a lock is changes its message, but not what it says. */
async function waitFor({ request, context, signal }: Work, reason: string): Promise<void> {
  const { name, namespace, annotations: notes } = request.metadata;
  const withoutNumbers = (text: string | undefined): string | undefined => text?.replace(/\d+/g, "");
  if (withoutNumbers(notes?.[annotations.waitingFor]) === withoutNumbers(reason)) return;
  const patch = { metadata: { annotations: { [annotations.waitingFor]: reason } } };
  await context.client.mergePatch(deleteBackupRequests, { namespace, name }, patch, { signal });
}

/** The Backup is gone; nothing is left to be told of by any request. */
async function succeed({ request, context, signal }: Work, backup: Backup | undefined): Promise<ReconcileResult> {
  const { backupName } = request.spec;
  if (backup !== undefined) context.metrics.countEnd(backup, false);
  context.log.info("deleted a backup", { backup: backupName });
  for (const one of context.requestsFor(backupName)) {
    // Another one may be for a new Backup of the same name.
    const isForThis = backup === undefined || (one.metadata.labels?.[labels.backupUid] ?? "") === backup.metadata.uid;
    if (isSame(one, request) || isForThis) await removeRequest(one, context, signal);
  }
  return {};
}

async function end(work: Work, errors: readonly string[], backup?: Backup): Promise<ReconcileResult> {
  const { request, context, signal } = work;
  const { name, namespace } = request.metadata;
  if (request.status?.phase === "InProgress" && backup !== undefined) context.metrics.countEnd(backup, true);
  context.log.warn("a backup was not deleted", { backup: request.spec?.backupName, errors: errors.join("; ") });
  const change = {
    metadata: { annotations: { [annotations.waitingFor]: null } },
    status: { phase: "Processed", errors: errors.map((error) => context.redact(error)) },
  };
  await context.client.mergePatch(deleteBackupRequests, { namespace, name }, change, { signal });
  return { requeueAfterMs: keptMs };
}

async function locationOf(
  backup: Backup,
  { client, namespace }: DeletionContext,
  signal: AbortSignal,
): Promise<BackupStorageLocation | undefined> {
  const storageLocation = backup.spec?.storageLocation ?? "";
  if (storageLocation === "" || hasStoredNothing(backup)) return undefined;
  return await client.find(backupStorageLocations, { namespace, name: storageLocation }, { signal });
}

function isSame(a: DeleteBackupRequest, b: DeleteBackupRequest): boolean {
  return a.metadata.name === b.metadata.name;
}

/** Of several requests that are to be carried out the one that was begun does it, else the oldest. */
function goesFirst(other: DeleteBackupRequest, request: DeleteBackupRequest): boolean {
  if (other.status?.phase === "Processed") return false;
  const order = (one: DeleteBackupRequest): readonly [number, number, string] => [
    one.status?.phase === "InProgress" ? 0 : 1,
    parseTimestamp(one.metadata.creationTimestamp) ?? 0,
    one.metadata.name,
  ];
  const [theirs, ours] = [order(other), order(request)];
  const different = theirs.findIndex((value, index) => value !== ours[index]);
  return different >= 0 && (theirs[different] ?? 0) < (ours[different] ?? 0);
}

async function removeRequest(
  { metadata }: DeleteBackupRequest,
  { client, namespace }: DeletionContext,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid } = metadata;
  const precondition = uid === undefined ? {} : { uid };
  await client.delete(deleteBackupRequests, { namespace, name }, { signal, ...precondition });
}
