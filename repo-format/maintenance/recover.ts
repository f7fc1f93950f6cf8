// Finds directories that no other directory and no snapshot leads to, and makes one snapshot of all of them: the roots of
// snapshots that were removed by mistake, as long as no prune has followed.

import { throwIfCancelled } from "../errors.ts";
import type { BlobHandle } from "../format/blob.ts";
import { fileModeFromStat } from "../format/file-mode.ts";
import { type SnapshotId, shortId, type TreeId } from "../format/id.ts";
import { emptyNode, type Node } from "../format/node.ts";
import { formatTime, type TimeText } from "../format/time.ts";
import { encodeTree, iterateTree } from "../format/tree.ts";
import { BlobSet } from "../index/blob-set.ts";
import { withBlobUploader } from "../repository/blob-uploader.ts";
import { findSnapshots } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { type ExclusiveLockOptions, underExclusiveLock } from "./exclusive-lock.ts";
import { isLoss } from "./lost-data.ts";
import { type RepairIndexOptions, repairIndexLocked } from "./repair-index.ts";

/** Trees that are fetched together. */
const batchSize = 4096;
const treeRangeLimits = { maxGapBytes: 256 * 1024, maxRangeBytes: 8 * 1024 * 1024 };

/** What is told while directories are looked for, and what the new snapshot says of its maker. */
export interface RecoverOptions extends Omit<ExclusiveLockOptions, "lock"> {
  /** "name version". */
  readonly programVersion: string;
  /** The index is repaired first: trees that it does not know cannot be found. */
  readonly onIndexChange?: RepairIndexOptions["onChange"];
  /** A tree or a snapshot that cannot be read, and is passed over. */
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
  /** Trees read so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What was found. */
export interface RecoverResult {
  /** Trees that nothing leads to. */
  readonly roots: readonly TreeId[];
  /** Undefined when there are none. */
  readonly snapshotId: SnapshotId | undefined;
}

/**
 * Recovers, under an exclusive lock. In the new snapshot each root is a directory with the beginning of its id as name.
 * @throws RepositoryError "lock-held", and what reading and writing throws; damage is reported and passed over.
 */
export async function recover(repo: Repository, options: RecoverOptions): Promise<RecoverResult> {
  return await underExclusiveLock(repo, options, (locked) => recoverLocked(repo, locked));
}

async function recoverLocked(repo: Repository, options: RecoverOptions): Promise<RecoverResult> {
  const { signal } = options;
  const snapshots = await findSnapshots(repo, { signal, onIgnored: options.onIgnored ?? (() => {}) });
  await repairIndexLocked(repo, { signal, onChange: options.onIndexChange });
  await repo.refreshIndex(signal);
  const reached = new BlobSet(repo.index);
  for (const { snapshot } of snapshots) reached.add("tree", snapshot.tree);
  const readable = await markReached(repo, reached, options);
  const roots = readable.filter((id) => !reached.has("tree", id)).sort();
  if (roots.length === 0) return { roots, snapshotId: undefined };
  return { roots, snapshotId: await saveSnapshot(repo, roots, options) };
}

/** Reads every tree and marks those that it leads to. @returns those that were not marked when they were read. */
async function markReached(repo: Repository, reached: BlobSet, options: RecoverOptions): Promise<TreeId[]> {
  const candidates: TreeId[] = [];
  const total = countTrees(repo);
  let done = 0;
  for (const batch of treeBatches(repo)) {
    const limits = { parallel: repo.storage.connections, limits: treeRangeLimits, signal: options.signal };
    for await (const { handle, plaintext, error } of repo.loadBlobs(batch, limits)) {
      throwIfCancelled(options.signal);
      options.onProgress?.(++done, total);
      try {
        if (plaintext === undefined) throw error;
        markSubtrees(plaintext, reached);
        if (!reached.has("tree", handle.id)) candidates.push(handle.id);
      } catch (failure) {
        if (!isLoss(failure)) throw failure;
        options.onIgnored?.(`tree ${handle.id}`, failure);
      }
    }
  }
  return candidates;
}

function markSubtrees(tree: Buffer, reached: BlobSet): void {
  for (const { type, subtree } of iterateTree(tree)) {
    if (type === "dir" && subtree !== undefined) reached.add("tree", subtree);
  }
}

function countTrees({ index }: Repository): number {
  let count = 0;
  for (const { type } of index.blobs()) if (type === "tree") count++;
  return count;
}

/** Every tree of the index once, in the order of the index, which is about that of the packs. */
function* treeBatches({ index }: Repository): Generator<BlobHandle[], void, undefined> {
  let batch: BlobHandle[] = [];
  for (let position = 0; position < index.table.count; position++) {
    const { type, id } = index.blobAt(position);
    // Further copies of a blob share the number of the first.
    if (type !== "tree" || index.positionOf(type, id) !== position) continue;
    batch.push({ type, id });
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function saveSnapshot(
  repo: Repository,
  roots: readonly TreeId[],
  { programVersion, signal }: RecoverOptions,
): Promise<SnapshotId> {
  const { clock, identity } = repo.options;
  const nowMs = clock();
  const time = formatTime(BigInt(Math.trunc(nowMs)) * 1_000_000n, -new Date(nowMs).getTimezoneOffset());
  const bytes = encodeTree(directoriesOf(roots, time));
  const { id: tree } = await withBlobUploader(repo, { signal }, (uploader) => uploader.saveBlob("tree", bytes));
  const { hostname, username, uid, gid } = identity;
  return await repo.saveSnapshot(
    {
      time,
      tree,
      paths: ["/recover"],
      hostname,
      username,
      uid,
      gid,
      excludes: [],
      tags: ["recovered"],
      programVersion,
      unknown: {},
    },
    signal,
  );
}

/** @param roots in ascending order. */
function directoriesOf(roots: readonly TreeId[], time: TimeText): Node[] {
  return roots.map((subtree, place) => {
    const short = shortId(subtree);
    const isTaken = [roots[place - 1], roots[place + 1]].some((other) => other?.startsWith(short));
    const name = Buffer.from(isTaken ? subtree : short);
    const mode = fileModeFromStat(0o040755);
    return { ...emptyNode(name, "dir"), mode, subtree, mtime: time, atime: time, ctime: time };
  });
}
