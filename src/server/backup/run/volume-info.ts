// `<b>-volumeinfo.json.gz`: one entry for each volume that the Backup met, in the words of Velero's own
// (velero: internal/volume/volumes_information.go). A restore reads from it which persistent volumes are to be provisioned
// anew, and users read why a volume was left out.
import type { PersistentVolume, PersistentVolumeClaim } from "../../../api/core.ts";
import { podVolumePhase } from "../../../api/phases.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import type { SkippedVolume } from "../volumes/plan-volumes.ts";

export interface VolumeInfo {
  readonly pvcName?: string;
  readonly pvcNamespace?: string;
  readonly pvName?: string;
  /** Absent for volumes that were left out. */
  readonly backupMethod?: "PodVolumeBackup";
  readonly snapshotDataMoved: false;
  readonly preserveLocalSnapshot: false;
  readonly skipped: boolean;
  readonly skippedReason?: string;
  readonly startTimestamp?: string;
  readonly completionTimestamp?: string;
  readonly result?: "succeeded" | "failed";
  readonly pvbInfo?: PodVolumeInfo;
  readonly pvInfo?: PersistentVolumeInfo;
}

export interface PodVolumeInfo {
  readonly snapshotHandle?: string;
  /** Bytes. */
  readonly size?: number;
  readonly incrementalSize?: number;
  readonly uploaderType: string;
  readonly volumeName: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly nodeName?: string;
  readonly Phase?: string;
}

export interface PersistentVolumeInfo {
  readonly reclaimPolicy: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The claim behind a volume and what it is bound to; empty for volumes that live in their pod. */
export interface VolumeOrigin {
  readonly claim?: PersistentVolumeClaim | undefined;
  readonly persistentVolume?: PersistentVolume | undefined;
}

const common = { snapshotDataMoved: false, preserveLocalSnapshot: false } as const;

/** For a PodVolumeBackup that has ended. */
export function takenVolumeInfo({ spec, status = {} }: PodVolumeBackup, origin: VolumeOrigin): VolumeInfo {
  const phase = podVolumePhase({ status });
  const { snapshotID = "", progress, incrementalBytes, startTimestamp, completionTimestamp } = status;
  return {
    ...originInfo(origin),
    backupMethod: "PodVolumeBackup",
    ...common,
    skipped: false,
    ...(startTimestamp ? { startTimestamp } : {}),
    ...(completionTimestamp ? { completionTimestamp } : {}),
    result: phase === "Completed" ? "succeeded" : "failed",
    pvbInfo: {
      ...(snapshotID === "" ? {} : { snapshotHandle: snapshotID }),
      ...(progress?.totalBytes === undefined ? {} : { size: progress.totalBytes }),
      ...(incrementalBytes === undefined ? {} : { incrementalSize: incrementalBytes }),
      uploaderType: spec.uploaderType ?? "restic",
      volumeName: spec.volume,
      podName: spec.pod.name ?? "",
      podNamespace: spec.pod.namespace ?? "",
      nodeName: spec.node,
      Phase: phase,
    },
  };
}

/** For a volume that is not taken. One without a pod is a claim that no pod in the Backup mounts. */
export function skippedVolumeInfo({ pod, volume, reason, ...origin }: SkippedVolume): VolumeInfo {
  const { namespace = "", name = "" } = pod?.metadata ?? {};
  return {
    ...originInfo(origin),
    ...common,
    skipped: true,
    skippedReason: reason,
    ...(pod === undefined
      ? {}
      : { pvbInfo: { uploaderType: "", volumeName: volume, podName: name, podNamespace: namespace } }),
  };
}

/**
 * All entries, one for each claim: readers keep them by the name of the persistent volume, so one that was taken through
 * another pod must not have a second entry that says "skipped".
 */
export function volumeInfos(taken: readonly VolumeInfo[], skipped: readonly VolumeInfo[]): VolumeInfo[] {
  const claims = new Set(taken.flatMap(claimKey));
  const left: VolumeInfo[] = [];
  for (const info of skipped) {
    const keys = claimKey(info);
    if (keys.some((key) => claims.has(key))) continue;
    for (const key of keys) claims.add(key);
    left.push(info);
  }
  return [...taken, ...left];
}

function claimKey({ pvcNamespace, pvcName }: VolumeInfo): string[] {
  return pvcName === undefined ? [] : [`${pvcNamespace}/${pvcName}`];
}

function originInfo({ claim, persistentVolume }: VolumeOrigin): Partial<VolumeInfo> {
  const pvName = persistentVolume?.metadata.name ?? claim?.spec?.volumeName;
  return {
    ...(claim === undefined ? {} : { pvcName: claim.metadata.name, pvcNamespace: claim.metadata.namespace ?? "" }),
    ...(pvName === undefined || pvName === "" ? {} : { pvName }),
    ...(persistentVolume === undefined
      ? {}
      : {
          pvInfo: {
            reclaimPolicy: persistentVolume.spec?.persistentVolumeReclaimPolicy ?? "",
            labels: persistentVolume.metadata.labels ?? {},
          },
        }),
  };
}
