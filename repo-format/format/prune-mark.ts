// The mark of a two-phase prune: which packs nobody needed when it was made, and what it had seen of the repository by then.
// A file of ours alone, `stowage/pending-deletions/<id>`; restic does not look there.
import { type Id, type IndexId, isId, type PackId, type SnapshotId } from "./id.ts";
import { jsonObject, StoredObject } from "./stored-json.ts";
import type { TimeText } from "./time.ts";

export interface PruneMark {
  /** When it was made, by the store's clock. */
  readonly time: TimeText;
  /** Nothing in them was needed, or everything that was has a copy elsewhere. */
  readonly packs: readonly PackId[];
  /** Bytes of those packs. */
  readonly packBytes: number;
  /** The snapshots that needed none of them. */
  readonly snapshots: readonly SnapshotId[];
  /** The index files that say where the copies are. */
  readonly indexFiles: readonly IndexId[];
}

export function encodePruneMark({ time, packs, packBytes, snapshots, indexFiles }: PruneMark): Buffer {
  const text = jsonObject([
    ["time", time],
    ["packs", packs],
    ["pack_bytes", packBytes],
    ["snapshots", snapshots],
    ["index_files", indexFiles],
  ]);
  return Buffer.from(text, "utf8");
}

/** @throws RepositoryError "mark-malformed" when a field is missing or has the wrong type. */
export function decodePruneMark(bytes: Uint8Array): PruneMark {
  const stored = new StoredObject(bytes, "mark-malformed", "the mark of a prune");
  const ids = <T extends Id>(key: string): T[] => {
    const texts = stored.texts(key);
    if (!texts.every((text): text is T => isId<T>(text))) throw stored.error(`"${key}" holds what is not an id`);
    return texts;
  };
  return {
    time: stored.time("time"),
    packs: ids<PackId>("packs"),
    packBytes: stored.uint("pack_bytes", Number.MAX_SAFE_INTEGER),
    snapshots: ids<SnapshotId>("snapshots"),
    indexFiles: ids<IndexId>("index_files"),
  };
}
