// Brings the data: each range of a pack is fetched once, whatever number of files shares it, and goes to the worker threads
// still sealed. A blob that cannot be had costs the files that need it, never the others.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { closeOpened } from "../file-tree/opened-file.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { writeAt } from "../file-tree/write-node.ts";
import { freeMemory } from "../native/free-memory.ts";
import type { Repository } from "../repository/repository.ts";
import { identityOf, type NewFiles } from "../workers/new-files.ts";
import { type UnfinishedFile, type WriteFailure, type WriteResult, writeColumns } from "../workers/restore-task.ts";
import { allEnded, Slots, withBoundedTasks } from "./bounded-tasks.ts";
import type { RestoreThreads } from "./compare-file.ts";
import { isDamage } from "./damage.ts";
import { noteComplete, noteFinished } from "./note-results.ts";
import { defaultRangeLimits, type PackRange, packRanges } from "./pack-ranges.ts";
import { type ReceiveMemory, withReceiveMemory } from "./receive-memory.ts";
import type { RememberedFiles } from "./remembered-files.ts";
import { fileAction, type RestorePlan } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { TargetDirectories } from "./target-directories.ts";
import type { TargetFiles } from "./target-files.ts";
import { type TaskTarget, TaskTargets } from "./task-targets.ts";
import {
  emptyBatches,
  emptyFilesTask,
  type FetchedTargets,
  type WriteBatch,
  writeBatches,
  writeTask,
} from "./write-batches.ts";

export interface RestorePacksContext {
  readonly repo: Pick<Repository, "receivePackRange" | "openPackFile" | "loadBlob" | "index">;
  readonly plan: RestorePlan;
  readonly files: TargetFiles;
  readonly directories: TargetDirectories;
  readonly threads: RestoreThreads;
  readonly report: RestoreReport;
  readonly remembered?: Pick<RememberedFiles, "isDone"> | undefined;
  /** See applyPlainMetadata. */
  readonly isRoot: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Ranges that are being fetched or written; their bytes are bounded by the budget of the threads. */
const maxRangesUnderWay = 16;

/**
 * Requests that the budget has room for: with fewer and longer ones a store far away is waited for. 100 files of 1 MB from S3
 * with 100 ms added to each request took 3.4 s with six, 4.6 s with two.
 */
const rangesAhead = 8;

/** Each has up to 64 files or directories open: together they stay below the 1,024 that a process may have by default. */
const maxTasksUnderWay = 12;

/**
 * Writes all data of the plan.
 * @throws RepositoryError "target-full", "cancelled", "worker-failed", and errors of the store that concern more than one
 *   pack. Nothing is under way any more then, so that the files may be closed.
 */
export function restorePacks(context: RestorePacksContext): Promise<void> {
  return new PackRestorer(context).run();
}

class PackRestorer {
  readonly #context: RestorePacksContext;
  /** Bounds the descriptors in use as well as the copies of sealed bytes. */
  readonly #slots: Slots;
  /** An error that ends the restore was met: what is under way ends, nothing new begins. */
  #isEnding = false;

  constructor(context: RestorePacksContext) {
    this.#context = context;
    this.#slots = new Slots(Math.min(context.threads.threads * 2, maxTasksUnderWay));
  }

  async run(): Promise<void> {
    await this.#restoreFilesWithoutData();
    await withReceiveMemory(this.#context.threads.budget, (memory) => this.#restoreRanges(memory));
  }

  async #restoreRanges(memory: ReceiveMemory): Promise<void> {
    const { plan, signal } = this.#context;
    const { budget } = memory;
    const maxRangeBytes = Math.min(defaultRangeLimits.maxRangeBytes, Math.floor(budget.limitBytes / rangesAhead));
    await withBoundedTasks(maxRangesUnderWay, async (ranges) => {
      for (const range of packRanges(plan, { ...defaultRangeLimits, maxRangeBytes })) {
        await budget.acquire(range.length, signal);
        try {
          await ranges.start(() => this.#restoreRange(range, memory).finally(() => budget.release(range.length)));
        } catch (error) {
          budget.release(range.length);
          throw error;
        }
      }
    });
  }

  /** Empty files that were not made with their directory, files that only get shorter, and those that are nothing but a hole. */
  async #restoreFilesWithoutData(): Promise<void> {
    const { plan, files, signal } = this.#context;
    const empty: number[] = [];
    for (let file = 0; file < plan.files.count; file++) {
      const action = plan.files.action.get(file);
      const isWritten = action === fileAction.create || action === fileAction.update;
      if (!isWritten || plan.files.pendingParts.get(file) > 0) continue;
      throwIfCancelled(signal);
      if (!files.isUntouched(file)) continue;
      if (plan.isMadeAtOnce(file)) empty.push(file);
      else this.#restoreHere(file);
    }
    await withBoundedTasks(maxRangesUnderWay, async (tasks) => {
      for (const batch of emptyBatches(plan, empty))
        await tasks.start(() => this.#slots.run(() => this.#makeEmpty(batch)));
    });
  }

  #restoreHere(file: number): void {
    if (this.#acquire(file) === undefined) return;
    this.#context.files.release(file);
    this.#complete(file);
  }

  async #makeEmpty(batch: readonly number[]): Promise<void> {
    await this.#runTask(
      batch.map((file) => [-1, file] as const),
      ({ list }, newFiles) => ({
        task: emptyFilesTask(list, newFiles as NewFiles),
        transfer: [],
      }),
    );
  }

