// Which snapshots belong into a restored pod's volumes (velero-contract §4.1).
import type { Pod, Volume } from "../../../api/core.ts";
import { podVolumePhase } from "../../../api/phases.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import { parseTimestamp } from "../../../platform/clock.ts";

/** On a pod: `<prefix><volume>: <snapshot id>`; how Velero noted snapshots before there were PodVolumeBackups. */
const legacyPrefix = "snapshot.velero.io/";

export interface VolumeSnapshot {
  /** Name in the restored pod's `spec.volumes`. */
  readonly volume: string;
  readonly snapshotId: string;
  /** Bytes of the files in it, where it is known. */
  readonly sizeBytes?: number;
}

export interface PodSnapshots {
  readonly snapshots: readonly VolumeSnapshot[];
  /** Volumes that come back without their data, each as a sentence. */
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

/** The PodVolumeBackups of one Backup, by the pod that they were made of. */
export class VolumeBackupsByPod {
  readonly #byPod: ReadonlyMap<string, readonly PodVolumeBackup[]>;

  constructor(volumeBackups: readonly PodVolumeBackup[]) {
    this.#byPod = Map.groupBy(volumeBackups, ({ spec }) => `${spec.pod.namespace}/${spec.pod.name}`);
  }

  /** The newest of each volume. */
  ofPod({ metadata }: Pod): readonly PodVolumeBackup[] {
    const newest = new Map<string, PodVolumeBackup>();
    for (const one of this.#byPod.get(`${metadata.namespace}/${metadata.name}`) ?? []) {
      const known = newest.get(one.spec.volume);
      if (known === undefined || rank(one) >= rank(known)) newest.set(one.spec.volume, one);
    }
    return [...newest.values()];
  }
}

/** What has a snapshot comes before what has none, then the later one. */
function rank({ status }: PodVolumeBackup): number {
  const startMs = parseTimestamp(status?.startTimestamp) ?? 0;
  return (status?.snapshotID ?? "") === "" ? startMs - Number.MAX_SAFE_INTEGER : startMs;
}

/**
 * @param pod as it will be created.
 * @param original as it was backed up: its namespace and name are those that the PodVolumeBackups name.
 * @param leavesOutClaims the Restore leaves PersistentVolumeClaims out: what is in them now is not to be touched.
 */
export function podSnapshots(
  pod: Pod,
  original: Pod,
  { volumeBackups, leavesOutClaims }: { readonly volumeBackups: VolumeBackupsByPod; readonly leavesOutClaims: boolean },
): PodSnapshots {
  const found: Record<"snapshots", VolumeSnapshot[]> & Record<"warnings" | "errors", string[]> = {
    snapshots: [],
    warnings: [],
    errors: [],
  };
  for (const one of volumeBackups.ofPod(original)) judge(one, { pod, leavesOutClaims, found });
  if (found.snapshots.length === 0) found.snapshots.push(...legacySnapshots(pod, original));
  return { ...found, snapshots: found.snapshots.toSorted((a, b) => (a.volume < b.volume ? -1 : 1)) };
}

interface Judging {
  readonly pod: Pod;
  readonly leavesOutClaims: boolean;
  readonly found: Record<"snapshots", VolumeSnapshot[]> & Record<"warnings" | "errors", string[]>;
}

function judge(one: PodVolumeBackup, { pod, leavesOutClaims, found }: Judging): void {
  const { volume: name, uploaderType = "" } = one.spec;
  const snapshotId = one.status?.snapshotID ?? "";
  const phase = podVolumePhase(one);
  const where = `volume ${name} of pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
  if (snapshotId === "") {
    // A volume that was empty is Completed without a snapshot: it comes back as it was.
    if (phase === "Completed") return;
    const why = one.status?.message ?? "";
    found.warnings.push(`${where} comes back without its data: its backup is ${phase}${why === "" ? "" : ` (${why})`}`);
  } else if (uploaderType !== "" && uploaderType !== "restic") {
    found.errors.push(
      `${where} comes back without its data: it was stored by the uploader ${uploaderType}, and only restic's format can be read`,
    );
  } else if (volume === undefined) {
    found.warnings.push(`${where} is in the backup, but the restored pod has no such volume`);
  } else if (leavesOutClaims && isClaim(volume)) {
    found.warnings.push(`${where} is left as it is: the Restore leaves out persistent volume claims`);
  } else if (isRestorable(volume)) {
    const sizeBytes = one.status?.progress?.totalBytes;
    found.snapshots.push({ volume: name, snapshotId, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
  }
}

function legacySnapshots(pod: Pod, original: Pod): VolumeSnapshot[] {
  const noted = Object.entries(original.metadata.annotations ?? {}).filter(([name]) => name.startsWith(legacyPrefix));
  return noted.flatMap(([name, snapshotId]) => {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name.slice(legacyPrefix.length));
    return volume === undefined || snapshotId === "" || !isRestorable(volume)
      ? []
      : { volume: volume.name, snapshotId };
  });
}

/** Early Velero backed up what the kubelet makes out of the API; nobody may write there. */
function isRestorable(volume: Volume): boolean {
  return volume.projected === undefined && volume.downwardAPI === undefined;
}

function isClaim(volume: Volume): boolean {
  return volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined;
}
