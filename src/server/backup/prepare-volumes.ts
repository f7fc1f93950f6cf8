// The second step of a Backup: chooses its volumes and makes their PodVolumeBackups. It may be repeated at any point: what
// an earlier try has made is found again and counted.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { labels } from "../../api/names.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { backupStorageLocations, podVolumeBackups } from "../../api/resources.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import type { EnsuredRepository } from "../backup-repository/ensure-repository.ts";
import type { BackupContext } from "./backup-context.ts";
import { planAnnotation, planRecord } from "./backup-messages.ts";
import { backupTimeout } from "./backup-timeout.ts";
import { chooseNamespaces } from "./choose-namespaces.ts";
import { endBackup, patchBackup } from "./end-backup.ts";
import { makePodVolumeBackup } from "./make-pod-volume-backup.ts";
import { readClusterState, readNamespaces } from "./read-cluster-state.ts";
import { unsupportedFields } from "./validate-backup.ts";
import { type PlannedVolume, planVolumes, type VolumePlan } from "./volumes/plan-volumes.ts";

/** Repositories wake the Backup when they become ready; this is for events that were missed. */
const repositoryPollMs = 2000;

export async function prepareVolumes(
  backup: Backup,
  context: BackupContext,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const location = await locationOf(backup, context, signal);
  // Our own server has looked before it began; a Backup that another one began may hold anything.
  const problems = unsupportedFields(backup.spec);
  if (location === undefined)
    problems.push(`BackupStorageLocation ${backup.spec.storageLocation} does not exist any more`);
  if (location === undefined || problems.length > 0) {
    await endBackup(backup, context, { phase: "Failed", failureReason: problems.join("; "), errors: 1 });
    return {};
  }
  const made = await listVolumeBackups(backup, context, signal);
  const plan = await planBackup(backup, made, { context, signal });
  const names = new Set(made.map((one) => one.metadata.name));
  const repositories = await repositoriesFor(backup, location, { plan, context, signal });
  for (const planned of plan.volumes) {
    const repository = repositories.get(namespaceOf(planned));
    if (repository === undefined || repository === "wait" || "error" in repository) continue;
    const repositoryIdentifier = repository.identifier;
    const wanted = makePodVolumeBackup({
      backup,
      planned,
      storageLocation: location.metadata.name,
      repositoryIdentifier,
    });
    if (!names.has(wanted.metadata.name ?? "")) await createOnce(wanted, context, signal);
    names.add(wanted.metadata.name ?? "");
  }
  const isWaiting = [...repositories.values()].includes("wait");
  if (isWaiting && !backupTimeout(backup, context).isOver) return { requeueAfterMs: repositoryPollMs };
  const errors = [...plan.errors, ...repositoryErrors(plan.volumes, repositories)];
  await recordPlan(backup, context, planRecord(names.size, plan.warnings, errors));
  return { requeueAfterMs: 0 };
}

async function recordPlan(
  backup: Backup,
  context: BackupContext,
  record: ReturnType<typeof planRecord>,
): Promise<void> {
  const { volumes, warningCount, errorCount } = record;
  await patchBackup(backup, context, {
    metadata: { annotations: { [planAnnotation]: JSON.stringify(record) } },
    status: { progress: { totalItems: volumes, itemsBackedUp: 0 }, warnings: warningCount, errors: errorCount },
  });
  context.log.info("a backup's volumes are chosen", { backup: backup.metadata.name, ...record });
}

async function locationOf(
  backup: Backup,
  { client, namespace }: BackupContext,
  signal: AbortSignal,
): Promise<BackupStorageLocation | undefined> {
  const name = backup.spec.storageLocation ?? "";
  return name === "" ? undefined : await client.find(backupStorageLocations, { namespace, name }, { signal });
}

/** All that belong to this Backup, whoever made them. */
export async function listVolumeBackups(
  backup: Backup,
  { client, namespace }: BackupContext,
  signal: AbortSignal,
): Promise<readonly PodVolumeBackup[]> {
  const labelSelector = `${labels.backupUid}=${backup.metadata.uid}`;
  return (await client.list(podVolumeBackups, { namespace, labelSelector, signal })).items;
}

interface Reading {
  readonly context: BackupContext;
  readonly signal: AbortSignal;
}

async function planBackup(
  backup: Backup,
  made: readonly PodVolumeBackup[],
  { context, signal }: Reading,
): Promise<VolumePlan> {
  const chosen = chooseNamespaces(await readNamespaces(context, signal), backup.spec);
  const state = await readClusterState(chosen.names, context, signal);
  const { defaultVolumesToFsBackup, defaultVolumesToRestic } = backup.spec;
  const isOptOut = defaultVolumesToFsBackup ?? defaultVolumesToRestic ?? context.settings.defaultVolumesToFs;
  const earlier = made.map(({ metadata, spec }) => ({
    podUid: spec.pod.uid,
    volume: spec.volume,
    claimUid: metadata.labels?.[labels.pvcUid],
  }));
  const plan = planVolumes(state, { mode: isOptOut ? "opt-out" : "opt-in", earlier });
  return {
    volumes: plan.volumes,
    skipped: plan.skipped,
    warnings: [...chosen.warnings, ...plan.warnings],
    errors: [...chosen.errors, ...plan.errors],
  };
}

/** Asks for all of them before it waits for any. */
async function repositoriesFor(
  backup: Backup,
  location: BackupStorageLocation,
  { plan, context, signal }: Reading & { readonly plan: VolumePlan },
): Promise<ReadonlyMap<string, EnsuredRepository>> {
  const found = new Map<string, EnsuredRepository>();
  const waitingSinceMs = parseTimestamp(backup.status?.startTimestamp) ?? context.clock.now();
  for (const volumeNamespace of new Set(plan.volumes.map(namespaceOf))) {
    found.set(volumeNamespace, await context.ensureRepository({ volumeNamespace, location, waitingSinceMs }, signal));
  }
  return found;
}

/** One error per pod, as all its volumes are skipped. */
function repositoryErrors(
  volumes: readonly PlannedVolume[],
  repositories: ReadonlyMap<string, EnsuredRepository>,
): string[] {
  const skipped = Map.groupBy(
    volumes.filter((planned) => repositoryProblem(repositories.get(namespaceOf(planned))) !== undefined),
    (planned) => `${namespaceOf(planned)}/${planned.pod.metadata.name}`,
  );
  return [...skipped].map(([pod, planned]) => {
    const names = planned.map(({ volume }) => volume.name).join(", ");
    const problem = repositoryProblem(repositories.get(pod.slice(0, pod.indexOf("/"))));
    return `pod ${pod}: ${problem}; its volumes ${names} are skipped`;
  });
}

function repositoryProblem(repository: EnsuredRepository | undefined): string | undefined {
  if (repository === undefined || repository === "wait") return "its repository was not ready in time";
  return "error" in repository ? repository.error : undefined;
}

function namespaceOf({ pod }: PlannedVolume): string {
  return pod.metadata.namespace ?? "";
}

/** The name says which volume of which Backup it is, so one that exists already is the one that is wanted. */
async function createOnce(
  object: ReturnType<typeof makePodVolumeBackup>,
  { client }: BackupContext,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(podVolumeBackups, object, { signal });
  } catch (error) {
    if (!KubeError.is(error, "already-exists")) throw error;
  }
}
