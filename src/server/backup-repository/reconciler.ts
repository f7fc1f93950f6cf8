// One step of a BackupRepository: New ones are opened or made, NotReady ones are tried again, Ready ones are rid of stale
// locks and pruned when that is due.
import type { BackupRepository, BackupRepositoryPhase } from "../../api/backup-repository.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { backupRepositories, backupStorageLocations } from "../../api/resources.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import type { CrdLookup } from "../../kube/crd-lookup.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { asCodedError, errorFacts, explainError } from "../../platform/coded-error.ts";
import { ConfigError } from "../../platform/config-error.ts";
import { formatDuration, parseDuration } from "../../platform/duration.ts";
import type { Logger } from "../../platform/logger.ts";
import { explainNotReady } from "./explain-not-ready.ts";
import { locationFingerprint } from "./location-fingerprint.ts";
import { maintenancePatch, pruneDueInMs } from "./maintenance-status.ts";
import type { RepositoriesInUse } from "./repositories-in-use.ts";
import type { LockState, RepositoryCare } from "./repository-care.ts";

export interface BackupRepositoryReconcilerOptions {
  readonly client: Pick<TypedClient, "find" | "mergePatch">;
  readonly crds: Pick<CrdLookup, "find">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly care: Pick<RepositoryCare, "identifierOf" | "connect" | "removeStaleLocks" | "listLocks" | "prune">;
  readonly inUse: RepositoriesInUse;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  /** --default-repo-maintain-frequency */
  readonly maintenanceFrequencyMs: number;
  /** Told what stands after each look; undefined for a repository that is gone. */
  readonly noteLocks: (repository: string, locks: readonly LockState[] | undefined) => void;
  readonly countMaintenance: (result: "Succeeded" | "Failed") => void;
}

/** Ready repositories are looked after this often, as Velero does. */
const careMs = 300_000;
/** A NotReady one is tried again sooner: a wrong password or a missing bucket is usually being repaired. */
const retryMs = 30_000;
/** Pruning waits while the repository is being verified. */
const inUseMs = 60_000;

/** When this process last did something; repeated at once after a restart, which does no harm. */
interface Memory {
  caredMs: number;
  prunedMs: number;
}

interface Work {
  readonly repository: BackupRepository;
  readonly options: BackupRepositoryReconcilerOptions;
  readonly memory: Memory;
  readonly signal: AbortSignal;
}

const steps: Readonly<Record<BackupRepositoryPhase, (work: Work) => Promise<ReconcileResult>>> = {
  New: connect,
  NotReady: connect,
  Ready: lookAfter,
};

/** The reconcile function of the BackupRepository controller. */
export function backupRepositoryReconciler(options: BackupRepositoryReconcilerOptions): Reconcile {
  const memories = new Map<string, Memory>();
  return async (key, signal) => {
    const repository = await options.client.find(backupRepositories, splitKey(key), { signal });
    if (repository === undefined || repository.metadata.deletionTimestamp !== undefined) {
      memories.delete(key);
      options.noteLocks(splitKey(key).name, undefined);
      return {};
    }
    const { repositoryType = "" } = repository.spec;
    // Repositories of other kinds belong to somebody else.
    if (repositoryType !== "restic" && repositoryType !== "") return {};
    const memory = memories.get(key) ?? { caredMs: Number.NEGATIVE_INFINITY, prunedMs: Number.NEGATIVE_INFINITY };
    memories.set(key, memory);
    const phase = repository.status?.phase ?? "";
    return await steps[phase === "" ? "New" : phase]({ repository, options, memory, signal });
  };
}

async function connect(work: Work): Promise<ReconcileResult> {
  const { repository, options, signal } = work;
  const { volumeNamespace, maintenanceFrequency } = repository.spec;
  try {
    const location = await locationOf(work);
    const identifier = options.care.identifierOf(location, volumeNamespace);
    await options.care.connect(location, volumeNamespace, signal);
    const hasFrequency = frequencyMs(repository) > 0;
    const isNew = parseTimestamp(repository.status?.lastMaintenanceTime) === undefined;
    await patch(work, {
      metadata: { annotations: { [annotations.location]: locationFingerprint(location) } },
      spec: {
        resticIdentifier: identifier,
        maintenanceFrequency: hasFrequency ? maintenanceFrequency : formatDuration(options.maintenanceFrequencyMs),
      },
      status: {
        phase: "Ready",
        message: "",
        // Maintenance becomes due one period after the first look.
        ...(isNew && { lastMaintenanceTime: formatTimestamp(options.clock.now()) }),
      },
    });
    options.log.info("a repository is ready", { repository: repository.metadata.name, identifier });
    return { requeueAfterMs: careMs };
  } catch (error) {
    if (signal.aborted || KubeError.is(error)) throw error;
    await setNotReady(work, error);
    return { requeueAfterMs: retryMs };
  }
}

