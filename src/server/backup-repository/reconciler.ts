// One step of a BackupRepository: New ones are opened or made, NotReady ones are tried again, Ready ones are rid of stale
// locks and pruned when that is due.
import type {
  BackupRepository,
  BackupRepositoryPhase,
  BackupRepositoryStatus,
  MaintenanceResult,
} from "../../api/backup-repository.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { backupRepositories, backupStorageLocations } from "../../api/resources.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { errorFacts, explainError } from "../../platform/coded-error.ts";
import { formatDuration, parseDuration } from "../../platform/duration.ts";
import type { Logger } from "../../platform/logger.ts";

/** What the server does to repositories; implemented over the engine. */
export interface RepositoryCare {
  /** The restic location of a namespace's repository. */
  identifierOf(location: BackupStorageLocation, volumeNamespace: string): string;
  /** Opens the repository; makes it when there is none. */
  openOrInit(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<void>;
  /** Removes locks whose owners are gone; returns how many. */
  removeStaleLocks(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<number>;
  /** Removes what no snapshot needs. */
  prune(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<void>;
}

export interface BackupRepositoryReconcilerOptions {
  readonly client: TypedClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly care: RepositoryCare;
  readonly maintenanceFrequencyMs: number;
}

/** Ready and NotReady repositories are looked at again after this time, as Velero does. */
const recheckMs = 300_000;
/** A NotReady one sooner: a wrong password or a missing bucket is usually being repaired. */
const retryMs = 30_000;
const keptResults = 3;

type Step = (
  repository: BackupRepository,
  options: BackupRepositoryReconcilerOptions,
  signal: AbortSignal,
) => Promise<ReconcileResult>;

const steps: Readonly<Record<BackupRepositoryPhase, Step>> = { New: connect, NotReady: connect, Ready: maintain };

/** The reconcile function of the BackupRepository controller. */
export function backupRepositoryReconciler(
  options: BackupRepositoryReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<ReconcileResult> {
  return async (key, signal) => {
    const name = key.slice(key.indexOf("/") + 1);
    const repository = await options.client.find(
      backupRepositories,
      { namespace: options.namespace, name },
      { signal },
    );
    if (repository === undefined || repository.metadata.deletionTimestamp !== undefined) return {};
    // Repositories of other kinds belong to somebody else.
    if ((repository.spec.repositoryType ?? "") !== "restic" && (repository.spec.repositoryType ?? "") !== "") return {};
    const phase = repository.status?.phase;
    return await steps[phase === undefined || phase === "" ? "New" : phase](repository, options, signal);
  };
}

async function connect(
  repository: BackupRepository,
  options: BackupRepositoryReconcilerOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { volumeNamespace } = repository.spec;
  try {
    const location = await locationOf(repository, options, signal);
    const identifier = options.care.identifierOf(location, volumeNamespace);
    await options.care.openOrInit(location, volumeNamespace, signal);
    const frequency = repository.spec.maintenanceFrequency;
    await patch(repository, options, {
      spec: {
        resticIdentifier: identifier,
        maintenanceFrequency: frequency === "" ? formatDuration(options.maintenanceFrequencyMs) : frequency,
      },
      status: { phase: "Ready", message: "", ...lastMaintenance(repository, options) },
    });
    options.log.info("a repository is ready", { repository: repository.metadata.name, identifier });
    return { requeueAfterMs: recheckMs };
  } catch (error) {
    if (signal.aborted || KubeError.is(error)) throw error;
    const message = explainError(error);
    if (repository.status?.phase !== "NotReady" || repository.status.message !== message) {
      await patch(repository, options, { status: { phase: "NotReady", message } });
    }
    options.log.warn("a repository is not ready", { repository: repository.metadata.name, ...errorFacts(error) });
    return { requeueAfterMs: retryMs };
  }
}

/** Set once, when the repository is first seen: maintenance becomes due one period later. */
function lastMaintenance(
  repository: BackupRepository,
  options: BackupRepositoryReconcilerOptions,
): BackupRepositoryStatus {
  if (parseTimestamp(repository.status?.lastMaintenanceTime) !== undefined) return {};
  return { lastMaintenanceTime: formatTimestamp(options.clock.now()) };
}

async function maintain(
  repository: BackupRepository,
  options: BackupRepositoryReconcilerOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { volumeNamespace } = repository.spec;
  const location = await locationOf(repository, options, signal).catch(() => undefined);
  if (
    location === undefined ||
    options.care.identifierOf(location, volumeNamespace) !== repository.spec.resticIdentifier
  ) {
    const message = "re-establish on BSL change: its BackupStorageLocation is gone or points elsewhere";
    await patch(repository, options, { status: { phase: "NotReady", message } });
    return { requeueAfterMs: 0 };
  }
  const removed = await options.care.removeStaleLocks(location, volumeNamespace, signal);
  if (removed > 0) options.log.info("removed stale locks", { repository: repository.metadata.name, removed });
  const dueMs = dueTime(repository, options);
  const now = options.clock.now();
  if (now < dueMs || location.spec.accessMode === "ReadOnly")
    return { requeueAfterMs: Math.max(1000, Math.min(recheckMs, dueMs - now)) };
  await prune(repository, location, options, signal);
  return { requeueAfterMs: recheckMs };
}

function dueTime(repository: BackupRepository, options: BackupRepositoryReconcilerOptions): number {
  const frequencyMs = parseDuration(repository.spec.maintenanceFrequency) ?? options.maintenanceFrequencyMs;
  return (parseTimestamp(repository.status?.lastMaintenanceTime) ?? options.clock.now()) + frequencyMs;
}

async function prune(
  repository: BackupRepository,
  location: BackupStorageLocation,
  options: BackupRepositoryReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const startTimestamp = formatTimestamp(options.clock.now());
  let outcome: Pick<MaintenanceResult, "result" | "message"> = { result: "Succeeded" };
  try {
    await options.care.prune(location, repository.spec.volumeNamespace, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    outcome = { result: "Failed", message: explainError(error) };
    options.log.warn("pruning a repository failed", { repository: repository.metadata.name, ...errorFacts(error) });
  }
  const completeTimestamp = formatTimestamp(options.clock.now());
  const results = [...(repository.status?.recentMaintenance ?? []), { ...outcome, startTimestamp, completeTimestamp }];
  await patch(repository, options, {
    // A failure is tried again one period later, as Velero does, not every five minutes.
    status: { lastMaintenanceTime: completeTimestamp, recentMaintenance: results.slice(-keptResults) },
  });
}

async function locationOf(
  repository: BackupRepository,
  options: BackupRepositoryReconcilerOptions,
  signal: AbortSignal,
): Promise<BackupStorageLocation> {
  const address = { namespace: options.namespace, name: repository.spec.backupStorageLocation };
  const location = await options.client.find(backupStorageLocations, address, { signal });
  if (location !== undefined) return location;
  throw new Error(`BackupStorageLocation ${address.name} does not exist`);
}

async function patch(
  repository: BackupRepository,
  options: BackupRepositoryReconcilerOptions,
  change: { readonly spec?: object; readonly status: BackupRepositoryStatus },
): Promise<void> {
  await options.client.mergePatch(
    backupRepositories,
    { namespace: options.namespace, name: repository.metadata.name },
    { ...change },
  );
}
