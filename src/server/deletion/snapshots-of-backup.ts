// The snapshots that a Backup owns, by repository: those that its PodVolumeBackups in the cluster name, and those that only
// the list in the bucket still knows.
import type { Backup } from "../../api/backup.ts";
import { labels } from "../../api/names.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../api/resources.ts";
import { validName } from "../../api/valid-name.ts";
import type { SnapshotToForget } from "../backup-repository/repository-care.ts";
import type { LocationStore } from "../location-store/location-store.ts";
import type { DeletionContext } from "./deletion-context.ts";

export interface OwnedSnapshots {
  /** By volume namespace. */
  readonly byNamespace: ReadonlyMap<string, readonly SnapshotToForget[]>;
  /** What cannot be removed, a sentence each. */
  readonly problems: readonly string[];
}

/** Those in the cluster. */
export async function volumeBackupsOf(
  { metadata }: Backup,
  { client, namespace }: Pick<DeletionContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<readonly PodVolumeBackup[]> {
  const labelSelector = `${labels.backupName}=${validName(metadata.name)}`;
  const { items } = await client.list(podVolumeBackups, { namespace, labelSelector, signal });
  // An earlier Backup may have had the same name, and two long names the same label.
  return items.filter((one) => (one.metadata.labels?.[labels.backupUid] ?? metadata.uid) === metadata.uid);
}

/** Those that the bucket remembers; none where there is no such file. */
export async function storedVolumeBackups(
  { metadata }: Backup,
  store: LocationStore,
  signal: AbortSignal,
): Promise<readonly PodVolumeBackup[]> {
  const file = { of: "backup", name: metadata.name, file: "podVolumeBackups" } as const;
  const stored = await store.readJson<unknown>(file, signal);
  return Array.isArray(stored) ? stored.filter(isVolumeBackup) : [];
}

export function ownedSnapshots(volumeBackups: readonly PodVolumeBackup[]): OwnedSnapshots {
  const byNamespace = new Map<string, Map<string, SnapshotToForget>>();
  const problems = new Set<string>();
  for (const { spec, status } of volumeBackups) {
    const id = status?.snapshotID ?? "";
    const owner = spec.pod.namespace ?? "";
    if (id === "" || owner === "") continue;
    const { uploaderType = "" } = spec;
    if (uploaderType !== "" && uploaderType !== "restic") {
      const volume = `the volume ${spec.volume} of the pod ${owner}/${spec.pod.name}`;
      problems.add(`${volume} was stored by ${uploaderType}, which only Velero can delete`);
      continue;
    }
    // Such a snapshot cannot be; "latest" and the like would be another one.
    if (!/^[0-9a-f]{8,64}$/.test(id)) continue;
    const snapshots = byNamespace.get(owner) ?? new Map<string, SnapshotToForget>();
    snapshots.set(id, { id, backupUid: spec.tags?.["backup-uid"] });
    byNamespace.set(owner, snapshots);
  }
  const lists = [...byNamespace].map(([owner, snapshots]) => [owner, [...snapshots.values()]] as const);
  return { byNamespace: new Map(lists), problems: [...problems] };
}

/** What lies in a bucket may come from anybody. */
function isVolumeBackup(value: unknown): value is PodVolumeBackup {
  const { spec, status } = (value ?? {}) as Partial<PodVolumeBackup>;
  return typeof spec?.pod?.namespace === "string" && typeof (status?.snapshotID ?? "") === "string";
}
