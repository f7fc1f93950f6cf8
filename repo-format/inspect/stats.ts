// Counts what snapshots take: as restored, as distinct files, as blobs per file, or as stored. The numbers are restic's,
// field by field, odd corners included, so that scripts see the same values from both programs.

import { hash } from "node:crypto";
import { RepositoryError } from "../errors.ts";
import { type PackedBlob, plaintextLength, sealOverheadBytes } from "../format/blob.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import type { FoundSnapshot } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { usedBlobs } from "../repository/walk-trees.ts";
import { ls } from "./ls.ts";

/** Every way to count. */
export const statsModes = ["restore-size", "files-by-contents", "blobs-per-file", "raw-data"] as const;
/** How statistics count; restic's names. */
export type StatsMode = (typeof statsModes)[number];

/** Sizes in bytes. The compression fields belong to raw-data in version 2 and are 0 elsewhere. */
export interface RepositoryStats {
  totalSize: number;
  totalFileCount: number;
  totalBlobCount: number;
  snapshotsCount: number;
  /** What raw data would take without compression, sealing included. */
  totalUncompressedSize: number;
  /** Uncompressed by compressed bytes, of compressed blobs only. */
  compressionRatio: number;
  /** Percentage of bytes (uncompressed) that are stored compressed. */
  compressionProgress: number;
  /** Percentage of bytes that compression saves. */
  compressionSpaceSaving: number;
}

export interface StatsOptions {
  readonly mode: StatsMode;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { snapshotsDone: number; snapshots: number }) => void) | undefined;
}

type NodeCounter = (node: Node, path: Buffer) => void;

/**
 * Counts the given snapshots together. The index must be loaded.
 * @throws RepositoryError "blob-missing" when the index lacks a blob, "tree-malformed", or what loading throws.
 */
export async function collectStats(
  repo: Repository,
  snapshots: readonly FoundSnapshot[],
  options: StatsOptions,
): Promise<RepositoryStats> {
  const stats = emptyStats();
  const { signal } = options;
  const trees = snapshots.map(({ snapshot }) => snapshot.tree);
  if (options.mode === "raw-data") {
    await countRawData(repo, trees, stats, signal);
    stats.snapshotsCount = snapshots.length;
    return stats;
  }
  const counters = { "files-by-contents": countByContents, "blobs-per-file": countBlobsPerFile };
  const countDistinct = options.mode === "restore-size" ? undefined : counters[options.mode](repo, stats);
  for (const tree of trees) {
    const count = countDistinct ?? countRestoreSize(stats);
    for await (const { path, node } of ls(repo, tree, { signal })) count(node, path);
    stats.snapshotsCount++;
    options.onProgress?.({ snapshotsDone: stats.snapshotsCount, snapshots: snapshots.length });
  }
  return stats;
}

function emptyStats(): RepositoryStats {
  return {
    totalSize: 0,
    totalFileCount: 0,
    totalBlobCount: 0,
    snapshotsCount: 0,
    totalUncompressedSize: 0,
    compressionRatio: 0,
    compressionProgress: 0,
    compressionSpaceSaving: 0,
  };
}

/** Every node of one snapshot counts; names of one hard-linked file share its size. */
function countRestoreSize(stats: RepositoryStats): NodeCounter {
  const linksSeen = new Set<string>();
  return (node) => {
    stats.totalFileCount++;
    if (node.links !== 1 && node.type !== "dir" && node.inode !== 0n) {
      const link = `${node.deviceId} ${node.inode}`;
      if (linksSeen.has(link)) return;
      linksSeen.add(link);
    }
    stats.totalSize += node.size;
  };
}

/** Each content once, whatever names it has. Nodes without content, directories too, are all the same content. */
function contentFilter(): (node: Node) => boolean {
  const seen = new Set<string>();
  return (node) => {
    const contentHash = hash("sha256", (node.content ?? []).join(""), "base64");
    if (seen.has(contentHash)) return false;
    seen.add(contentHash);
    return true;
  };
}

function countByContents(_repo: Repository, stats: RepositoryStats): NodeCounter {
  const isNew = contentFilter();
  return (node) => {
    if (!isNew(node)) return;
    stats.totalSize += node.size;
    stats.totalFileCount++;
  };
}

/** References from a path to a blob, each once. */
function countBlobsPerFile(repo: Repository, stats: RepositoryStats): NodeCounter {
  const isNew = contentFilter();
  const blobsOfFile = new Map<string, Set<number>>();
  return (node, path) => {
    if (!isNew(node) || node.content === undefined || node.content.length === 0) return;
    const name = path.toString("latin1");
    const blobs = blobsOfFile.get(name) ?? new Set();
    if (blobs.size === 0) stats.totalFileCount++;
    blobsOfFile.set(name, blobs);
    for (const id of node.content) {
      const position = repo.index.positionOf("data", id);
      if (blobs.has(position)) continue;
      blobs.add(position);
      stats.totalSize += plaintextLength(firstLocation(repo, id));
      stats.totalBlobCount++;
    }
  };
}

function firstLocation(repo: Repository, id: BlobId): Pick<PackedBlob, "length" | "uncompressedLength"> {
  const [location] = repo.index.lookup({ type: "data", id });
  if (location !== undefined) return location;
  throw new RepositoryError("blob-missing", `blob ${id} is in no index file`, { details: { blob: id } });
}

/** What the blobs take in the store, each counted once, and what compression does to them. */
async function countRawData(
  repo: Repository,
  trees: readonly BlobId[],
  stats: RepositoryStats,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { blobs, missing } = await usedBlobs(repo, trees, { signal });
  const [first] = missing;
  if (first !== undefined) {
    throw new RepositoryError("blob-missing", `${first.type} blob ${first.id} of ${first.path} is in no index file`);
  }
  const compressed = { stored: 0, plain: 0 };
  repo.index.table.forEach((position, segment, index) => {
    if (!blobs.hasPosition(position)) return;
    const blob = segment.entryAt(index);
    stats.totalBlobCount++;
    stats.totalSize += blob.length;
    if (repo.version < 2) return;
    const plainBytes = plaintextLength(blob) + sealOverheadBytes;
    stats.totalUncompressedSize += plainBytes;
    if (blob.uncompressedLength === 0) return;
    compressed.stored += blob.length;
    compressed.plain += plainBytes;
  });
  if (compressed.stored > 0) stats.compressionRatio = compressed.plain / compressed.stored;
  if (stats.totalUncompressedSize === 0) return;
  stats.compressionProgress = (compressed.plain / stats.totalUncompressedSize) * 100;
  stats.compressionSpaceSaving = (1 - stats.totalSize / stats.totalUncompressedSize) * 100;
}
