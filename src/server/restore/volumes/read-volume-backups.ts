// The PodVolumeBackups of a Backup, as the cluster knows them and as the Backup's location keeps them.
import type { Backup } from "../../../api/backup.ts";
import { labels } from "../../../api/names.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../../api/resources.ts";
import { validName } from "../../../api/valid-name.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { LocationStore } from "../../location-store/location-store.ts";

export interface VolumeBackupsReader {
  readonly client: Pick<TypedClient, "list">;
  readonly namespace: string;
  readonly store: Pick<LocationStore, "readJson">;
}

/** The cluster's, and those that only the location knows: somebody may have deleted them from the cluster. */
export async function readVolumeBackups(
  backup: Backup,
  { client, namespace, store }: VolumeBackupsReader,
  signal: AbortSignal,
): Promise<readonly PodVolumeBackup[]> {
  const { name } = backup.metadata;
  const labelSelector = `${labels.backupName}=${validName(name)}`;
  const { items } = await client.list(podVolumeBackups, { namespace, labelSelector, signal });
  const stored = await store.readJson<unknown>({ of: "backup", name, file: "podVolumeBackups" }, signal);
  const known = new Set(items.map(keyOf));
  const others = (Array.isArray(stored) ? stored : []).filter(isVolumeBackup).filter((one) => !known.has(keyOf(one)));
  return [...items, ...others];
}

/** Which volume of which pod it is. */
function keyOf({ spec }: PodVolumeBackup): string {
  return `${spec.pod.namespace}/${spec.pod.name}/${spec.volume}`;
}

/** What lies in a bucket is not believed to be anything. */
function isVolumeBackup(value: unknown): value is PodVolumeBackup {
  const { metadata, spec, status = {} } = (value ?? {}) as Partial<PodVolumeBackup>;
  const isObject = (part: unknown): boolean => typeof part === "object" && part !== null;
  if (!isObject(metadata) || !isObject(spec) || !isObject(status)) return false;
  return isObject(spec?.pod) && typeof spec?.volume === "string" && typeof (status.snapshotID ?? "") === "string";
}
