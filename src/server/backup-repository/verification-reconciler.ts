// The rolling verification: each Ready repository's next part is read when it is due, one repository at a time, and what
// was found is written down. A store that does not answer is no damage; the part is tried again.
import type { BackupRepository } from "../../api/backup-repository.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { backupRepositories, backupStorageLocations } from "../../api/resources.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import type { CrdLookup } from "../../kube/crd-lookup.ts";
import { type EventRecorder, involvedObject } from "../../kube/events.ts";
import { splitKey } from "../../kube/kube-object.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, parseTimestamp } from "../../platform/clock.ts";
import { errorFacts } from "../../platform/coded-error.ts";
import type { Logger } from "../../platform/logger.ts";
import { type ConditionUpdate, conditionPatch, conditionsOf } from "../status/conditions.ts";
import type { RepositoriesInUse } from "./repositories-in-use.ts";
import type { RepositoryCare, VerifyFacts } from "./repository-care.ts";
import { damagedSnapshots, lastVerifiedOf, verificationCondition } from "./verification-condition.ts";
import type { VerificationMetrics } from "./verification-metrics.ts";
import {
  afterParts,
  hasVerifiedAll,
  nextPartMs,
  partsOfRound,
  partsToRead,
  readVerification,
  type VerificationState,
} from "./verification-state.ts";

export interface VerificationOptions {
  readonly client: Pick<TypedClient, "find" | "mergePatch">;
  readonly crds: Pick<CrdLookup, "find">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, "record">;
  readonly care: Pick<RepositoryCare, "verify">;
  readonly inUse: RepositoriesInUse;
  readonly metrics: VerificationMetrics;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  /** --repository-verification-period; above 0. */
  readonly periodMs: number;
}

/** The machine's clock may be set, which no timer notices. */
const longestSleepMs = 3_600_000;
/** Also while the repository is being pruned, or its store is away. */
const retryMs = 600_000;

/** The reconcile function of the verification controller. */
export function verificationReconciler(options: VerificationOptions): Reconcile {
  const { client, clock, periodMs } = options;
  /** Nothing is hammered when a part fails at once, time and again. */
  const notBeforeMs = new Map<string, number>();
  return async (key, signal) => {
    const address = splitKey(key);
    const repository = await client.find(backupRepositories, address, { signal });
    if (repository === undefined || !isOurs(repository)) {
      options.metrics.forget(address.name);
      notBeforeMs.delete(key);
      return {};
    }
    const state = readVerification(repository);
    showState(repository, state, options);
    if (repository.status?.phase !== "Ready") return await putOff(repository, options, signal);
    const pauseMs = (notBeforeMs.get(key) ?? 0) - clock.monotonicMs();
    const restMs = Math.max(nextPartMs(repository, state, periodMs) - clock.now(), pauseMs);
    if (restMs > 0) return { requeueAfterMs: Math.min(restMs, longestSleepMs) };
    const locationAddress = { namespace: options.namespace, name: repository.spec.backupStorageLocation };
    const location = await client.find(backupStorageLocations, locationAddress, { signal });
    // A lock cannot be written there; whoever writes there verifies, too.
    if (location?.spec.accessMode === "ReadOnly") return { requeueAfterMs: longestSleepMs };
    if (location?.status?.phase !== "Available") return await putOff(repository, options, signal);
    const isDone = await verifyNow({ repository, state, location }, options, signal);
    if (!isDone) notBeforeMs.set(key, clock.monotonicMs() + retryMs);
    return { requeueAfterMs: 0 };
  };
}

function isOurs({ metadata, spec }: BackupRepository): boolean {
  return metadata.deletionTimestamp === undefined && ["restic", ""].includes(spec.repositoryType ?? "");
}

/** It cannot be read now; sooner or later that is worth saying. */
async function putOff(
  repository: BackupRepository,
  options: VerificationOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  await tellWhenOverdue(repository, options, signal);
  return { requeueAfterMs: retryMs };
}

interface Subject {
  readonly repository: BackupRepository;
  readonly state: VerificationState | undefined;
  readonly location: BackupStorageLocation;
}

