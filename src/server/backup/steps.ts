// The steps of a Backup: validate and start, choose volumes and make their PodVolumeBackups, wait for them, end.
import type { Backup, BackupStatus } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { backupStorageLocations, backups, podVolumeBackups } from "../../api/resources.ts";
import { validName } from "../../api/valid-name.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { asCodedError, explainError } from "../../platform/coded-error.ts";
import { formatDuration, parseDuration } from "../../platform/duration.ts";
import { planAnnotation, planRecord, readPlanRecord } from "./backup-messages.ts";
import { allEnded, backupResult } from "./backup-result.ts";
import { missingNamespaces } from "./choose-namespaces.ts";
import { makePodVolumeBackup } from "./make-pod-volume-backup.ts";
import { type PlannedVolume, planVolumes } from "./plan-volumes.ts";
import { readClusterState } from "./read-cluster-state.ts";
import type { BackupReconcilerOptions } from "./reconciler.ts";
import { validateBackup } from "./validate-backup.ts";

const repositoryPollMs = 500;
/** PodVolumeBackups wake the Backup when they change; this is for events that were missed. */
const supervisePollMs = 10_000;

async function patchBackup(
  backup: Backup,
  options: BackupReconcilerOptions,
  patch: { readonly status?: BackupStatus; readonly metadata?: object; readonly spec?: object },
): Promise<Backup> {
  const address = { namespace: options.namespace, name: backup.metadata.name };
  const metadata = { resourceVersion: backup.metadata.resourceVersion, ...patch.metadata };
  return options.client.mergePatch(backups, address, { ...patch, metadata });
}

/** New: refuses what cannot be done, or sets the Backup running. */
export async function startBackup(
  backup: Backup,
  options: BackupReconcilerOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const location = await locationOf(backup, options, signal);
  if (location !== undefined && (location.status?.phase ?? "") === "") {
    // Not validated yet: that takes a moment after the location was made.
    return { requeueAfterMs: 1000 };
  }
  const now = options.clock.now();
  const problems = validateBackup(backup, location);
  const common = { version: 1, formatVersion: "1.1.0", expiration: formatTimestamp(now + ttlMs(backup, options)) };
  if (problems.length > 0) {
    await patchBackup(backup, options, {
      status: { ...common, phase: "FailedValidation", validationErrors: problems },
    });
    options.log.warn("a backup was refused", { backup: backup.metadata.name, problems });
    return {};
  }
  const name = location?.metadata.name ?? "";
  await patchBackup(backup, options, {
    metadata: { labels: { "velero.io/storage-location": validName(name) } },
    spec: { storageLocation: name },
    status: { ...common, phase: "InProgress", startTimestamp: formatTimestamp(now) },
  });
  options.log.info("a backup started", { backup: backup.metadata.name, location: name });
  return { requeueAfterMs: 0 };
}

/** InProgress: makes what is to be made, then waits for it. */
export async function superviseBackup(
  backup: Backup,
  options: BackupReconcilerOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  try {
    const record = readPlanRecord(backup);
    if (record === undefined) return await chooseAndCreate(backup, options, signal);
    return await waitForVolumes(backup, options);
  } catch (error) {
    if (!isTerminal(error)) throw error;
    await endBackup(backup, options, { phase: "Failed", failureReason: explainError(error), errors: 1 });
    return {};
  }
}

/** Conflicts and outages pass; what the API server refuses for good ends the Backup with the reason. */
function isTerminal(error: unknown): boolean {
  const coded = asCodedError(error);
  return coded?.retry === "never" && !KubeError.is(error, "cancelled");
}

async function chooseAndCreate(
  backup: Backup,
  options: BackupReconcilerOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const location = await locationOf(backup, options, signal);
  if (location === undefined) {
    await endBackup(backup, options, {
      phase: "Failed",
      failureReason: "its BackupStorageLocation is gone",
      errors: 1,
    });
    return {};
  }
  const state = await readClusterState(backup.spec, options, signal);
  const mode = backup.spec.defaultVolumesToFsBackup ?? backup.spec.defaultVolumesToRestic ?? options.defaultVolumesToFs;
  const plan = planVolumes(state, mode ? "opt-out" : "opt-in");
  const warnings = [...plan.warnings];
  for (const name of missingNamespaces(state.namespaces, backup.spec))
    warnings.push(`namespace ${name} does not exist`);
  const errors = [...plan.errors];
  const repositories = await repositoriesFor(plan.volumes, location, options, signal);
  if (repositories === "wait") return { requeueAfterMs: repositoryPollMs };
  let made = 0;
  for (const planned of plan.volumes) {
    const repository = repositories.get(planned.pod.metadata.namespace ?? "");
    if (repository === undefined || "error" in repository) {
      errors.push(
        `volume ${planned.volume.name} of pod ${planned.pod.metadata.namespace}/${planned.pod.metadata.name}: ${repository?.error ?? "no repository"}`,
      );
      continue;
    }
    await createOnce(
      makePodVolumeBackup({
        backup,
        planned,
        storageLocation: location.metadata.name,
        repositoryIdentifier: repository.identifier,
      }),
      options,
    );
    made++;
  }
  const record = planRecord(made, warnings, errors);
  await patchBackup(backup, options, {
    metadata: { annotations: { [planAnnotation]: JSON.stringify(record) } },
    status: { progress: { totalItems: made, itemsBackedUp: 0 }, warnings: warnings.length, errors: errors.length },
  });
  options.log.info("a backup's volumes are chosen", { backup: backup.metadata.name, ...record });
  return { requeueAfterMs: 0 };
}

