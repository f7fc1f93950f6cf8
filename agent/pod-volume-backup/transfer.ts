// The work of one PodVolumeBackup: pod → directory → repository → snapshot. Each step's failure carries Velero's words.

import { labels } from "../../src/api/names.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { pods, podVolumeBackups } from "../../src/api/resources.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";
import type { AgentContext } from "../agent-context.ts";
import { type BackedUpVolume, backUpVolume } from "../data-path/backup-volume.ts";
import type { TransferControl } from "../data-path/data-path-manager.ts";
import type { RepositoryAddress, RepositorySource } from "../data-path/repository-source.ts";
import { duringStep, TransferFailure } from "../data-path/transfer-failure.ts";
import { type WatchedControl, withinLimits } from "../data-path/transfer-watch.ts";
import { type LocatedVolume, locatePodVolume } from "../host-volumes/locate-pod-volume.ts";
import { isMountPoint } from "../host-volumes/mount-table.ts";
import { VolumeError } from "../host-volumes/volume-error.ts";
import { programVersion } from "../program-version.ts";
import { tellLockWait } from "../volume-work/lock-wait.ts";
import { tellMisnamed } from "../volume-work/misnamed-annotations.ts";
import { parallelSetting } from "../volume-work/uploader-settings.ts";
import { backupSettings, type VolumeSettings } from "../volume-work/volume-settings.ts";
import type { BackupResult } from "./status.ts";

const reading = "error reading the volume's annotations";
const exposing = "error exposing host path for pod volume";
const transferring = "data path backup failed";

export async function transferBackup(
  context: AgentContext,
  repositories: RepositorySource,
  backup: PodVolumeBackup,
  control: TransferControl,
): Promise<BackupResult> {
  const { client, config } = context;
  const { signal } = control;
  const { namespace = "", name = "" } = backup.spec.pod;
  const pod = await duringStep(`getting pod ${namespace}/${name}`, signal, () =>
    client.get(pods, { namespace, name }, { signal }),
  );
  const volume = await duringStep(exposing, signal, () =>
    locatePodVolume(pod, backup.spec.volume, { client, hostPodsDir: config.hostPodsDir, signal }),
  );
  const settings = await duringStep(reading, signal, async () =>
    backupSettings({ pod, volume: backup.spec.volume, claim: volume.claim }, config.stallTimeoutMs),
  );
  tellMisnamed(context, pod);
  const limits = { direction: "backup", limits: settings, clock: context.clock, control } as const;
  const result = await withinLimits(limits, (watched) =>
    moveData(context, repositories, backup, { control: watched, volume, settings }),
  );
  return { ...result, settings };
}

interface MoveDataOptions {
  readonly control: WatchedControl;
  readonly volume: LocatedVolume;
  readonly settings: VolumeSettings;
}

async function moveData(
  context: AgentContext,
  repositories: RepositorySource,
  backup: PodVolumeBackup,
  { control, volume, settings }: MoveDataOptions,
): Promise<Omit<BackupResult, "settings">> {
  const { client, config, clock } = context;
  const { signal } = control;
  const parentSnapshotId = await duringStep("error to initialize data path", signal, () =>
    findParentSnapshot(client, backup, signal),
  );
  const startedMs = clock.monotonicMs();
  const repository = await duringStep("error to initialize data path", signal, () =>
    repositories.open(repositoryAddress(backup), signal),
  );
  const openingSeconds = (clock.monotonicMs() - startedMs) / 1000;
  const { lockingSeconds, ...result } = await duringStep(transferring, signal, () =>
    backUpVolume({
      repository,
      threads: context.threads,
      locks: context.locks,
      notes: context.notes,
      throttle: context.throttle,
      path: volume.path,
      tags: backup.spec.tags ?? {},
      parentSnapshotId,
      exclude: settings.exclude,
      crossMounts: settings.crossMounts,
      lockTimeoutMs: config.lockTimeoutMs,
      parallelFiles: parallelSetting(backup.spec.uploaderSettings, "ParallelFilesUpload"),
      programVersion,
      monotonicClock: () => clock.monotonicMs(),
      control,
      onLockWait: tellLockWait(context, podVolumeBackups, backup),
    }),
  );
  if (result.isEmpty) await duringStep(exposing, signal, () => checkEmpty(volume, result, context));
  return { ...result, path: volume.path, report: { ...result.report, openingSeconds, lockingSeconds } };
}

function repositoryAddress(backup: PodVolumeBackup): RepositoryAddress {
  return {
    volumeNamespace: backup.spec.pod.namespace ?? "",
    storageLocation: backup.spec.backupStorageLocation,
    repoIdentifier: backup.spec.repoIdentifier,
    mayBeNew: true,
  };
}

/** "Empty" is believed only of a directory at which the kubelet's mount is visible. */
async function checkEmpty(
  volume: LocatedVolume,
  result: Pick<BackedUpVolume, "warnings">,
  context: AgentContext,
): Promise<void> {
  const [first] = result.warnings;
  if (first !== undefined) {
    throw new TransferFailure(
      transferring,
      new Error(`nothing could be read; the first: ${first.path}: ${first.message}`),
    );
  }
  if (!volume.mustBeMounted || context.config.allowUnmountedVolumes) return;
  if (await isMountPoint(volume.path)) return;
  throw new VolumeError("not-mounted", `${volume.path} is empty, and nothing is mounted there as this agent sees it`);
}

/** The snapshot of the same claim's latest completed backup in the same location. */
async function findParentSnapshot(
  client: Pick<TypedClient, "list">,
  backup: PodVolumeBackup,
  signal: AbortSignal,
): Promise<string | undefined> {
  const claimUid = backup.metadata.labels?.[labels.pvcUid];
  if (claimUid === undefined) return undefined;
  const { namespace } = backup.metadata;
  const labelSelector = `${labels.pvcUid}=${claimUid}`;
  const { items } = await client.list(podVolumeBackups, { namespace, labelSelector, signal });
  return newestCompleted(items, backup)?.status?.snapshotID;
}

export function newestCompleted(
  candidates: readonly PodVolumeBackup[],
  backup: PodVolumeBackup,
): PodVolumeBackup | undefined {
  const startOf = (candidate: PodVolumeBackup) => candidate.status?.startTimestamp ?? "";
  return candidates
    .filter((candidate) => candidate.status?.phase === "Completed")
    .filter((candidate) => candidate.spec.backupStorageLocation === backup.spec.backupStorageLocation)
    .filter((candidate) => (candidate.spec.uploaderType ?? "") !== "kopia")
    .reduce<PodVolumeBackup | undefined>(
      (newest, candidate) => (newest === undefined || startOf(candidate) > startOf(newest) ? candidate : newest),
      undefined,
    );
}
