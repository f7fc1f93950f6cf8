// Everything that a Restore reads from its Backup, at hand: the objects, the volumes' entries, and the PodVolumeBackups.
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { openTarball, type TarballContents } from "../tarball/tarball-reader.ts";
import type { VolumeInfoEntry } from "./objects/volume-fate.ts";
import type { RestoreContext } from "./restore-context.ts";
import type { RestoreSource } from "./restore-source.ts";
import { readVolumeBackups } from "./volumes/read-volume-backups.ts";

export interface OpenedBackup {
  /** To be closed. */
  readonly contents: TarballContents;
  /** Undefined for Backups of a Velero that did not write such a file. */
  readonly volumeInfo: readonly VolumeInfoEntry[] | undefined;
  readonly volumeBackups: readonly PodVolumeBackup[];
}

/** @throws RepositoryError, ConfigError, StoredFileError, TarballError, KubeError */
export async function openBackup(
  { backup, location }: RestoreSource,
  context: RestoreContext,
  signal: AbortSignal,
): Promise<OpenedBackup> {
  const { client, namespace, settings } = context;
  const { name } = backup.metadata;
  const store = await context.openLocationStore(location, signal);
  try {
    const volumeInfo = await store.readJson<unknown>({ of: "backup", name, file: "volumeInfo" }, signal);
    const volumeBackups = await readVolumeBackups(backup, { client, namespace, store }, signal);
    const source = store.read({ of: "backup", name, file: "contents" }, signal);
    const { scratchDirectory } = settings;
    const contents = await openTarball({ source, scratchDirectory, signal });
    return { contents, volumeInfo: entriesOf(volumeInfo), volumeBackups };
  } finally {
    await store.close();
  }
}

/** What lies in a bucket is not believed to be anything. */
function entriesOf(stored: unknown): readonly VolumeInfoEntry[] | undefined {
  if (!Array.isArray(stored)) return undefined;
  return stored.filter((entry) => typeof entry === "object" && entry !== null);
}
