// The snapshots of a repository. Their files never change, so each is fetched once: a backup looks through all of them for
// its parent, and does so for every volume.
import { RepositoryError } from "../errors.ts";
import type { SnapshotId } from "../format/id.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot } from "../format/snapshot-file.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { boundedParallel } from "./bounded-parallel.ts";
import { type ListedFile, listFiles, type UnpackedFiles } from "./unpacked-files.ts";

/** Of JSON; about twenty thousand snapshots. */
const maxKeptBytes: number = 16 * 1024 * 1024;

export interface StoredSnapshot {
  readonly id: SnapshotId;
  readonly snapshot: Snapshot;
}

export class SnapshotFiles {
  readonly #storage: Pick<ObjectStorage, "list" | "connections">;
  readonly #files: UnpackedFiles;
  /** JSON by id, without those that are gone. */
  #kept = new Map<SnapshotId, Buffer>();
  #keptBytes = 0;

  constructor(storage: Pick<ObjectStorage, "list" | "connections">, files: UnpackedFiles) {
    this.#storage = storage;
    this.#files = files;
  }

  /** Always asks the store. @throws RepositoryError "snapshot-missing", "snapshot-malformed", "file-damaged" */
  async load(id: SnapshotId, signal?: AbortSignal): Promise<Snapshot> {
    try {
      return decodeSnapshot(await this.#files.load("snapshot", id, signal));
    } catch (error) {
      throw explain(id, error);
    }
  }

  /** What this process has stored it need not fetch. */
  async save(snapshot: Snapshot, signal?: AbortSignal): Promise<SnapshotId> {
    const json = encodeSnapshot(snapshot);
    const id = (await this.#files.save("snapshot", json, signal)) as SnapshotId;
    if (this.#keptBytes + json.length <= maxKeptBytes) {
      this.#kept.set(id, json);
      this.#keptBytes += json.length;
    }
    return id;
  }

  /** Every snapshot of one listing, in its order; those deleted meanwhile are left out. */
  async *all(signal?: AbortSignal): AsyncGenerator<StoredSnapshot> {
    const listed = listFiles(this.#storage, "snapshot", signal);
    const kept = new Map<SnapshotId, Buffer>();
    let keptBytes = 0;
    const read = (file: ListedFile): Promise<FoundJson | undefined> => this.#read(file.id as SnapshotId, signal);
    for await (const found of boundedParallel(listed, { limit: this.#storage.connections, signal }, read)) {
      if (found === undefined) continue;
      const { id, json } = found;
      yield { id, snapshot: decode(id, json) };
      keptBytes += json.length;
      if (keptBytes <= maxKeptBytes) kept.set(id, json);
    }
    this.#kept = kept;
    this.#keptBytes = keptBytes;
  }

  async #read(id: SnapshotId, signal: AbortSignal | undefined): Promise<FoundJson | undefined> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) return { id, json: kept };
    try {
      return { id, json: await this.#files.load("snapshot", id, signal) };
    } catch (error) {
      if (RepositoryError.is(error, "object-missing")) return undefined;
      throw error;
    }
  }
}

interface FoundJson {
  readonly id: SnapshotId;
  readonly json: Buffer;
}

function decode(id: SnapshotId, json: Buffer): Snapshot {
  try {
    return decodeSnapshot(json);
  } catch (error) {
    throw explain(id, error);
  }
}

/** The same error with the snapshot's id. */
function explain(id: SnapshotId, error: unknown): unknown {
  const details = { snapshot: id };
  if (RepositoryError.is(error, "object-missing")) {
    return new RepositoryError("snapshot-missing", `there is no snapshot ${id}`, { details, cause: error });
  }
  if (RepositoryError.is(error, "snapshot-malformed")) {
    const message = `the snapshot ${id} cannot be read: ${error.message}`;
    return new RepositoryError("snapshot-malformed", message, { details, cause: error });
  }
  return error;
}
