// Carries out one Backup from its start to its end: claimed → objects saved and volumes asked for → volumes ended → stored.
// It lives in this process's memory: when the process ends, the next one begins it anew, and finds the volumes that are made.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Backup } from "../../../api/backup.ts";
import { annotations } from "../../../api/names.ts";
import { isBackupEnded } from "../../../api/phases.ts";
import { podVolumeBackups } from "../../../api/resources.ts";
import { errorFacts, explainError } from "../../../platform/coded-error.ts";
import type { LocationStore } from "../../location-store/location-store.ts";
import { createRunLog } from "../../run-log/create-run-log.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import { createTarball } from "../../tarball/tarball-writer.ts";
import { stopVolumes } from "../../volume-work/stop-volumes.ts";
import type { BackupContext } from "../backup-context.ts";
import { BackupError } from "../backup-error.ts";
import { backupTimeout } from "../backup-timeout.ts";
import { type BackupEnd, endPatch, tellEnd } from "../end-backup.ts";
import { listVolumeBackups } from "../list-volume-backups.ts";
import type { ActiveRun } from "./active-runs.ts";
import { BackupRecord, isPassing } from "./backup-record.ts";
import type { BegunBackup } from "./begun-backup.ts";
import { attemptsOf, maxAttempts } from "./run-claim.ts";
import { RunLost } from "./run-lost.ts";
import { type RunParts, saveCluster } from "./save-cluster.ts";
import { storeBackup } from "./store-backup.ts";
import { superviseVolumes } from "./supervise-volumes.ts";
import { untilAborted } from "./until-aborted.ts";
import { uploadLog } from "./upload-backup.ts";

interface RunOptions {
  readonly context: BackupContext;
  readonly begun: BegunBackup;
  /** Of the process; the run's own fires also when the Backup is lost. */
  readonly signal: AbortSignal;
}

interface Running extends RunOptions {
  readonly record: BackupRecord;
  readonly run: ActiveRun;
}

/** @throws what may pass: then it is to be run again */
export async function runBackup(begun: BegunBackup, context: BackupContext, signal: AbortSignal): Promise<void> {
  try {
    await context.runs.during(begun.backup, async (run) => {
      const record = new BackupRecord(begun.backup, context);
      await runToItsEnd({ context, begun, record, run, signal });
    });
  } finally {
    begun.releaseSlot();
  }
}

async function runToItsEnd(running: Running): Promise<void> {
  const { context, begun, run, record } = running;
  const signal = AbortSignal.any([running.signal, run.lost]);
  try {
    const store = await context.openLocationStore(begun.location, signal);
    try {
      await runWith(store, { ...running, signal });
    } finally {
      await store.close();
    }
  } catch (error) {
    running.signal.throwIfAborted();
    const loss = lossOf(error, run);
    if (loss !== undefined) await leave(loss, record, running);
    else await failOrThrow(error, running);
  }
}

/** What ends a run that is lost may be any error: every call is aborted. */
function lossOf(error: unknown, { lost }: ActiveRun): RunLost | undefined {
  const reason: unknown = lost.aborted ? lost.reason : error;
  return reason instanceof RunLost ? reason : undefined;
}