type NamespaceRepository = { readonly identifier: string } | { readonly error: string };

/** The repository of each namespace with a volume; "wait" while one is still being made. */
async function repositoriesFor(
  volumes: readonly PlannedVolume[],
  location: BackupStorageLocation,
  options: BackupReconcilerOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, NamespaceRepository> | "wait"> {
  const found = new Map<string, NamespaceRepository>();
  for (const namespace of new Set(volumes.map((planned) => planned.pod.metadata.namespace ?? ""))) {
    const repository = await options.ensureRepository(namespace, location, signal);
    if (repository === "wait") return "wait";
    found.set(namespace, repository);
  }
  return found;
}

/** The name says which volume of which Backup it is, so one that exists already is the one that is wanted. */
async function createOnce(
  object: ReturnType<typeof makePodVolumeBackup>,
  options: BackupReconcilerOptions,
): Promise<void> {
  try {
    await options.client.create(podVolumeBackups, object);
  } catch (error) {
    if (!KubeError.is(error, "already-exists")) throw error;
  }
}

async function waitForVolumes(backup: Backup, options: BackupReconcilerOptions): Promise<ReconcileResult> {
  const record = readPlanRecord(backup) ?? planRecord(0, [], []);
  // Right after the creation the local copy may still lag; the list at the server cannot.
  const { items } = await options.client.list(podVolumeBackups, {
    namespace: options.namespace,
    labelSelector: `velero.io/backup-uid=${backup.metadata.uid}`,
  });
  if (allEnded(items)) {
    const { phase, errors, warnings, message } = backupResult(record, items);
    await endBackup(backup, options, {
      phase,
      errors,
      warnings,
      ...(message === "" ? {} : { failureReason: message }),
      progress: { totalItems: record.volumes, itemsBackedUp: items.length },
    });
    return {};
  }
  const timeoutMs = timeoutOf(backup, options);
  const startedMs = parseTimestamp(backup.status?.startTimestamp) ?? options.clock.now();
  if (options.clock.now() - startedMs > timeoutMs) return await endByTimeout(backup, options, items, timeoutMs);
  const ended = items.filter((one) => podVolumeStage(one) === "ended").length;
  if (ended !== (backup.status?.progress?.itemsBackedUp ?? 0)) {
    await patchBackup(backup, options, { status: { progress: { totalItems: record.volumes, itemsBackedUp: ended } } });
  }
  return { requeueAfterMs: supervisePollMs };
}

/** Volumes that have finished stay; the others are asked to stop. */
async function endByTimeout(
  backup: Backup,
  options: BackupReconcilerOptions,
  items: readonly PodVolumeBackup[],
  timeoutMs: number,
): Promise<ReconcileResult> {
  for (const one of items.filter((item) => podVolumeStage(item) !== "ended")) {
    await options.client.mergePatch(
      podVolumeBackups,
      { namespace: options.namespace, name: one.metadata.name },
      { spec: { cancel: true } },
    );
  }
  const { phase, errors, warnings, message } = backupResult(
    readPlanRecord(backup) ?? planRecord(0, [], []),
    items,
    formatDuration(timeoutMs),
  );
  await endBackup(backup, options, { phase, errors, warnings, failureReason: message });
  return {};
}

async function endBackup(backup: Backup, options: BackupReconcilerOptions, status: BackupStatus): Promise<void> {
  const completionTimestamp = formatTimestamp(options.clock.now());
  await patchBackup(backup, options, { status: { ...status, completionTimestamp } });
  options.log.info("a backup ended", { backup: backup.metadata.name, ...status });
  options.countEnd(status.phase ?? "");
}

async function locationOf(
  backup: Backup,
  options: BackupReconcilerOptions,
  signal: AbortSignal,
): Promise<BackupStorageLocation | undefined> {
  const wanted = backup.spec.storageLocation ?? "";
  const { client, namespace } = options;
  if (wanted !== "") return client.find(backupStorageLocations, { namespace, name: wanted }, { signal });
  const { items } = await client.list(backupStorageLocations, { namespace, signal });
  return (
    items.find((location) => location.spec.default === true) ??
    items.find((location) => location.metadata.name === "default")
  );
}

function ttlMs(backup: Backup, options: BackupReconcilerOptions): number {
  const wanted = parseDuration(backup.spec.ttl ?? "");
  return wanted === undefined || wanted === 0 ? options.defaultTtlMs : wanted;
}

function timeoutOf(backup: Backup, options: BackupReconcilerOptions): number {
  return parseDuration(backup.metadata.annotations?.[annotations.podVolumeTimeout] ?? "") ?? options.fsBackupTimeoutMs;
}
