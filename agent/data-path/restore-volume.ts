// One snapshot → one volume's directory, with the progress file for the restore-helper beside the numbers for the
// resource.

import {
  type BlobWorkerPool,
  type Repository,
  type RestoreOptions,
  type RestoreProgress,
  type RestoreWarning,
  resolveSnapshot,
  restore,
} from "../../repo-format/index.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { writeProgressMarker } from "./done-marker.ts";
import type { KeptLocks } from "./kept-locks.ts";
import type { KeptNotes } from "./kept-notes.ts";
import type { KeptThreads } from "./kept-threads.ts";
import { answersOf } from "./store-answers.ts";
import type { Throttle } from "./throttle.ts";
import type { WatchedControl } from "./transfer-watch.ts";

export interface RestoreVolumeOptions {
  readonly repository: Repository;
  readonly threads: KeptThreads;
  readonly locks: KeptLocks;
  readonly notes: KeptNotes;
  readonly throttle: Pick<Throttle, "passedBytes">;
  readonly snapshotId: string;
  /** The volume's directory. */
  readonly path: string;
  /** For the progress file. */
  readonly restoreUid: string;
  readonly writeSparseFiles: boolean;
  readonly restoreDevices: boolean;
  /** As many threads of its own; undefined: the kept ones. */
  readonly parallelFiles: number | undefined;
  readonly lockTimeoutMs: number;
  readonly clock: Clock;
  readonly control: WatchedControl;
  readonly onLockWait: (holder: string, waitedMs: number) => void;
}

export interface RestoredVolume {
  readonly totalBytes: number;
  readonly fileCount: number;
  readonly warnings: readonly RestoreWarning[];
  readonly warningCount: number;
  /** Device nodes that were left out. */
  readonly skippedDevices: number;
}

const markerIntervalMs = 1000;

/** @throws RepositoryError also when a single file could not be restored; everything else has been then */
export async function restoreVolume(options: RestoreVolumeOptions): Promise<RestoredVolume> {
  const { repository, control } = options;
  const lock = {
    exclusive: false as const,
    hasNext: () => control.hasNext(),
    retryLockMs: options.lockTimeoutMs,
    onWait: options.onLockWait,
    signal: control.signal,
  };
  const result = await options.locks.use(repository, lock, async (signal) => {
    control.moving(() => answersOf(repository) + options.throttle.passedBytes);
    const { id } = await resolveSnapshot(repository, options.snapshotId, { signal });
    await repository.refreshIndex(signal);
    const wish: RestoreOptions = {
      snapshotId: id,
      target: options.path,
      overwrite: "always",
      // A marker of an earlier restore may be in the snapshot; ours is in the volume while data flows.
      excludes: ["/.velero"],
      restoreDevices: options.restoreDevices,
      notes: await options.notes.open(repository),
      // Holes that files had stay; Velero's setting makes more.
      ...(options.writeSparseFiles ? { sparse: true } : {}),
      signal,
      onProgress: progressReporter(options),
    };
    const { parallelFiles, threads } = options;
    const work = (pool: BlobWorkerPool) => restore(repository, { ...wish, pool });
    if (parallelFiles !== undefined) return await threads.useOwn(repository, parallelFiles, work);
    return await threads.use(repository, work);
  });
  if (result.failure !== undefined) throw result.failure;
  return {
    totalBytes: result.totalBytes,
    fileCount: result.filesRestored,
    warnings: result.warnings,
    warningCount: result.warningCount,
    skippedDevices: result.skippedDevices,
  };
}

function progressReporter(options: RestoreVolumeOptions) {
  let markerAtMs = Number.NEGATIVE_INFINITY;
  let steps = 0;
  return ({ bytesRestored, totalBytes }: RestoreProgress) => {
    const progress = { bytesDone: bytesRestored, totalBytes };
    // It is called after each step, whatever the step was.
    options.control.report(progress, { entries: ++steps });
    const nowMs = options.clock.monotonicMs();
    if (nowMs - markerAtMs < markerIntervalMs) return;
    markerAtMs = nowMs;
    writeProgressMarker(options.path, options.restoreUid, progress);
  };
}
