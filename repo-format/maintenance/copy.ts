// Copies snapshots from one repository into another, of whatever version, key and chunker. Snapshots appear in the target
// only when all that they need is stored and indexed there; what an interrupted run has stored is found by the next one.

import type { SnapshotId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { sameInstant } from "../format/time.ts";
import { withBlobUploader } from "../repository/blob-uploader.ts";
import { type FoundSnapshot, findSnapshots, type SnapshotFilter } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { BlobCopy, type BlobCopyOptions, type CopyAmount } from "./blob-copy.ts";

/** A snapshot and the one that stands for it in the target. */
export interface SnapshotCopy {
  readonly source: FoundSnapshot;
  readonly targetId: SnapshotId;
}

/** Which snapshots are copied, and who is told. */
export interface CopyOptions extends SnapshotFilter, BlobCopyOptions {
  /** Ids, unique prefixes or "latest" of the source; otherwise the filter chooses. */
  readonly ids?: readonly string[] | undefined;
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
  /** Called for a snapshot that the target has already. */
  readonly onSkipped?: ((skipped: SnapshotCopy) => void) | undefined;
  /** Called before the blobs of a snapshot are copied. */
  readonly onPlanned?: ((source: FoundSnapshot, amount: CopyAmount) => void) | undefined;
  readonly onCopied?: ((copy: SnapshotCopy) => void) | undefined;
  /** For tests: how much is copied before snapshots are written. */
  readonly batch?: CopyBatch | undefined;
}

/** Snapshots are written together when both limits are reached, and at the end: many small ones share their packs. */
export interface CopyBatch {
  readonly minBytes: number;
  readonly minMs: number;
}

/** What a copy did; snapshots in the order in which they were chosen. */
export interface CopyResult {
  readonly copied: readonly SnapshotCopy[];
  readonly skipped: readonly SnapshotCopy[];
  /** Blobs that were stored in the target, and their bytes as the source has them. */
  readonly blobs: number;
  readonly bytes: number;
}

const packsPerBatch = 100;
const batchMs = 60_000;

/**
 * Copies the chosen snapshots, oldest first. Locks must be held on both repositories; the indexes are loaded here. The
 * filter also limits which snapshots of the target count as copies, as in restic.
 * @throws RepositoryError "blob-missing", "blob-damaged", "tree-malformed" … when a snapshot cannot be copied; those that
 *   were copied before are kept.
 */
export async function copySnapshots(
  source: Repository,
  target: Repository,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const { hosts, tags, paths, signal, onIgnored } = options;
  // Snapshots first, then the index: then every blob of every one of them is in it.
  const chosen = await findSnapshots(source, options);
  const known = byOrigin(await findSnapshots(target, { hosts, tags, paths, signal, onIgnored }));
  await source.refreshIndex(signal);
  await target.refreshIndex(signal);
  const skipped: SnapshotCopy[] = [];
  const wanted: FoundSnapshot[] = [];
  for (const found of chosen) {
    const twin = known.get(originOf(found))?.find(({ snapshot }) => isSimilar(snapshot, found.snapshot));
    if (twin === undefined) wanted.push(found);
    else skipped.push({ source: found, targetId: twin.id });
  }
  for (const one of skipped) options.onSkipped?.(one);
  return { ...(await copyInBatches(source, target, wanted, options)), skipped };
}

async function copyInBatches(
  source: Repository,
  target: Repository,
  wanted: readonly FoundSnapshot[],
  options: CopyOptions,
): Promise<Omit<CopyResult, "skipped">> {
  const { signal } = options;
  const { minBytes, minMs } = options.batch ?? {
    minBytes: packsPerBatch * target.options.packSizeBytes,
    minMs: batchMs,
  };
  const blobs = new BlobCopy(source, target, options);
  const copied: SnapshotCopy[] = [];
  const sum = { blobs: 0, bytes: 0 };
  const { clock } = target.options;
  for (let next = 0; next < wanted.length; ) {
    const first = next;
    const startMs = clock();
    const startBytes = sum.bytes;
    await withBlobUploader(target, { signal }, async (uploader) => {
      while (next < wanted.length && (sum.bytes - startBytes < minBytes || clock() - startMs < minMs)) {
        const found = wanted[next++] as FoundSnapshot;
        const plan = await blobs.plan(found.snapshot.tree, uploader);
        options.onPlanned?.(found, { blobs: plan.blobs, bytes: plan.bytes, packs: plan.packs });
        await blobs.run(plan, uploader);
        sum.blobs += plan.blobs;
        sum.bytes += plan.bytes;
      }
    });
    for (const found of wanted.slice(first, next)) {
      const copy = { source: found, targetId: await target.saveSnapshot(copyOf(found), signal) };
      copied.push(copy);
      options.onCopied?.(copy);
    }
  }
  return { copied, ...sum };
}

/** The parent means nothing in another repository; the first id of a chain of copies stays known. */
function copyOf({ id, snapshot: { parent: _, ...snapshot } }: FoundSnapshot): Snapshot {
  return { ...snapshot, original: snapshot.original ?? id };
}

function originOf({ id, snapshot }: FoundSnapshot): SnapshotId {
  return snapshot.original ?? id;
}

/** Snapshots by their own id and by the one that they come from. */
function byOrigin(snapshots: readonly FoundSnapshot[]): Map<SnapshotId, FoundSnapshot[]> {
  const found = new Map<SnapshotId, FoundSnapshot[]>();
  for (const one of snapshots) {
    for (const id of new Set([one.id, originOf(one)])) found.set(id, [...(found.get(id) ?? []), one]);
  }
  return found;
}

/** True when nothing but parent and origin differs: tags that were changed make another snapshot. */
function isSimilar(a: Snapshot, b: Snapshot): boolean {
  return (
    sameInstant(a.time, b.time) &&
    a.tree === b.tree &&
    a.hostname === b.hostname &&
    a.username === b.username &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    isSameSet(a.paths, b.paths) &&
    isSameSet(a.tags, b.tags) &&
    a.excludes.length === b.excludes.length &&
    a.excludes.every((exclude, index) => exclude === b.excludes[index])
  );
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((text) => a.includes(text));
}
