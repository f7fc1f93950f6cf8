// Makes new snapshots of old ones: without some files, under another host name or time, with the counts of what they hold.
// A snapshot that would come out the same is left alone; the old one stays unless it is to be forgotten.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { compilePatterns, type Patterns } from "../file-tree/patterns.ts";
import { type BlobId, idOf, type SnapshotId, type TreeId } from "../format/id.ts";
import type { Snapshot, SnapshotSummary } from "../format/snapshot-file.ts";
import { type TimeText, zeroTime } from "../format/time.ts";
import { withBlobUploader } from "../repository/blob-uploader.ts";
import { type FoundSnapshot, findSnapshots, type SnapshotFilter } from "../repository/find-snapshots.ts";
import { withLock } from "../repository/lock.ts";
import type { Repository } from "../repository/repository.ts";
import { type ExclusiveLockOptions, refuseWithoutLock } from "./exclusive-lock.ts";
import { type RewriteRules, TreeRewriter } from "./tree-rewriter.ts";

/** Which snapshots are rewritten, and how. */
export interface RewriteOptions extends SnapshotFilter, ExclusiveLockOptions {
  /** Ids, unique prefixes or "latest"; otherwise the filter chooses. */
  readonly ids?: readonly string[] | undefined;
  /** restic's patterns of what is left out. Not together with includes. */
  readonly excludes?: readonly string[] | undefined;
  readonly insensitiveExcludes?: readonly string[] | undefined;
  /** Patterns of all that is kept; directories on the way to it are kept, too. */
  readonly includes?: readonly string[] | undefined;
  readonly insensitiveIncludes?: readonly string[] | undefined;
  readonly newHost?: string | undefined;
  readonly newTime?: TimeText | undefined;
  /** Also count what snapshots hold that have no summary. */
  readonly snapshotSummary?: boolean | undefined;
  /** Remove the old snapshots; takes an exclusive lock. */
  readonly forget?: boolean | undefined;
  /** Only find out what would change. */
  readonly dryRun?: boolean | undefined;
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
  readonly onSnapshot?: ((found: FoundSnapshot) => void) | undefined;
  readonly onLeftOut?: ((path: Buffer) => void) | undefined;
  readonly onRewritten?: ((rewritten: RewrittenSnapshot) => void) | undefined;
}

/** A snapshot that changed, or would in a dry run. */
export interface RewrittenSnapshot {
  readonly oldId: SnapshotId;
  /** Undefined in a dry run. */
  readonly newId: SnapshotId | undefined;
}

/**
 * Rewrites the chosen snapshots under a lock.
 * @returns those that changed, or would.
 * @throws RepositoryError "argument-invalid" when both includes and excludes are asked for; "pattern-malformed";
 *   "lock-held"; for a snapshot that cannot be rewritten its error, with the snapshot's id; the ones before it are done.
 */
export async function rewriteSnapshots(repo: Repository, options: RewriteOptions): Promise<RewrittenSnapshot[]> {
  const rules = rulesOf(options);
  refuseWithoutLock(options);
  const run = (signal: AbortSignal | undefined): Promise<RewrittenSnapshot[]> =>
    rewriteAll(repo, rules, { ...options, signal });
  if (options.lock === false) return await run(options.signal);
  const { retryLockMs, onLockWait: onWait, signal, lockTimings: timings } = options;
  // A dry run removes nothing.
  const exclusive = options.forget === true && options.dryRun !== true;
  return await withLock(repo, { exclusive, retryLockMs, onWait, signal, timings }, run);
}

/** Undefined when trees need not be looked at. */
function rulesOf(options: RewriteOptions): RewriteRules | undefined {
  const excludes = patternGroups(options.excludes, options.insensitiveExcludes);
  const includes = patternGroups(options.includes, options.insensitiveIncludes);
  // Includes that are all empty keep nothing, and a snapshot of which nothing would be kept stays as it is.
  const isIncluding = Boolean(options.includes?.length || options.insensitiveIncludes?.length);
  if (isIncluding && excludes.length > 0)
    throw new RepositoryError("argument-invalid", "patterns of what is kept exclude patterns of what is left out");
  if (isIncluding) {
    return {
      keeps: (path, isDirectory) =>
        includes.some((group) => {
          const { matched, childMayMatch } = group.match(path);
          return matched || (isDirectory && childMayMatch);
        }),
      keepsEmpty: (path) => includes.some((group) => group.match(path).matched),
    };
  }
  if (excludes.length === 0 && options.snapshotSummary !== true) return undefined;
  return { keeps: (path) => !excludes.some((group) => group.match(path).matched), keepsEmpty: () => true };
}

