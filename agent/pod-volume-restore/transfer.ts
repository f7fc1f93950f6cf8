// The work of one PodVolumeRestore: pod → directory → repository → files, then the marker for which restore-wait waits.
// Each step's failure carries Velero's words.

import type { Pod } from "../../src/api/core.ts";
import { annotations } from "../../src/api/names.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { pods, podVolumeRestores } from "../../src/api/resources.ts";
import { errorFacts } from "../../src/platform/coded-error.ts";
import type { AgentContext } from "../agent-context.ts";
import { isClaimedBy } from "../claim.ts";
import { ClaimLost, type TransferControl } from "../data-path/data-path-manager.ts";
import { prepareMarkers, writeDoneMarker, writeProgressMarker } from "../data-path/done-marker.ts";
import type { RepositorySource } from "../data-path/repository-source.ts";
import { type RestoredVolume, restoreVolume } from "../data-path/restore-volume.ts";
import { duringStep, TransferFailure } from "../data-path/transfer-failure.ts";
import { type WatchedControl, withinLimits } from "../data-path/transfer-watch.ts";
import { type LocatedVolume, locatePodVolume } from "../host-volumes/locate-pod-volume.ts";
import { isMountPoint } from "../host-volumes/mount-table.ts";
import { VolumeError } from "../host-volumes/volume-error.ts";
import { patiently } from "../patiently.ts";
import { tellLockWait } from "../volume-work/lock-wait.ts";
import { parallelSetting, writesSparseFiles } from "../volume-work/uploader-settings.ts";
import { restoreStallTimeout } from "../volume-work/volume-settings.ts";
import { restoreWaitState } from "./restore-wait.ts";

const exposing = "error exposing host path for pod volume";
const initializing = "error to initialize data path";

/** Undefined: an earlier process of this agent had restored everything; only the marker was missing. */
export async function transferRestore(
  context: AgentContext,
  repositories: RepositorySource,
  restore: PodVolumeRestore,
  control: TransferControl,
): Promise<RestoredVolume | undefined> {
  const { signal } = control;
  const restoreUid = restoreUidOf(restore);
  const volume = await duringStep(exposing, signal, () => locateTarget(context, restore, signal));
  const stallTimeoutMs = stallTimeoutOf(context, restore, volume);
  const limits = { timeoutMs: Number.POSITIVE_INFINITY, stallTimeoutMs };
  const isRestored = restore.metadata.annotations?.[annotations.dataRestored] === "true";
  const result = isRestored
    ? undefined
    : await withinLimits({ direction: "restore", limits, clock: context.clock, control }, (watched) =>
        moveData(context, repositories, restore, { control: watched, volume, restoreUid }),
      );
  await duringStep("error writing done file", signal, async () => {
    if (!isRestored) await noteDataRestored(context, restore, signal);
    // An earlier process had written it and restore-wait has seen it: nothing may appear in the application's volume.
    if (!(isRestored && volume.isWaitOver)) writeDoneMarker(volume.path, restoreUid);
  });
  return result;
}

/** The uid for which the helper waits: that of the Restore which controls this object. */
export function restoreUidOf(restore: PodVolumeRestore): string {
  const owner = restore.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner !== undefined) return owner.uid;
  const name = restore.metadata.name;
  throw new TransferFailure(
    "error writing done file",
    new Error(`${name} has no controlling owner, whose uid names the file`),
  );
}

export interface RestoreTarget extends Pick<LocatedVolume, "path" | "claim"> {
  readonly pod: Pod;
  /** restore-wait has ended well: the application may run. */
  readonly isWaitOver: boolean;
}

/** The volume's directory, in which the kubelet's mount must be visible: data must not end up below it on the node. */
export async function locateTarget(
  context: AgentContext,
  restore: PodVolumeRestore,
  signal: AbortSignal,
): Promise<RestoreTarget> {
  const { client, config } = context;
  const { namespace = "", name = "", uid } = restore.spec.pod;
  const pod: Pod = await client.get(pods, { namespace, name }, { signal });
  if (uid !== undefined && uid !== "" && pod.metadata.uid !== uid) {
    throw new VolumeError("pod-missing", `pod ${namespace}/${name} was replaced by another one of this name`);
  }
  const volume = await locatePodVolume(pod, restore.spec.volume, { client, hostPodsDir: config.hostPodsDir, signal });
  const target = { pod, path: volume.path, claim: volume.claim, isWaitOver: restoreWaitState(pod) === "succeeded" };
  if (!volume.mustBeMounted || config.allowUnmountedVolumes) return target;
  if (await isMountPoint(volume.path)) return target;
  throw new VolumeError("not-mounted", `nothing is mounted at ${volume.path} as this agent sees it`);
}

/** An annotation that cannot be read must not keep anybody from getting files back. */
function stallTimeoutOf(context: AgentContext, restore: PodVolumeRestore, { pod, claim }: RestoreTarget): number {
  const { stallTimeoutMs } = context.config;
  try {
    return restoreStallTimeout({ pod, volume: restore.spec.volume, claim }, stallTimeoutMs);
  } catch (error) {
    context.log.warn("an annotation is passed over", { restore: restore.metadata.name, ...errorFacts(error) });
    return stallTimeoutMs === 0 ? Number.POSITIVE_INFINITY : stallTimeoutMs;
  }
}

interface MoveDataOptions {
  readonly control: WatchedControl;
  readonly volume: RestoreTarget;
  readonly restoreUid: string;
}

async function moveData(
  context: AgentContext,
  repositories: RepositorySource,
  restore: PodVolumeRestore,
  { control, volume, restoreUid }: MoveDataOptions,
): Promise<RestoredVolume> {
  const { config, clock } = context;
  const { signal } = control;
  const { spec } = restore;
  const address = {
    volumeNamespace: spec.sourceNamespace,
    storageLocation: spec.backupStorageLocation,
    repoIdentifier: spec.repoIdentifier,
    mayBeNew: false,
  };
  const repository = await duringStep(initializing, signal, () => repositories.open(address, signal));
  await duringStep("error creating .velero directory for done file", signal, async () => {
    prepareMarkers(volume.path);
    writeProgressMarker(volume.path, restoreUid, { bytesDone: 0, totalBytes: 0 });
  });
  return await duringStep("data path restore failed", signal, () =>
    restoreVolume({
      repository,
      threads: context.threads,
      locks: context.locks,
      notes: context.notes,
      throttle: context.throttle,
      snapshotId: spec.snapshotID,
      path: volume.path,
      restoreUid,
      writeSparseFiles: writesSparseFiles(spec.uploaderSettings),
      restoreDevices: config.restoreDevices,
      parallelFiles: parallelSetting(spec.uploaderSettings, "ParallelFilesDownload"),
      lockTimeoutMs: config.lockTimeoutMs,
      clock,
      control,
      onLockWait: tellLockWait(context, podVolumeRestores, restore),
    }),
  );
}

/**
 * Once the marker is there the application may start; nobody may restore over its files after that. All data are there: an API
 * server that is away now must not make a failure of them.
 */
export async function noteDataRestored(
  context: Pick<AgentContext, "client" | "agentId" | "clock" | "config">,
  restore: PodVolumeRestore,
  signal: AbortSignal,
): Promise<void> {
  const patch = { metadata: { annotations: { [annotations.dataRestored]: "true" } } };
  const current = await patiently(context, signal, () =>
    context.client.mergePatch(podVolumeRestores, restore.metadata, patch),
  );
  if (!isClaimedBy(current, context.agentId)) throw new ClaimLost();
}
