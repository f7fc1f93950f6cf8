// One volume's directory → one snapshot: takes the repository's lock, chooses the parent and calls the archiver with what Velero's agent would tell restic.

import {
  type ArchiveProgress,
  type ArchiveReport,
  type ArchiveResult,
  archive,
  type BlobWorkerPool,
  type ItemWarning,
  type Repository,
  RepositoryError,
  resolveSnapshot,
  type SnapshotId,
  shortId,
  viewUnderLock,
} from "../../repo-format/index.ts";
import { snapshotHostname } from "../../src/api/names.ts";
import type { KeptLocks } from "./kept-locks.ts";
import type { KeptNotes } from "./kept-notes.ts";
import type { KeptThreads } from "./kept-threads.ts";
import { answersOf } from "./store-answers.ts";
import type { Throttle } from "./throttle.ts";
import type { WatchedControl } from "./transfer-watch.ts";

/** What volumes hold besides their owner's files; matched at the volume's root only. */
const defaultExcludes = ["/lost+found", "/.velero", "/.snapshot", "/.zfs"];

/** Progress is written every ten seconds: what is done by then needs no total. Counting is a tenth of a backup that reads nothing. */
const scanAfterMs = 2000;

/**
 * A volume of which so little is left to store gives its slot away before that is done: a hundred volumes of 5 MB waited for
 * the store for a third of their time. One pack, so that little more lies in memory.
 */
const smallTailBytes: number = 16 * 1024 * 1024;

export interface BackupVolumeOptions {
  readonly repository: Repository;
  readonly threads: KeptThreads;
  readonly locks: KeptLocks;
  readonly notes: KeptNotes;
  readonly throttle: Pick<Throttle, "passedBytes">;
  /** The volume's directory; recorded as the snapshot's path. */
  readonly path: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Snapshot of the same claim's latest completed backup, as written into its status; "" or undefined: none. */
  readonly parentSnapshotId: string | undefined;
  /** restic's patterns, beside those that hold for every volume. */
  readonly exclude: readonly string[];
  /** Enter other file systems that are mounted inside the volume. */
  readonly crossMounts: boolean;
  readonly lockTimeoutMs: number;
  /** As many threads of its own; undefined: the kept ones. */
  readonly parallelFiles: number | undefined;
  readonly programVersion: string;
  /** Milliseconds that never go back. */
  readonly monotonicClock: () => number;
  readonly control: WatchedControl;
  /** Called while another program holds the repository exclusively. */
  readonly onLockWait: (holder: string, waitedMs: number) => void;
}

export interface BackedUpVolume {
  /** As it goes into the status: 8 digits, or all 64 when these 8 are taken; "" for an empty volume. */
  readonly snapshotId: string;
  readonly isEmpty: boolean;
  readonly totalBytes: number;
  readonly addedBytes: number;
  readonly fileCount: number;
  readonly report: ArchiveReport;
  /** Until the repository's lock was held. */
  readonly lockingSeconds: number;
  readonly warnings: readonly ItemWarning[];
  readonly warningCount: number;
}

/** @throws RepositoryError */
export async function backUpVolume(options: BackupVolumeOptions): Promise<BackedUpVolume> {
  const { repository, control } = options;
  const lock = {
    exclusive: false as const,
    hasNext: () => control.hasNext(),
    retryLockMs: options.lockTimeoutMs,
    onWait: options.onLockWait,
    signal: control.signal,
  };
  const startedMs = options.monotonicClock();
  return await options.locks.use(repository, lock, async (signal) => {
    control.moving(() => answersOf(repository) + options.throttle.passedBytes);
    const lockingSeconds = (options.monotonicClock() - startedMs) / 1000;
    // Between two volumes somebody may have pruned: `archive` looks at the index anew before anything counts as stored.
    const { parallelFiles, threads } = options;
    const work = (pool: BlobWorkerPool) => archiveVolume(options, pool, signal);
    const result = await (parallelFiles === undefined
      ? threads.use(repository, work)
      : threads.useOwn(repository, parallelFiles, work));
    return { ...(await describeResult(repository, result, signal)), lockingSeconds };
  });
}

