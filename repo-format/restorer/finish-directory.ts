// Finishes one directory of a restore. The entries come in the same order and by the same decisions as when the plan was
// made, so the plan's rows of this directory are met one after the other.
import { setImmediate } from "node:timers/promises";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { type ApplyMetadataOptions, applyMetadata } from "../file-tree/apply-metadata.ts";
import type { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { statChild } from "../file-tree/node-metadata.ts";
import { removeChild } from "../file-tree/remove.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { makeHardLink, makeSpecial, makeSymlink } from "../file-tree/write-node.ts";
import type { NodeType } from "../format/node.ts";
import { parseTime } from "../format/time.ts";
import { directoryMark, type Standing } from "./directory-table.ts";
import type { NewSubtrees } from "./new-subtrees.ts";
import type { RememberedFiles } from "./remembered-files.ts";
import { removeUnexpected } from "./remove-unexpected.ts";
import type { ItemAction, OverwriteMode } from "./restore-options.ts";
import { fileAction, type RestorePlan, shownPath } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { Select } from "./select-entries.ts";
import type { TargetDirectories } from "./target-directories.ts";
import { type TreeEntry, treeEntries } from "./tree-entries.ts";
import type { TreeSource } from "./tree-prefetch.ts";

export interface FinishContext {
  readonly repo: TreeSource;
  readonly plan: RestorePlan;
  /** Undefined in a dry run whose target is not there. */
  readonly directories: TargetDirectories | undefined;
  /** Undefined in a dry run. */
  readonly subtrees?: Pick<NewSubtrees, "isFinished"> | undefined;
  readonly select: Select;
  readonly overwrite: OverwriteMode;
  readonly restoreDevices: boolean;
  readonly delete: boolean;
  /** Everything is reported, nothing is changed. */
  readonly dryRun: boolean;
  readonly metadata: ApplyMetadataOptions;
  readonly report: RestoreReport;
  readonly remembered?: Pick<RememberedFiles, "finishFile"> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** S_IFMT bits. */
const specialTypes: Partial<Record<NodeType, number>> = { fifo: 0o010000, chardev: 0o020000, dev: 0o060000 };

const entriesPerTurn = 500;

export class DirectoryFinisher {
  readonly #context: FinishContext;
  readonly #standing: Standing;
  readonly #number: number;
  readonly #path: string;
  #nextDirectory: number;
  #nextFile: number;

  constructor(context: FinishContext, number: number) {
    const { directories } = context.plan;
    this.#context = context;
    this.#standing = directories.standing(number);
    this.#number = number;
    this.#path = context.plan.directoryPath(number);
    this.#nextDirectory = directories.firstDirectory.get(number);
    this.#nextFile = directories.firstFile.get(number);
  }

  /** @throws RepositoryError "tree-malformed", "target-full", "cancelled". */
  async finish(tree: Buffer): Promise<void> {
    const { select, signal } = this.#context;
    let count = 0;
    for (const entry of treeEntries(tree, { directoryPath: this.#path, select })) {
      this.#attempt(entry, () => this.#finishEntry(entry));
      if (++count % entriesPerTurn === 0) {
        await setImmediate();
        throwIfCancelled(signal);
      }
    }
    this.#removeUnexpected(tree);
  }

  #finishEntry(entry: TreeEntry): void {
    const { type, linkTarget } = entry.node;
    if (type === "dir") this.#finishSubdirectory(entry);
    else if (type === "file") this.#finishFile(entry, this.#nextFile++);
    else if (type === "symlink") {
      this.#makeOther(entry, (directory, name) => makeSymlink(directory, name, linkTarget ?? Buffer.alloc(0)));
    } else if (type === "fifo" || this.#context.restoreDevices) this.#makeSpecial(entry);
  }

  #finishSubdirectory(entry: TreeEntry): void {
    if (entry.node.subtree === undefined) return;
    const { plan, subtrees } = this.#context;
    const { directories } = plan;
    const row = this.#nextDirectory++;
    // A damaged tree may have ended before it came here when the plan was made.
    const isPlanned = row < directories.count && directories.is(row, directoryMark.needed);
    if (!isPlanned || directories.is(row, directoryMark.blocked) || subtrees?.isFinished(row) === true) return;
    const isRight = this.#applyMetadata(entry);
    if (isRight && entry.isSelected) this.#restored("dir restored", entry);
  }

  #finishFile(entry: TreeEntry, file: number): void {
    switch (this.#context.plan.files.action.get(file)) {
      case fileAction.create:
      case fileAction.update:
      case fileAction.keep:
        this.#finishContent(entry, file);
        return;
      case fileAction.link:
        this.#makeLink(entry, this.#context.plan.files.linkTo.get(file) as number);
        return;
      default:
        // Skipped files are not touched; failed ones must not look complete.
        return;
    }
  }

  #finishContent(entry: TreeEntry, file: number): void {
    const { remembered } = this.#context;
    const apply = (): boolean => this.#applyMetadata(entry);
    if (remembered === undefined) apply();
    else remembered.finishFile(file, entry.node, { directory: () => this.#directory(), apply });
  }

  #makeSpecial(entry: TreeEntry): void {
    const { type, device } = entry.node;
    const statType = specialTypes[type];
    // Other types were reported when the plan was made.
    if (statType === undefined) return;
    this.#makeOther(entry, (directory, name) => makeSpecial(directory, name, statType, type === "fifo" ? 0n : device));
  }

  #makeLink(entry: TreeEntry, first: number): void {
    const { plan, directories } = this.#context;
    if (plan.files.action.get(first) === fileAction.failed) {
      throw new RepositoryError(
        "target-unwritable",
        `the file that it is a name of, ${plan.filePath(first)}, has failed`,
      );
    }
    this.#makeOther(entry, (directory, name) => {
      const firstDirectory = plan.files.directory.get(first);
      const firstName = plan.files.names.bytes(first);
      if (firstDirectory === this.#number) return makeHardLink({ directory, name: firstName }, directory, name);
      // Opening the second directory may close the first: it is kept by a handle of its own.
      const here = directory.duplicate();
      try {
        const there = directories?.open(firstDirectory) ?? here;
        makeHardLink({ directory: there, name: firstName }, here, name);
      } finally {
        here.close();
      }
    });
  }

  /** Makes what is not a file with data: removes what stands there, creates, sets metadata. */
  #makeOther(entry: TreeEntry, create: (directory: DirectoryHandle, name: Buffer) => void): void {
    const { dryRun, delete: mayDelete } = this.#context;
    if (!this.#mayOverwrite(entry)) {
      this.#context.report.skipped(this.#shown(entry), 0);
      return;
    }
    if (!dryRun) {
      const { name } = entry.node;
      // Nothing can stand in a directory that this restore has made.
      if (this.#standing === "directory") removeChild(this.#directory(), name, { recursive: mayDelete });
      create(this.#directory(), name);
    }
    if (this.#applyMetadata(entry)) this.#restored("other restored", entry);
  }

  #mayOverwrite({ node }: TreeEntry): boolean {
    const { overwrite } = this.#context;
    if (overwrite === "always" || overwrite === "if-changed" || this.#standing !== "directory") return true;
    const standing = this.#standingMtime(node.name);
    if (standing === undefined) return true;
    return overwrite === "if-newer" && parseTime(node.mtime).unixNs > standing;
  }

  #standingMtime(name: Buffer): bigint | undefined {
    if (this.#context.directories === undefined) return undefined;
    try {
      return statChild(this.#directory(), name).mtimeNs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** @returns true when everything was set that this user can set. */
  #applyMetadata(entry: TreeEntry): boolean {
    const { dryRun, metadata, report } = this.#context;
    if (dryRun) return true;
    let isRight = true;
    for (const problem of applyMetadata(this.#directory(), entry.node.name, entry.node, metadata)) {
      if (problem.isError) isRight = false;
      if (problem.isError) report.fail("metadata", this.#shown(entry), problem.message);
      else report.note("metadata", this.#shown(entry), problem.message);
    }
    return isRight;
  }

  #removeUnexpected(tree: Buffer): void {
    const { plan, report, select, dryRun, signal, directories } = this.#context;
    const isKnown =
      plan.directories.is(this.#number, directoryMark.complete) && plan.mayDelete && this.#standing === "directory";
    if (!this.#context.delete || !isKnown || directories === undefined) return;
    try {
      const path = this.#path;
      removeUnexpected(this.#directory(), tree, { directoryPath: path, select, dryRun, report, signal });
    } catch (error) {
      throwIfCancelled(signal);
      report.fail("entry", shownPath(this.#path), targetError(error, "list the directory"));
    }
  }

  /** The directory; valid until another one is opened. */
  #directory(): DirectoryHandle {
    if (this.#context.directories === undefined) throw new Error("bug: there is no target");
    return this.#context.directories.open(this.#number);
  }

  #attempt(entry: TreeEntry, action: () => void): void {
    try {
      action();
    } catch (error) {
      const failure = targetError(error, `restore the ${entry.node.type}`);
      if (failure.code === "target-full") throw failure;
      this.#context.report.fail("entry", this.#shown(entry), failure);
    }
  }

  #restored(action: ItemAction, entry: TreeEntry): void {
    this.#context.report.restored(action, () => this.#shown(entry), 0);
  }

  #shown({ name }: TreeEntry): string {
    return shownPath(`${this.#path}/${name}`);
  }
}