async function lookAfter(work: Work): Promise<ReconcileResult> {
  const { repository, options, signal } = work;
  try {
    const location = await locationOf(work);
    if (hasMoved(repository, location, options.care)) {
      options.log.info("a repository's location has changed", { repository: repository.metadata.name });
      await writeNotReady(work, "re-establish on BSL change: its BackupStorageLocation has changed");
      return { requeueAfterMs: 0 };
    }
    if (location.spec.accessMode === "ReadOnly") return { requeueAfterMs: careMs };
    await removeLocks(work, location);
    return await pruneWhenDue(work, location);
  } catch (error) {
    if (signal.aborted || KubeError.is(error) || asCodedError(error)?.retry === "backoff") throw error;
    // What an agent would stumble over as well is better said here.
    await setNotReady(work, error);
    return { requeueAfterMs: retryMs };
  }
}

/** Another place, or the same place with other settings. Without the annotation somebody else made it ready. */
function hasMoved(
  repository: BackupRepository,
  location: BackupStorageLocation,
  care: Pick<RepositoryCare, "identifierOf">,
): boolean {
  const { volumeNamespace, resticIdentifier } = repository.spec;
  if (care.identifierOf(location, volumeNamespace) !== resticIdentifier) return true;
  const known = repository.metadata.annotations?.[annotations.location];
  return known !== undefined && known !== locationFingerprint(location);
}

async function removeLocks(
  { repository, options, memory, signal }: Work,
  location: BackupStorageLocation,
): Promise<void> {
  const nowMs = options.clock.monotonicMs();
  if (nowMs - memory.caredMs < careMs) return;
  const removed = await options.care.removeStaleLocks(location, repository.spec.volumeNamespace, signal);
  options.noteLocks(
    repository.metadata.name,
    await options.care.listLocks(location, repository.spec.volumeNamespace, signal),
  );
  memory.caredMs = nowMs;
  if (removed > 0) options.log.info("removed stale locks", { repository: repository.metadata.name, removed });
}

/** One that fails is tried again at the next look, not a whole period later. */
async function pruneWhenDue(work: Work, location: BackupStorageLocation): Promise<ReconcileResult> {
  const { repository, options, memory } = work;
  const periodMs = frequencyMs(repository) > 0 ? frequencyMs(repository) : options.maintenanceFrequencyMs;
  const dueInMs = pruneDueInMs(repository, periodMs, options.clock.now());
  const restMs = memory.prunedMs + careMs - options.clock.monotonicMs();
  if (dueInMs > 0 || restMs > 0) return { requeueAfterMs: Math.min(careMs, Math.max(dueInMs, restMs, 1000)) };
  const used = await options.inUse.use(repository.metadata.name, () => pruneNow(work, location));
  return { requeueAfterMs: used === undefined ? inUseMs : careMs };
}

async function pruneNow(work: Work, location: BackupStorageLocation): Promise<void> {
  const { repository, options, memory, signal } = work;
  const startMs = options.clock.now();
  let failure: unknown;
  try {
    const facts = await options.care.prune(location, repository.spec.volumeNamespace, signal);
    options.log.info("pruned a repository", { repository: repository.metadata.name, ...facts });
  } catch (error) {
    if (signal.aborted) throw error;
    failure = error;
    options.log.warn("pruning a repository failed", { repository: repository.metadata.name, ...errorFacts(error) });
  }
  memory.prunedMs = options.clock.monotonicMs();
  options.countMaintenance(failure === undefined ? "Succeeded" : "Failed");
  const crd = await options.crds.find(backupRepositories, signal);
  const message = failure === undefined ? undefined : options.redact(explainError(failure));
  await patch(work, maintenancePatch(repository, crd, { startMs, endMs: options.clock.now(), failure: message }));
}

/** 0 when the repository does not say, as those that agents ask for. */
function frequencyMs({ spec }: BackupRepository): number {
  return parseDuration(spec.maintenanceFrequency) ?? 0;
}

async function locationOf({ repository, options, signal }: Work): Promise<BackupStorageLocation> {
  const address = { namespace: options.namespace, name: repository.spec.backupStorageLocation };
  const location = await options.client.find(backupStorageLocations, address, { signal });
  if (location !== undefined) return location;
  throw new ConfigError("storage-location-unusable", `BackupStorageLocation ${address.name} does not exist`);
}

async function setNotReady(work: Work, error: unknown): Promise<void> {
  const { repository, options } = work;
  options.log.warn("a repository is not ready", { repository: repository.metadata.name, ...errorFacts(error) });
  await writeNotReady(work, options.redact(explainNotReady(error, options.namespace)));
}

async function writeNotReady(work: Work, message: string): Promise<void> {
  const { phase, message: known } = work.repository.status ?? {};
  if (phase !== "NotReady" || known !== message) await patch(work, { status: { phase: "NotReady", message } });
}

async function patch({ repository, options }: Work, change: Readonly<Record<string, unknown>>): Promise<void> {
  const address = { namespace: options.namespace, name: repository.metadata.name };
  await options.client.mergePatch(backupRepositories, address, change);
}