async function archiveVolume(
  options: BackupVolumeOptions,
  pool: BlobWorkerPool,
  signal: AbortSignal,
): Promise<ArchiveResult> {
  const parent = await findNamedParent(options, signal);
  return await archive(options.repository, {
    targets: [options.path],
    relativeRoot: true,
    paths: [options.path],
    hostname: snapshotHostname,
    tags: tagList(options.tags),
    ...(parent === undefined ? { findParent: { tagLists: parentTagLists(options.tags) } } : { parent }),
    excludes: { patterns: [...defaultExcludes, ...options.exclude] },
    oneFileSystem: !options.crossMounts,
    userNames: false,
    notes: await options.notes.open(options.repository),
    view: viewUnderLock(options.repository),
    scanAfterMs,
    pool,
    programVersion: options.programVersion,
    monotonicClock: options.monotonicClock,
    signal,
    onProgress: (progress) => report(options.control, progress),
    onRead: (bytesStored) => {
      if (bytesStored <= smallTailBytes) options.control.allButStored();
    },
  });
}

function report(control: WatchedControl, progress: ArchiveProgress): void {
  const { bytesDone, totalBytes, filesDone, dirsDone, errorCount, currentFiles } = progress;
  const whereabouts = { entries: filesDone + dirsDone + errorCount, current: currentFiles[0] };
  control.report({ bytesDone, totalBytes: Math.max(bytesDone, totalBytes) }, whereabouts);
}

/** Undefined when none was named or it is gone; the archiver then looks for one by tags. */
async function findNamedParent(options: BackupVolumeOptions, signal: AbortSignal): Promise<SnapshotId | undefined> {
  const name = options.parentSnapshotId ?? "";
  if (name === "") return undefined;
  const [known, ...others] = viewUnderLock(options.repository)?.idsBeginningWith(name) ?? [];
  if (known !== undefined && others.length === 0) return known;
  try {
    return (await resolveSnapshot(options.repository, name, { signal })).id;
  } catch (error) {
    const isGone = RepositoryError.is(error, "snapshot-missing") || RepositoryError.is(error, "snapshot-ambiguous");
    if (isGone || RepositoryError.is(error, "snapshot-malformed")) return undefined;
    throw error;
  }
}

export function tagList(tags: Readonly<Record<string, string>>): string[] {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}

/** The same claim; else the same volume of the same pod; else of any pod in the namespace (pods get new names). */
export function parentTagLists(tags: Readonly<Record<string, string>>): string[][] {
  const candidates = [["pvc-uid"], ["ns", "pod", "volume"], ["ns", "volume"]];
  const present = candidates.filter((keys) => keys.every((key) => (tags[key] ?? "") !== ""));
  return present.map((keys) => keys.map((key) => `${key}=${tags[key]}`));
}

async function describeResult(
  repository: Repository,
  result: ArchiveResult,
  signal: AbortSignal,
): Promise<Omit<BackedUpVolume, "lockingSeconds">> {
  const { summary, report } = result;
  const snapshotId = result.snapshotId === undefined ? "" : await statusId(repository, result.snapshotId, signal);
  return {
    snapshotId,
    isEmpty: result.isEmpty,
    totalBytes: summary.totalBytesProcessed,
    addedBytes: summary.dataAdded,
    fileCount: summary.totalFilesProcessed,
    report,
    // A parent that was of no use costs time only; the data are complete.
    warnings: result.warnings.filter((warning) => warning.kind !== "parent"),
    warningCount: result.warningCount - result.warnings.filter((warning) => warning.kind === "parent").length,
  };
}

/** Eight digits are what users and Velero's server know; `restic forget` needs them to be unambiguous. */
async function statusId(repository: Repository, id: SnapshotId, signal: AbortSignal): Promise<string> {
  const short = shortId(id);
  const known = viewUnderLock(repository)?.idsBeginningWith(short);
  if (known !== undefined) return known.length > 1 ? id : short;
  for await (const listed of repository.list("snapshot", signal)) {
    if (listed.id !== id && listed.id.startsWith(short)) return id;
  }
  return short;
}