async function runWith(store: LocationStore, running: Running): Promise<void> {
  const { context, record, signal } = running;
  const { name, uid } = record.backup.metadata;
  const stored = (await store.hasBackup(name, signal)) ? await store.readBackup(name, signal) : undefined;
  if (stored !== undefined && stored.metadata.uid !== uid) {
    const place = `BackupStorageLocation ${running.begun.location.metadata.name}`;
    throw new BackupError("already-stored", `a Backup named ${name} is already stored in ${place}`);
  }
  // The last process was ended between storing the Backup and writing its end.
  if (stored !== undefined && isBackupEnded(stored)) return await adopt(stored, running);
  const scratchDirectory = await mkdtemp(join(context.settings.scratchDirectory, "backup-"));
  const log = await createRunLog({ ...context, scratchDirectory, facts: { backup: `${context.namespace}/${name}` } });
  try {
    await carryOut(store, { ...running, log, scratchDirectory });
  } catch (error) {
    if (isFinal(error, running) && !running.signal.aborted) {
      log.error("velero", explainError(error));
      await storeFailure(store, name, { log, signal });
    }
    throw error;
  } finally {
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

async function carryOut(
  store: LocationStore,
  running: Running & Pick<RunParts, "log" | "scratchDirectory">,
): Promise<void> {
  const { context, run, record, scratchDirectory, signal, log } = running;
  const tarball = await createTarball(scratchDirectory);
  const parts: RunParts = { ...running, location: running.begun.location, tarball, startedAtMs: context.clock.now() };
  const over = new AbortController();
  const beside = AbortSignal.any([signal, over.signal]);
  const companions = [
    record.keepCurrent(beside).catch((error: unknown) => {
      if (error instanceof RunLost) run.lose(error.why);
    }),
    superviseVolumes({ record, results: run.results, context, signal: beside }),
  ];
  try {
    log.log.info("the backup has begun", { attempt: attemptsOf(record.backup) });
    const saved = await saveCluster(parts);
    running.begun.releaseSlot();
    const hooks = await saved.finishPods();
    await record.patch({ metadata: { annotations: { [annotations.volumes]: String(run.results.names.length) } } });
    await untilAborted(run.results.ended(run.results.names), signal);
    await storeBackup(parts, saved, { hooks, store });
  } catch (error) {
    if (lossOf(error, run)?.why === "deleted") await removeTraces(store, record, log);
    throw error;
  } finally {
    over.abort();
    await Promise.all(companions);
  }
}

/** What was stored of a Backup that nobody wants any more; else it would come back from there. */
async function removeTraces(store: LocationStore, { backup }: BackupRecord, log: RunLog): Promise<void> {
  await store.deleteBackup(backup.metadata.name).catch((error: unknown) => {
    log.log.warn("what was stored of a deleted backup could not be removed", errorFacts(error));
  });
}

/** The end is stored already; only the Backup itself does not say so yet. */
async function adopt(stored: Backup, { record, context }: Running): Promise<void> {
  const end = stored.status as BackupEnd;
  tellEnd(await record.patch(endPatch(end, context)), context);
}

/** Quietly: it is somebody else's now, or nobody's. */
async function leave(reason: RunLost, { backup }: BackupRecord, { context, signal }: RunOptions): Promise<void> {
  context.log.info("a backup is not carried out any further", { backup: backup.metadata.name, why: reason.why });
  if (reason.why !== "deleted") return;
  const items = await listVolumeBackups(backup, context, signal);
  await stopVolumes(podVolumeBackups, items, { ...context, reason: "its Backup was deleted", isPatienceOver: false });
}

/** True when another try would be of no use. */
function isFinal(error: unknown, { record, context }: Pick<Running, "record" | "context">): boolean {
  const isLongOver = -backupTimeout(record.backup, context).remainingMs > context.settings.resourceTimeoutMs;
  return !isPassing(error) || isLongOver || attemptsOf(record.backup) >= maxAttempts;
}

async function failOrThrow(error: unknown, running: Running): Promise<void> {
  const { context, record, signal } = running;
  if (!isFinal(error, running)) throw error;
  context.log.debug("a backup fails", errorFacts(error));
  const failureReason = context.redact(explainError(error));
  const end: BackupEnd = { phase: "Failed", failureReason, errors: 1 };
  tellEnd(await record.patch(endPatch(end, context)), context);
  const items = await listVolumeBackups(record.backup, context, signal);
  const reason = `its Backup failed: ${failureReason}`;
  await stopVolumes(podVolumeBackups, items, { ...context, reason, isPatienceOver: false });
}

/** As far as possible: what a user may want to read. Without the metadata file it does not count as a Backup. */
async function storeFailure(
  store: LocationStore,
  name: string,
  { log, signal }: Pick<RunParts, "log" | "signal">,
): Promise<void> {
  await uploadLog(store, name, { log, signal });
  await store.writeJson({ of: "backup", name, file: "results" }, log.results, signal).catch((error: unknown) => {
    log.log.warn("the results could not be stored", errorFacts(error));
  });
}
