// Puts a snapshot back: plan, then act. The data come pack by pack; a file gets its metadata when it has all its bytes, a
// directory last of all, so that a restore that was cut off leaves incomplete files private and without the snapshot's times.
import { resolve } from "node:path";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { AccountNames } from "../file-tree/account-names.ts";
import type { ApplyMetadataOptions } from "../file-tree/apply-metadata.ts";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { nativeSystemCalls } from "../file-tree/system-calls.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { makeTarget } from "../file-tree/write-node.ts";
import type { BlobId } from "../format/id.ts";
import type { RestoreDescription } from "../notes/local-notes.ts";
import type { Repository } from "../repository/repository.ts";
import { createBlobWorkerPool } from "../workers/blob-worker-pool.ts";
import type { RestoreThreads } from "./compare-file.ts";
import { findSubfolder } from "./find-subfolder.ts";
import { finishMetadata } from "./finish-metadata.ts";
import { makeDirectories } from "./make-directories.ts";
import { NewSubtrees } from "./new-subtrees.ts";
import { noteFinished } from "./note-results.ts";
import { planRestore } from "./plan-restore.ts";
import { RememberedFiles } from "./remembered-files.ts";
import type { RestoreOptions, RestoreResult } from "./restore-options.ts";
import { restorePacks } from "./restore-packs.ts";
import { fileAction, type RestorePlan } from "./restore-plan.ts";
import { RestoreReport } from "./restore-report.ts";
import { finishSubtrees, makeSubtrees, type SubtreesContext } from "./restore-subtrees.ts";
import { type Select, selectAttributes, selectEntries } from "./select-entries.ts";
import { TargetDirectories } from "./target-directories.ts";
import { TargetFiles } from "./target-files.ts";
import { verifyFiles } from "./verify-files.ts";

/** What a restore needs of an opened repository, its index read. */
export type RestoreSource = Pick<
  Repository,
  | "loadSnapshot"
  | "loadTree"
  | "prefetchTrees"
  | "loadBlob"
  | "receivePackRange"
  | "openPackFile"
  | "index"
  | "options"
  | "masterKey"
  | "version"
>;

/**
 * Restores a snapshot into a directory.
 * @param repo its index must have been read; hold a lock while this runs.
 * @returns also when single entries could not be restored: look at `failure`.
 * @throws RepositoryError "snapshot-missing", "path-missing", "pattern-malformed", "target-denied", "target-unwritable" (the
 *   target itself), "target-full", "cancelled", "worker-failed", and the errors of the store.
 */
export async function restore(repo: RestoreSource, options: RestoreOptions): Promise<RestoreResult> {
  checkOptions(options);
  const select = selectEntries(options);
  const report = new RestoreReport(options, repo.options.clock);
  const treeId = await treeOf(repo, options);
  const root = openTarget(options);
  try {
    return await withThreads(repo, options, async (threads) => {
      await new Restore({ repo, options, select, report, root, threads }).run(treeId);
      return report.result();
    });
  } finally {
    root?.close();
  }
}

interface RestoreParts {
  readonly repo: RestoreSource;
  readonly options: RestoreOptions;
  readonly select: Select;
  readonly report: RestoreReport;
  /** Undefined in a dry run whose target is not there. */
  readonly root: DirectoryHandle | undefined;
  readonly threads: RestoreThreads;
}

class Restore {
  readonly #parts: RestoreParts;
  readonly #remembered: RememberedFiles | undefined;
  #directories: TargetDirectories | undefined;
  /** New directories, as the threads make and finish them; undefined in a dry run. */
  #subtrees: SubtreesContext | undefined;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
    const { notes, dryRun } = parts.options;
    if (notes !== undefined && dryRun !== true) this.#remembered = new RememberedFiles(notes);
  }

  async run(treeId: BlobId): Promise<void> {
    const { options, report } = this.#parts;
    notePlatform(report);
    try {
      const plan = await this.#plan(treeId);
      if (options.dryRun === true) reportFiles(plan, report);
      else await this.#restoreData(plan);
      await this.#finish(plan);
      await this.#remembered?.finish();
    } finally {
      this.#remembered?.abandon();
      this.#directories?.close();
    }
  }

  #plan(treeId: BlobId): Promise<RestorePlan> {
    const { repo, options, select, report, root, threads } = this.#parts;
    return planRestore({
      repo,
      treeId,
      select,
      overwrite: options.overwrite ?? "always",
      sparse: options.sparse,
      restoreDevices: options.restoreDevices,
      finishesFiles: mayFinishFiles(options),
      threads,
      report,
      remembered: this.#remembered,
      signal: options.signal,
      openTarget: (plan) => {
        if (root !== undefined) this.#directories = new TargetDirectories(plan, root);
        return this.#directories;
      },
    });
  }

  async #restoreData(plan: RestorePlan): Promise<void> {
    const { repo, options, report, threads } = this.#parts;
    const { signal } = options;
    const directories = this.#directories as TargetDirectories;
    report.phase = "data";
    const subtrees = new NewSubtrees(plan);
    await makeDirectories({ plan, subtrees, directories, report, signal });
    this.#remembered?.begin(restoreDescription(options), plan.files.count);
    const { isRoot } = metadataOptions(options);
    const remembered = this.#remembered;
    const files = new TargetFiles(plan, directories, {
      delete: options.delete ?? false,
      isRoot,
      onFinished: (file, problems) => noteFinished(plan, report, file, problems),
      remembered,
    });
    this.#subtrees = { plan, subtrees, directories, files, threads, report, isRoot, signal };
    try {
      await makeSubtrees(this.#subtrees);
      await restorePacks({ repo, plan, files, directories, threads, report, remembered, isRoot, signal });
    } finally {
      files.close();
    }
    if (options.verify === true) {
      report.phase = "verify";
      await verifyFiles({ plan, directories, threads, report, signal });
    }
    removeIncomplete(plan, files, report);
  }

  async #finish(plan: RestorePlan): Promise<void> {
    const { repo, options, select, report } = this.#parts;
    report.phase = "metadata";
    if (this.#subtrees !== undefined) await finishSubtrees(this.#subtrees);
    await finishMetadata({
      repo,
      plan,
      directories: this.#directories,
      subtrees: this.#subtrees?.subtrees,
      select,
      overwrite: options.overwrite ?? "always",
      restoreDevices: options.restoreDevices,
      delete: options.delete ?? false,
      dryRun: options.dryRun ?? false,
      metadata: metadataOptions(options),
      report,
      remembered: this.#remembered,
      signal: options.signal,
    });
  }
}

