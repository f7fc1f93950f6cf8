// Saves files into a repository: a walk in step with the parent snapshot's trees, contents through the worker threads,
// trees bottom-up, and at the very end, when all packs and their index are stored, the snapshot.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { AccountNames } from "../file-tree/account-names.ts";
import { canListAhead } from "../file-tree/directory-lister.ts";
import type { BlobId, SnapshotId } from "../format/id.ts";
import type { Snapshot, SnapshotSummary } from "../format/snapshot-file.ts";
import { formatTime, parseTime, type TimeText } from "../format/time.ts";
import { type BlobUploader, withBlobUploader } from "../repository/blob-uploader.ts";
import type { SeenRepository } from "../repository/locked-view.ts";
import type { Repository } from "../repository/repository.ts";
import type { BlobRun, ThreadSeconds } from "../workers/blob-run.ts";
import { type BlobWorkerPool, createBlobWorkerPool } from "../workers/blob-worker-pool.ts";
import { FileArchiver } from "./archive-file.ts";
import type { ArchiveOptions, ArchiveResult } from "./archive-options.ts";
import { RunMeasures } from "./archive-report.ts";
import { type ArchiveSource, openSource } from "./archive-source.ts";
import { ArchiveStatistics } from "./archive-statistics.ts";
import { saveStream } from "./archive-stream.ts";
import { DryRunUploader } from "./dry-run-uploader.ts";
import { Excluder } from "./excludes.ts";
import { findParent, loadParent, type ParentSnapshot } from "./find-parent.ts";
import { ListingAhead } from "./listing-ahead.ts";
import { ParentTrees } from "./parent-tree.ts";
import { RunNotes } from "./run-notes.ts";
import { scanSource, type WalkState } from "./scan-source.ts";
import { SourceWalk, type WalkedRoot } from "./source-walk.ts";
import { TreeSaver } from "./tree-saver.ts";

/** File systems and hosts may differ a little in what time it is. */
const settleNs: bigint = 2_000_000_000n;

const progressMs = 200;

/** What the run has come to, for the summary and the report. */
interface SavedRoot extends WalkedRoot {
  /** Blobs that it added. */
  readonly uploaded: BlobUploader["stats"];
  readonly threadSeconds: ThreadSeconds;
}

/**
 * Backs up files and directories as a new snapshot. The caller holds a lock (`withLock`) and passes its signal.
 * Files that vanish, change or cannot be read become warnings; the result then has `warningCount` above 0.
 * @throws RepositoryError "source-missing" when no target exists; "cancelled", "lock-lost"; "worker-failed"; the errors of
 *   the store. No snapshot is written then; what was stored is found by the next run.
 */
export async function archive(repo: Repository, options: ArchiveOptions): Promise<ArchiveResult> {
  const run = new ArchiveRun(repo, options);
  throwIfCancelled(options.signal);
  const source = openSource(options, run.statistics);
  try {
    const parent = await run.prepare(source);
    const root = await run.whileReporting(() => run.save(source, parent));
    return await run.finish(source, parent, root);
  } finally {
    run.notes.close();
  }
}

class ArchiveRun {
  readonly statistics: ArchiveStatistics;
  readonly notes: RunNotes;
  readonly #repo: Repository;
  /** The repository, or what was seen of it under the lock. */
  readonly #seen: SeenRepository;
  readonly #options: ArchiveOptions;
  readonly #clock: () => number;
  readonly #measures: RunMeasures;
  readonly #startMs: number;
  /** Fires when the caller's signal does, or with the first error that ends the run. */
  readonly #signal: AbortSignal;
  readonly #failure = new AbortController();
  readonly #excluder: Excluder;
  #files: Pick<FileArchiver, "currentPaths"> | undefined;

  constructor(repo: Repository, options: ArchiveOptions) {
    this.#repo = repo;
    this.#seen = options.view ?? repo;
    this.#options = options;
    this.#clock = options.clock ?? repo.options.clock;
    this.#startMs = this.#clock();
    this.#measures = new RunMeasures(repo, options.monotonicClock);
    this.#measures.stages.enter("findingParent");
    this.statistics = new ArchiveStatistics(options);
    this.notes = new RunNotes(options, repo.index);
    this.#excluder = new Excluder(options.excludes);
    const { signal } = this.#failure;
    this.#signal = options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]);
  }