  async #restoreRange(range: PackRange, memory: ReceiveMemory): Promise<void> {
    const { report, repo, signal } = this.#context;
    try {
      throwIfCancelled(signal);
      report.requests++;
      report.requestBytes += range.length;
      const fd = repo.openPackFile(range.packId, range.length);
      if (fd !== undefined) return await this.#writeFromFile(range, fd).finally(() => closeOpened(fd));
      await this.#fetchAndWrite(range, memory);
    } catch (error) {
      this.#isEnding = true;
      throw error;
    }
  }

  async #writeFromFile(range: PackRange, fd: number): Promise<void> {
    const batches = [...writeBatches(this.#context.plan, range.parts)];
    await allEnded(batches.map((parts) => this.#slots.run(() => this.#writeBatch({ range, sealed: fd }, parts))));
  }

  async #fetchAndWrite(range: PackRange, memory: ReceiveMemory): Promise<void> {
    const { repo, signal } = this.#context;
    const into = memory.take(range.length);
    const sealed = await repo.receivePackRange(range, into, signal).catch((error: unknown) => {
      memory.give(into);
      if (!isDamage(error)) throw error;
      return error;
    });
    if (!Buffer.isBuffer(sealed)) return await this.#recover(range.parts, sealed);
    const isReceived = sealed.buffer === into.buffer;
    if (!isReceived) memory.give(into);
    const left = await this.#writeFetched(range, sealed);
    if (isReceived) memory.give(left as Uint8Array<ArrayBuffer>);
    else freeMemory(left);
  }

  /**
   * What is for one task goes to it as it is; for several it is copied.
   * @returns the memory, which may have been to another thread.
   */
  async #writeFetched(range: PackRange, sealed: Buffer): Promise<Uint8Array> {
    const batches = [...writeBatches(this.#context.plan, range.parts, range.length)];
    const isOwn = batches.length === 1;
    const write = (parts: Uint32Array): Promise<WriteResult | undefined> =>
      this.#slots.run(() => this.#writeBatch({ range, sealed, isOwn }, parts));
    const [result] = await allEnded(batches.map(write));
    return result?.sealed ?? sealed;
  }

  async #writeBatch(fetched: Omit<FetchedTargets, "targets">, parts: Uint32Array): Promise<WriteResult | undefined> {
    const { plan } = this.#context;
    const places = Array.from(parts, (part) => [part, this.#fileOf(part)] as const);
    return await this.#runTask(places, ({ list }, newFiles) =>
      writeTask(plan, { ...fetched, targets: list, newFiles }),
    );
  }

  async #runTask(places: readonly Place[], taskOf: TaskOf): Promise<WriteResult | undefined> {
    if (this.#isEnding) return undefined;
    const { threads, report, remembered, isRoot, signal } = this.#context;
    throwIfCancelled(signal);
    const targets = this.#openTargets(places);
    let result: WriteResult;
    try {
      if (targets.list.length === 0) return undefined;
      const { task, transfer } = taskOf(targets, targets.newFiles({ isRoot, isIdentified: remembered !== undefined }));
      result = (await threads.restoreBlobs(task, transfer)) as WriteResult;
      await this.#settle(targets.list, task.writes, result);
    } catch (error) {
      this.#isEnding = true;
      throw error;
    } finally {
      targets.release();
    }
    report.progress();
    return result;
  }

  /** Opens what the parts need; files that cannot be opened have failed. */
  #openTargets(places: readonly Place[]): TaskTargets {
    const { plan, files, directories } = this.#context;
    const targets = new TaskTargets(plan, files, directories);
    try {
      for (const [part, file] of places) {
        if (plan.files.action.get(file) !== fileAction.failed) this.#attempt(file, () => targets.add(part, file));
      }
      return targets;
    } catch (error) {
      targets.release();
      throw error;
    }
  }

  #acquire(file: number): number | undefined {
    return this.#attempt(file, () => this.#context.files.acquire(file));
  }

  /** @throws RepositoryError "target-full": no other file will fit either. */
  #attempt<T>(file: number, open: () => T): T | undefined {
    try {
      return open();
    } catch (error) {
      const failure = targetError(error, "open the file");
      if (failure.code === "target-full") throw this.#full(file, failure);
      this.#fail(file, failure, "entry");
      return undefined;
    }
  }

  async #settle(targets: readonly TaskTarget[], writes: Float64Array, result: WriteResult): Promise<void> {
    const damagedBlobs = new Map<number, WriteFailure>();
    const failedWrites = new Map<number, WriteFailure>();
    for (const failure of result.failures) {
      if (failure.write < 0) damagedBlobs.set(failure.blob, failure);
      else failedWrites.set(failure.write, failure);
    }
    const unfinished = new Map(result.unfinished.map((made) => [made.write, made]));
    const again: TaskTarget[] = [];
    let reason: RepositoryError | undefined;
    for (const [write, target] of targets.entries()) {
      const damaged = damagedBlobs.get(writes[write * writeColumns] as number);
      const failed = failedWrites.get(write);
      const error = (damaged ?? failed)?.error;
      if (target.fd < 0 && (error === undefined || failed?.isMade === true)) this.#context.files.noteMade(target.file);
      if (error === undefined) this.#targetDone(target, unfinished.get(write), result.identities);
      else if (damaged !== undefined || isInTheWay(failed)) {
        again.push(target);
        reason = RepositoryError.fromJSON(error);
      } else this.#failWrite(target.file, RepositoryError.fromJSON(error));
    }
    if (reason !== undefined) await this.#tryAgain(again, reason);
  }

  #targetDone(
    { part, file, fd }: TaskTarget,
    made: UnfinishedFile | undefined,
    identities: BigInt64Array | undefined,
  ): void {
    const { plan, report, remembered } = this.#context;
    if (fd < 0 && made?.isFinished !== false) noteFinished(plan, report, file, made?.problems ?? []);
    if (fd < 0 && made === undefined && identities !== undefined) {
      remembered?.isDone(file, identityOf(identities, -1 - fd), plan.contentOf(file));
    }
    if (part < 0) this.#complete(file);
    else this.#partDone(part);
  }

  /** In this thread, which removes what stands in a file's place, with the blobs by themselves. */
  async #tryAgain(targets: readonly TaskTarget[], reason: RepositoryError): Promise<void> {
    for (const { part, file } of targets) if (part < 0) this.#restoreHere(file);
    const parts = targets.map(({ part }) => part).filter((part) => part >= 0);
    await this.#recover(parts, reason);
  }

  /** Tries other copies of blobs that could not be had, and the same place once more where bytes may be lost on the way. */
  async #recover(parts: Iterable<number>, damage: RepositoryError): Promise<void> {
    const { plan, repo, signal } = this.#context;
    let lastId: string | undefined;
    let blob: Buffer | RepositoryError = damage;
    for (const part of parts) {
      const { id, file, fileOffset } = plan.part(part);
      if (plan.files.action.get(file) === fileAction.failed) continue;
      if (id !== lastId) {
        const handle = { type: "data", id } as const;
        const isHopeless = damage.code === "pack-missing" && repo.index.lookup(handle).length < 2;
        blob = isHopeless ? damage : await repo.loadBlob(handle, signal).catch(damageOnly);
        lastId = id;
      }
      if (Buffer.isBuffer(blob)) this.#writeHere(part, { file, fileOffset }, blob);
      else this.#fail(file, blob, "data");
    }
  }

  /** The rare case: a blob that came by itself is written by this thread. */
  #writeHere(part: number, { file, fileOffset }: { file: number; fileOffset: number }, blob: Buffer): void {
    const { files } = this.#context;
    const fd = this.#acquire(file);
    if (fd === undefined) return;
    try {
      writeAt(fd, blob, fileOffset, { sparse: files.isSparse(file) });
      this.#partDone(part);
    } catch (error) {
      this.#failWrite(file, targetError(error, `write ${blob.length} bytes at offset ${fileOffset}`));
    } finally {
      files.release(file);
    }
  }

  #partDone(part: number): void {
    const { plan, report } = this.#context;
    const file = this.#fileOf(part);
    plan.files.pendingParts.add(file, -1);
    report.addBytes(plan.plaintextLength(part));
    const isComplete = plan.files.pendingParts.get(file) === 0 && plan.files.action.get(file) !== fileAction.failed;
    if (isComplete) this.#complete(file);
  }

  #complete(file: number): void {
    noteComplete(this.#context.plan, this.#context.report, file);
  }

  #failWrite(file: number, error: RepositoryError): void {
    if (error.code === "target-full") throw this.#full(file, error);
    this.#fail(file, error, "entry");
  }

  /** Once for each file, whatever number of its parts is concerned. */
  #fail(file: number, error: RepositoryError, kind: "data" | "entry"): void {
    const { plan, report } = this.#context;
    if (plan.files.action.get(file) === fileAction.failed) return;
    plan.files.action.set(file, fileAction.failed);
    report.fail(kind, plan.filePath(file), error);
  }

  #full(file: number, error: RepositoryError): RepositoryError {
    const path = this.#context.plan.filePath(file);
    return new RepositoryError("target-full", `the target is full: ${path}: ${error.message}`, {
      details: { path },
      cause: error,
    });
  }

  #fileOf(part: number): number {
    return this.#context.plan.parts.file.get(part);
  }
}

type Place = readonly [part: number, file: number];
type TaskOf = (targets: TaskTargets, newFiles: NewFiles | undefined) => WriteBatch;

/** Something was put where the plan saw nothing. */
function isInTheWay(failure: WriteFailure | undefined): boolean {
  return failure?.isMade === false && failure.error.details?.errno === "EEXIST";
}

function damageOnly(error: unknown): RepositoryError {
  if (isDamage(error)) return error;
  throw error;
}
