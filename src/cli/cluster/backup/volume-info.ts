// The volumeinfo file of a Backup: an entry for every volume that was met, also for those that were not taken.
import type { Outline } from "../../output/outline.ts";

export interface VolumeInfo {
  readonly pvcName?: string;
  readonly pvcNamespace?: string;
  readonly pvName?: string;
  /** PodVolumeBackup, NativeSnapshot or CSISnapshot. */
  readonly backupMethod?: string;
  readonly skipped?: boolean;
  readonly skippedReason?: string;
  readonly result?: string;
  readonly pvbInfo?: { readonly podNamespace?: string; readonly podName?: string; readonly volumeName?: string };
}

/** Volumes that were not taken, with the reason, and those that something else than the agent has taken. */
export function describeVolumeInfos(outline: Outline, infos: readonly VolumeInfo[], details: boolean): void {
  const skipped = infos.filter((info) => info.skipped === true);
  const others = infos.filter(({ backupMethod, skipped: isLeftOut }) => {
    return isLeftOut !== true && backupMethod !== "PodVolumeBackup";
  });
  if (skipped.length > 0 && !details) outline.field("Not taken (--details shows why)", skipped.length);
  if (skipped.length > 0 && details) {
    outline.list(
      "Not taken",
      skipped.map((info) => `${nameOf(info)}: ${info.skippedReason || "no reason given"}`),
    );
  }
  if (others.length > 0) {
    outline.list(
      "Snapshots",
      others.map((info) => `${nameOf(info)}: ${info.backupMethod ?? "unknown"}, ${info.result || "unknown"}`),
    );
  }
}

function nameOf({ pvcNamespace, pvcName, pvName, pvbInfo }: VolumeInfo): string {
  const pod = pvbInfo?.podName ? `pod ${pvbInfo.podNamespace}/${pvbInfo.podName} volume ${pvbInfo.volumeName}` : "";
  const claim = pvcName ? `claim ${pvcNamespace}/${pvcName}` : "";
  const volume = pvName ? `volume ${pvName}` : "";
  return [pod, claim || volume].filter((part) => part !== "").join(", ") || "a volume without a name";
}