  /**
   * Side by side, which spares a store far away one wait. So the index may lack blobs of a snapshot that came in this moment:
   * files whose blobs are not in the index are read, whatever their parent says.
   */
  async prepare(source: ArchiveSource): Promise<ParentSnapshot | undefined> {
    const { signal, view } = this.#options;
    // A view asks once for both, and the parent may tell it to ask again.
    const loading = view === undefined ? this.#repo.refreshIndex(signal) : undefined;
    loading?.catch(() => undefined); // it is awaited below; what is wrong with the snapshots is told first
    const parent = await this.#chooseParent(source);
    this.#measures.stages.enter("loadingIndex");
    await (loading ?? this.#seen.refreshIndex(signal));
    return parent;
  }

  /** The usual one, or the snapshot that a volume was restored from, if that was later. */
  async #chooseParent({ paths, root }: ArchiveSource): Promise<ParentSnapshot | undefined> {
    if (this.#options.parent === "none") return undefined;
    const usual = await this.#usualParent(paths);
    const restored = Buffer.isBuffer(root) ? this.notes.restoredInto(root) : undefined;
    if (restored === undefined) return usual;
    const usualNs = usual === undefined ? 0n : parseTime(usual.snapshot.time).unixNs;
    if (usualNs > BigInt(Math.trunc(restored.madeAtMs)) * 1_000_000n) return usual;
    return (await loadParent(this.#seen, restored.snapshotId, this.#options.signal)) ?? usual;
  }

  async #usualParent(paths: readonly string[]): Promise<ParentSnapshot | undefined> {
    const { parent, findParent: query, hostname, tags = [], signal } = this.#options;
    if (parent === "none") return undefined;
    const found = parent === undefined ? undefined : await loadParent(this.#seen, parent, signal);
    if (found !== undefined || (parent !== undefined && query === undefined)) return found;
    return findParent(this.#seen, { ...query, hostname, paths, tags, notAfter: this.#snapshotTime(), signal });
  }

  /** Saves everything but the snapshot; packs and index are stored when it resolves. */
  async save(source: ArchiveSource, parent: ParentSnapshot | undefined): Promise<SavedRoot> {
    this.#measures.stages.enter("saving");
    const onPacksStored = (): void => this.#measures.stages.enter("storingIndex");
    const { signal } = this.#options;
    const pool = this.#options.pool ?? createBlobWorkerPool(this.#repo, this.#options.threads);
    try {
      const upload = (uploader: BlobUploader): Promise<SavedRoot> => this.#saveThrough(uploader, pool, source, parent);
      if (this.#options.dryRun === true) return await upload(new DryRunUploader(this.#repo));
      const { indexIntervalMs } = this.#options;
      const tuning = indexIntervalMs === undefined ? {} : { indexMaxAgeMs: indexIntervalMs };
      const uploading = { signal, tuning, onPacksStored, monotonicClock: this.#measures.monotonicClock };
      return await withBlobUploader(this.#repo, uploading, upload);
    } finally {
      this.#measures.stages.enter("endingThreads");
      if (this.#options.pool === undefined) await pool.close();
    }
  }

  async finish(source: ArchiveSource, parent: ParentSnapshot | undefined, root: SavedRoot): Promise<ArchiveResult> {
    this.#measures.stages.enter("storingSnapshot");
    const { treeId, isEmpty } = root;
    const isUnchanged = parent?.snapshot.tree === treeId;
    const summary = this.statistics.summary(
      root.uploaded,
      this.#localTime(this.#startMs),
      this.#localTime(this.#clock()),
    );
    const { dryRun = false, skipIfUnchanged = false, signal } = this.#options;
    // The signal is also that of the lock: without one a prune may have removed blobs that we count on.
    throwIfCancelled(signal);
    const isWanted = !dryRun && !isEmpty && !(skipIfUnchanged && isUnchanged);
    const snapshotId = isWanted ? await this.#writeSnapshot(source, parent, { root, summary }) : undefined;
    if (snapshotId !== undefined) this.notes.remove();
    const { warnings, warningCount } = this.statistics;
    const report = this.#measures.report({ ...root, statistics: this.statistics });
    return { snapshotId, parentId: parent?.id, treeId, isEmpty, isUnchanged, summary, report, warnings, warningCount };
  }

  async whileReporting<T>(work: () => Promise<T>): Promise<T> {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return work();
    const report = (): void => {
      const seconds = Math.max(0, (this.#clock() - this.#startMs) / 1000);
      onProgress(this.statistics.progress(this.#files?.currentPaths ?? [], seconds));
    };
    const timer = setInterval(report, progressMs);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      report();
    }
  }

  #saveThrough(
    uploader: BlobUploader,
    pool: BlobWorkerPool,
    source: ArchiveSource,
    parent: ParentSnapshot | undefined,
  ): Promise<SavedRoot> {
    const accept = async (blobs: readonly Parameters<BlobUploader["add"]>[0][]): Promise<void> => {
      for (const blob of blobs) await uploader.add(blob);
    };
    return pool.withRun({ accept, signal: this.#signal }, async (run) => {
      const onFailed = (error: unknown): void => this.#failure.abort(error);
      const onReadBytes = (bytes: number): void => this.statistics.addReadBytes(bytes);
      const onHoleBytes = (bytes: number): void => this.statistics.addKnownBytes(bytes);
      const { notes } = this;
      const files = new FileArchiver({ run, uploader, notes, onReadBytes, onHoleBytes, onFailed });
      const hasThreads = (): boolean => pool.startedThreads > 0;
      const trees = new TreeSaver({ run, uploader, onFailed, hasThreads });
      this.#files = files;
      const walkState: WalkState = { isWaiting: false };
      const ahead = this.#listingAhead(run, parent);
      const walk = this.#walk({ uploader, files, trees, ahead, hasThreads, walkState, source, parent });
      const stopScan = this.#startScan(source, walkState);
      try {
        const root = await this.#saveRoot(source.root, walk, { run, trees, parentTree: parent?.snapshot.tree });
        this.#measures.stages.enter("storingPacks");
        this.#options.onRead?.(uploader.stats.dataAddedPackedBytes);
        return { ...root, uploaded: uploader.stats, threadSeconds: run.threadSeconds };
      } catch (error) {
        throw endReason(this.#signal, error);
      } finally {
        await stopScan();
      }
    });
  }

  #saveRoot(
    root: ArchiveSource["root"],
    walk: SourceWalk,
    {
      run,
      trees,
      parentTree,
    }: { readonly run: BlobRun; readonly trees: TreeSaver; readonly parentTree: BlobId | undefined },
  ): Promise<WalkedRoot> {
    if (Buffer.isBuffer(root)) return walk.saveVolume(root, parentTree);
    if ("children" in root) return walk.saveTargets(root, parentTree);
    this.#files = { currentPaths: [root.path] };
    const time = this.#snapshotTime();
    const onFailed = (error: unknown): void => this.#failure.abort(error);
    const { statistics } = this;
    const { waiting } = this.#measures;
    return saveStream(root, { run, trees, statistics, time, onFailed, waiting, signal: this.#signal });
  }

  #walk(parts: {
    readonly uploader: BlobUploader;
    readonly files: FileArchiver;
    readonly trees: TreeSaver;
    readonly ahead: ListingAhead | undefined;
    readonly hasThreads: () => boolean;
    readonly walkState: WalkState;
    readonly source: ArchiveSource;
    readonly parent: ParentSnapshot | undefined;
  }): SourceWalk {
    const { oneFileSystem = false, withAtime = false, ignoreCtime = false, ignoreInode = false } = this.#options;
    return new SourceWalk({
      ...parts,
      parents: new ParentTrees(this.#repo, this.#signal),
      notes: this.notes,
      excluder: this.#excluder,
      statistics: this.statistics,
      meter: { waiting: 0 },
      waiting: this.#measures.waiting,
      changeRules: { ignoreCtime, ignoreInode, settledBeforeNs: this.#settledBefore(parts.parent) },
      workingDirectory: parts.source.workingDirectory,
      oneFileSystem,
      entriesUnaided: this.#options.entriesUnaided,
      nodeOptions: {
        withAtime,
        ...(this.#options.userNames === true ? { accounts: AccountNames.ofThisMachine() } : {}),
      },
      signal: this.#signal,
    });
  }

  #listingAhead(run: BlobRun, parent: ParentSnapshot | undefined): ListingAhead | undefined {
    // A mark says whether a directory is entered: it would have to be looked for first.
    if (!canListAhead || this.#excluder.hasMarks) return undefined;
    const { ignoreCtime = false, ignoreInode = false } = this.#options;
    const attributesFromNs = ignoreCtime || ignoreInode ? 0n : this.#settledBefore(parent);
    const onFailed = (error: unknown): void => this.#failure.abort(error);
    return new ListingAhead({ run, excludes: this.#excluder.pathExcludes, attributesFromNs, onFailed });
  }

  /** @returns ends the scan: when the walk has ended there is nothing to foretell any more. */
  #startScan(source: ArchiveSource, walkState: WalkState): () => Promise<void> {
    const { noScan = false, onProgress, oneFileSystem = false, scanAfterMs = 0 } = this.#options;
    if (noScan || onProgress === undefined || "open" in source.root) return async () => {};
    const stop = new AbortController();
    const scan = scanSource(source.root, {
      excluder: this.#excluder,
      statistics: this.statistics,
      oneFileSystem,
      workingDirectory: source.workingDirectory,
      walkState,
      restFirstMs: scanAfterMs,
      signal: stop.signal,
    });
    return async () => {
      stop.abort();
      await scan;
      this.statistics.endScan();
    };
  }

  async #writeSnapshot(
    source: ArchiveSource,
    parent: ParentSnapshot | undefined,
    { root, summary }: { readonly root: WalkedRoot; readonly summary: SnapshotSummary },
  ): Promise<SnapshotId> {
    const { identity } = this.#repo.options;
    const options = this.#options;
    const snapshot: Snapshot = {
      time: this.#snapshotTime(),
      ...(parent === undefined ? {} : { parent: parent.id }),
      tree: root.treeId,
      paths: source.paths,
      hostname: options.hostname,
      username: options.username ?? identity.username,
      uid: options.uid ?? identity.uid,
      gid: options.gid ?? identity.gid,
      excludes: [...(options.excludes?.patterns ?? [])],
      tags: [...(options.tags ?? [])],
      programVersion: options.programVersion,
      summary,
      unknown: {},
    };
    const id = await this.#repo.saveSnapshot(snapshot, options.signal);
    options.view?.add(id, snapshot);
    return id;
  }

  /** 0 when nothing can be said: the snapshot's own time is one that people may choose, and others may see less. */
  #settledBefore(parent: ParentSnapshot | undefined): bigint {
    const { summary, uid } = parent?.snapshot ?? {};
    if (summary?.backupStart === undefined || uid !== this.#repo.options.identity.uid) return 0n;
    return parseTime(summary.backupStart).unixNs - settleNs;
  }

  #snapshotTime(): TimeText {
    return this.#options.time ?? this.#localTime(this.#startMs);
  }

  /** With the offset of this host's zone, which retention rules go by. */
  #localTime(ms: number): TimeText {
    return formatTime(BigInt(Math.trunc(ms)) * 1_000_000n, -new Date(ms).getTimezoneOffset());
  }
}

/** The first cause: what ended the run, rather than what broke because the run was ended. */
function endReason(signal: AbortSignal, error: unknown): unknown {
  if (!signal.aborted) return error;
  const { reason } = signal;
  if (RepositoryError.is(reason) || (reason instanceof Error && reason.name !== "AbortError")) return reason;
  return new RepositoryError("cancelled", "the operation was cancelled", { cause: reason });
}