/** @returns false when it has to be tried again. */
async function verifyNow(subject: Subject, options: VerificationOptions, signal: AbortSignal): Promise<boolean> {
  const { repository, state } = subject;
  const { clock, log, metrics } = options;
  const startMs = clock.now();
  try {
    const { name } = repository.metadata;
    const used = await options.inUse.use(name, () => readParts(subject, options, signal));
    if (used === undefined) return false;
    const next = afterParts(state, used.result, { startMs, endMs: clock.now() });
    const isSound = Object.keys(next.damage).length === 0;
    log[isSound ? "info" : "error"](isSound ? "verified a part of a repository" : "a repository is damaged", {
      repository: name,
      parts: [...used.result.keys()].join(","),
      ...(isSound ? {} : { snapshots: damagedSnapshots(next).names.join("; ") }),
    });
    metrics.count(isSound ? "sound" : "damaged");
    await writeState(repository, next, options, signal);
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn("verifying a repository failed, will try again", {
      repository: repository.metadata.name,
      ...errorFacts(error),
    });
    metrics.count("failed");
    await tellWhenOverdue(repository, options, signal);
    return false;
  }
}

async function readParts(
  { repository, state, location }: Subject,
  { care }: VerificationOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, VerifyFacts>> {
  const { volumeNamespace } = repository.spec;
  const results = new Map<number, VerifyFacts>();
  for (const part of partsToRead(state)) {
    results.set(part, await care.verify(location, volumeNamespace, { part, parts: partsOfRound }, signal));
  }
  return results;
}

async function tellWhenOverdue(
  repository: BackupRepository,
  options: VerificationOptions,
  signal: AbortSignal,
): Promise<void> {
  const lastVerified = lastVerifiedOf(repository);
  const times = { periodMs: options.periodMs, nowMs: options.clock.now(), lastVerified };
  const update = verificationCondition(repository, readVerification(repository), times);
  const known = conditionsOf(repository).find(({ type }) => type === "Verified");
  if (update.reason !== "VerificationOverdue" || known?.reason === update.reason) return;
  await write(repository, { update, notes: {} }, options, signal);
}

async function writeState(
  repository: BackupRepository,
  state: VerificationState,
  options: VerificationOptions,
  signal: AbortSignal,
): Promise<void> {
  const lastVerified = hasVerifiedAll(state) ? state.at : lastVerifiedOf(repository);
  const times = { periodMs: options.periodMs, nowMs: options.clock.now(), lastVerified };
  const found = verificationCondition(repository, state, times);
  const update = { ...found, message: options.redact(found.message) };
  const notes = {
    [annotations.verification]: options.redact(JSON.stringify(state)),
    ...(lastVerified === undefined ? {} : { [annotations.lastVerified]: lastVerified }),
  };
  const wasDamaged = conditionsOf(repository).some(({ type, reason }) => type === "Verified" && reason === "Damaged");
  const written = await write(repository, { update, notes }, options, signal);
  showState(written, state, options);
  if (update.reason !== "Damaged" || wasDamaged) return;
  const text = { type: "Warning", reason: "RepositoryDamaged", message: update.message } as const;
  options.events.record(involvedObject(backupRepositories, written), text);
}

interface Written {
  readonly update: ConditionUpdate;
  /** Annotations. */
  readonly notes: Readonly<Record<string, string>>;
}

async function write(
  repository: BackupRepository,
  { update, notes }: Written,
  { client, crds, clock }: VerificationOptions,
  signal: AbortSignal,
): Promise<BackupRepository> {
  const { name, namespace } = repository.metadata;
  const crd = await crds.find(backupRepositories, signal);
  const { metadata, status } = conditionPatch(repository, [update], { crd, nowMs: clock.now() });
  const patch = { metadata: { annotations: { ...metadata.annotations, ...notes } }, status };
  return await client.mergePatch(backupRepositories, { namespace, name }, patch, { signal });
}

function showState(
  repository: BackupRepository,
  state: VerificationState | undefined,
  { metrics }: VerificationOptions,
): void {
  const lastVerifiedMs = parseTimestamp(lastVerifiedOf(repository));
  const damaged = state === undefined ? 0 : damagedSnapshots(state).count;
  metrics.setState(repository.metadata.name, { lastVerifiedMs, damaged });
}