function checkOptions(options: RestoreOptions): void {
  const hasIncludes = (options.includes?.length ?? 0) + (options.insensitiveIncludes?.length ?? 0) > 0;
  if (options.delete === true && resolve(options.target) === "/" && !hasIncludes) {
    const message = "removing what the snapshot does not have from / needs an include pattern";
    throw new RepositoryError("argument-invalid", message);
  }
  throwIfCancelled(options.signal);
}

async function treeOf(repo: RestoreSource, { snapshotId, subfolder, signal }: RestoreOptions): Promise<BlobId> {
  const { tree } = await repo.loadSnapshot(snapshotId, signal);
  return findSubfolder(repo, tree, subfolder ?? "", signal);
}

function openTarget({ target, dryRun }: RestoreOptions): DirectoryHandle | undefined {
  try {
    if (dryRun !== true) makeTarget(target);
    return DirectoryHandle.openRoot(target);
  } catch (error) {
    if (dryRun === true && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw targetError(error, `open the target ${target}`);
  }
}

async function withThreads<T>(
  repo: RestoreSource,
  { pool, threads }: RestoreOptions,
  fn: (threads: RestoreThreads) => Promise<T>,
): Promise<T> {
  if (pool !== undefined) return fn(pool);
  const own = createBlobWorkerPool(repo, threads);
  try {
    return await fn(own);
  } finally {
    await own.close();
  }
}

function metadataOptions(options: RestoreOptions): ApplyMetadataOptions {
  const selectAttribute = selectAttributes(options);
  return {
    isRoot: process.geteuid?.() === 0,
    ...(options.ownershipByName === true ? { ownershipByName: AccountNames.ofThisMachine() } : {}),
    ...(selectAttribute === undefined ? {} : { selectAttribute }),
  };
}

/** The snapshot by its id only where the whole of it, and nothing else, was asked for. */
function restoreDescription(options: RestoreOptions): RestoreDescription {
  const isWhole = (options.subfolder ?? "") === "";
  return { target: options.target, snapshotId: isWhole ? options.snapshotId : undefined };
}

/** A file that is read again must not be closed to us by its mode yet; the rest needs the whole node. */
function mayFinishFiles(options: RestoreOptions): boolean {
  return options.verify !== true && options.ownershipByName !== true && selectAttributes(options) === undefined;
}

/** Said once instead of for each file. */
function notePlatform(report: RestoreReport): void {
  if (!nativeSystemCalls.has("lsetxattr")) report.note("platform", "/", "extended attributes cannot be restored here");
  if (!nativeSystemCalls.has("utimensat")) report.note("platform", "/", "times are rounded to microseconds here");
}

/** A dry run: every file counts as done. */
function reportFiles(plan: RestorePlan, report: RestoreReport): void {
  for (let file = 0; file < plan.files.count; file++) {
    const action = plan.files.action.get(file);
    if (action !== fileAction.create && action !== fileAction.update) continue;
    const { first, end } = plan.partsOf(file);
    for (let part = first; part < end; part++) {
      if (plan.parts.isPresent.get(part) === 0) report.addBytes(plan.plaintextLength(part));
    }
    const name = action === fileAction.update ? "file updated" : "file restored";
    report.restored(name, () => plan.filePath(file), plan.files.sizeBytes.get(file));
  }
}

/** A new file that lacks some of its bytes would look like one that has them: it goes. */
function removeIncomplete(plan: RestorePlan, files: TargetFiles, report: RestoreReport): void {
  for (let file = 0; file < plan.files.count; file++) {
    if (plan.files.action.get(file) !== fileAction.failed) continue;
    try {
      files.removeIncomplete(file);
    } catch (error) {
      report.fail("entry", plan.filePath(file), targetError(error, "remove the incomplete file"));
    }
  }
}