function patternGroups(exact: readonly string[] = [], insensitive: readonly string[] = []): Patterns[] {
  const groups = [compilePatterns(exact), compilePatterns(insensitive, { insensitive: true })];
  return groups.filter((group) => !group.isEmpty);
}

async function rewriteAll(
  repo: Repository,
  rules: RewriteRules | undefined,
  options: RewriteOptions,
): Promise<RewrittenSnapshot[]> {
  const { signal, onIgnored = (): void => {} } = options;
  const chosen = await findSnapshots(repo, { ...options, onIgnored });
  if (rules !== undefined) await repo.refreshIndex(signal);
  const rewritten: RewrittenSnapshot[] = [];
  for (const found of chosen) {
    options.onSnapshot?.(found);
    try {
      const one = await rewriteOne(repo, found, rules, options);
      if (one === undefined) continue;
      rewritten.push(one);
      options.onRewritten?.(one);
    } catch (error) {
      throwIfCancelled(signal);
      throw explain(found, error);
    }
  }
  return rewritten;
}

/** @returns undefined when nothing changes. */
async function rewriteOne(
  repo: Repository,
  { id: oldId, snapshot }: FoundSnapshot,
  rules: RewriteRules | undefined,
  options: RewriteOptions,
): Promise<RewrittenSnapshot | undefined> {
  const { newHost, newTime, forget, dryRun, signal } = options;
  const content = rules === undefined ? undefined : await rewriteContent(repo, snapshot, rules, options);
  // Of what is to be kept the snapshot has nothing: an empty one would help nobody.
  if (content === "empty") return undefined;
  const isMetadataNew = newHost !== undefined || newTime !== undefined;
  if (!isMetadataNew && (content === undefined || !content.isChanged)) return undefined;
  if (dryRun === true) return { oldId, newId: undefined };
  const { tree, summary } = content ?? {};
  const newId = await repo.saveSnapshot(
    {
      ...snapshot,
      ...(tree === undefined ? {} : { tree }),
      ...(summary === undefined ? {} : { summary }),
      tags: forget === true || snapshot.tags.includes(addedTag) ? snapshot.tags : [...snapshot.tags, addedTag],
      ...(newTime === undefined ? {} : { time: newTime }),
      ...(newHost === undefined ? {} : { hostname: newHost }),
      // Not the first of the chain, as for tags: in what it holds this is another snapshot.
      original: oldId,
    },
    signal,
  );
  if (forget === true) await repo.remove("snapshot", oldId, signal);
  return { oldId, newId };
}

const addedTag = "rewrite";

interface RewrittenContent {
  readonly tree: BlobId;
  readonly summary: SnapshotSummary;
  readonly isChanged: boolean;
}

async function rewriteContent(
  repo: Repository,
  snapshot: Snapshot,
  rules: RewriteRules,
  { dryRun, signal, onLeftOut }: RewriteOptions,
): Promise<RewrittenContent | "empty"> {
  const rewriteWith = async (save: (tree: Buffer) => Promise<TreeId>): Promise<RewrittenContent | "empty"> => {
    const rewriter = new TreeRewriter(repo, { rules, save, signal, onLeftOut });
    const tree = await rewriter.rewrite(snapshot.tree);
    if (tree === undefined) return "empty";
    const { files: totalFilesProcessed, bytes: totalBytesProcessed } = rewriter.kept;
    const { summary: old } = snapshot;
    const isCounted =
      old?.totalFilesProcessed === totalFilesProcessed && old.totalBytesProcessed === totalBytesProcessed;
    const summary = { ...(old ?? emptySummary), totalFilesProcessed, totalBytesProcessed };
    return { tree, summary, isChanged: tree !== snapshot.tree || !isCounted };
  };
  if (dryRun === true) return await rewriteWith(async (tree) => idOf<TreeId>(tree));
  return await withBlobUploader(repo, { signal }, (uploader) =>
    rewriteWith(async (tree) => (await uploader.saveBlob("tree", tree)).id),
  );
}

/** Of a snapshot that never had one: nothing is known but what it holds. */
const emptySummary: SnapshotSummary = {
  backupStart: zeroTime,
  backupEnd: zeroTime,
  filesNew: 0,
  filesChanged: 0,
  filesUnmodified: 0,
  dirsNew: 0,
  dirsChanged: 0,
  dirsUnmodified: 0,
  dataBlobs: 0,
  treeBlobs: 0,
  dataAdded: 0,
  dataAddedPacked: 0,
  totalFilesProcessed: 0,
  totalBytesProcessed: 0,
};

function explain({ id }: FoundSnapshot, error: unknown): unknown {
  if (!RepositoryError.is(error)) return error;
  const message = `the snapshot ${id} cannot be rewritten: ${error.message}`;
  return new RepositoryError(error.code, message, { details: { ...error.details, snapshot: id }, cause: error });
}
