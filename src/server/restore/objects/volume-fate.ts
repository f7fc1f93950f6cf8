// Whether a PersistentVolume comes back as it was, or is provisioned anew for its claim (velero-contract §7.6). A volume
// whose data an agent will write must be a new one: the old one would be somebody else's, or be gone.
import { annotations } from "../../../api/names.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";

/** One entry of `<b>-volumeinfo.json.gz`, reduced to what decides how a volume comes back. */
export interface VolumeInfoEntry {
  readonly pvName?: string;
  readonly pvcName?: string;
  readonly pvcNamespace?: string;
  readonly backupMethod?: string;
  readonly pvInfo?: {
    readonly reclaimPolicy?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
  } | null;
}

/** What is known of the backed-up volumes; decides whether a PersistentVolume is restored or provisioned anew. */
export interface BackedUpVolumes {
  /** Undefined for Backups that have no such file: then the PodVolumeBackups decide. */
  readonly volumeInfo: readonly VolumeInfoEntry[] | undefined;
  /** Those of the Backup, as in the cluster. */
  readonly podVolumeBackups: readonly PodVolumeBackup[];
}

export interface KnownVolume {
  readonly name: string;
  /** As in the Backup. */
  readonly claim: { readonly namespace: string; readonly name: string } | undefined;
  readonly reclaimPolicy: string | undefined;
}

export interface VolumeFate {
  readonly isProvisionedAnew: boolean;
  readonly reason: string;
  /** Set when there are data that this program cannot bring back. */
  readonly warning?: string;
}

export function volumeFate(volume: KnownVolume, volumes: BackedUpVolumes): VolumeFate {
  const method = volumes.volumeInfo === undefined ? methodFromPods(volume, volumes) : methodFromInfo(volume, volumes);
  if (method === "PodVolumeBackup") return { isProvisionedAnew: true, reason: "an agent will write its data" };
  if (method === "NativeSnapshot" || method === "CSISnapshot") {
    const warning = `the data of volume ${volume.name} are in a ${method}, which is not supported: the new volume is empty`;
    return { isProvisionedAnew: true, reason: `its data are in a ${method}`, warning };
  }
  if (volume.reclaimPolicy === "Delete") {
    return { isProvisionedAnew: true, reason: "it has no backed-up data and its reclaim policy is Delete" };
  }
  return { isProvisionedAnew: false, reason: "it has no backed-up data and its reclaim policy is not Delete" };
}

function methodFromInfo(volume: KnownVolume, { volumeInfo }: BackedUpVolumes): string | undefined {
  const ofClaim = ({ pvcName, pvcNamespace }: VolumeInfoEntry): boolean =>
    volume.claim !== undefined && pvcName === volume.claim.name && pvcNamespace === volume.claim.namespace;
  const entry = volumeInfo?.find(({ pvName }) => pvName === volume.name) ?? volumeInfo?.find(ofClaim);
  return entry?.backupMethod;
}

function methodFromPods({ claim }: KnownVolume, { podVolumeBackups }: BackedUpVolumes): string | undefined {
  const isOfClaim = ({ metadata, spec }: PodVolumeBackup): boolean =>
    claim !== undefined &&
    spec.pod.namespace === claim.namespace &&
    metadata.annotations?.[annotations.pvcName] === claim.name;
  return podVolumeBackups.some(isOfClaim) ? "PodVolumeBackup" : undefined;
}
