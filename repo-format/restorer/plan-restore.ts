// First half of a restore: looks through the snapshot and at the target, changes nothing, and says what there is to do.
import { setImmediate } from "node:timers/promises";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { type FileStat, statChild } from "../file-tree/node-metadata.ts";
import { openForReading } from "../file-tree/read-file.ts";
import { closeFile } from "../file-tree/write-node.ts";
import { plaintextLength } from "../format/blob.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { parseTime } from "../format/time.ts";
import type { Repository } from "../repository/repository.ts";
import { type BoundedTasks, withBoundedTasks } from "./bounded-tasks.ts";
import { compareFile, type RestoreThreads } from "./compare-file.ts";
import { isDamage } from "./damage.ts";
import type { OverwriteMode } from "./restore-options.ts";
import {
  type FileAction,
  fileAction,
  type PartLocation,
  RestorePlan,
  type Standing,
  shownPath,
} from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { Select } from "./select-entries.ts";
import type { TargetDirectories } from "./target-directories.ts";
import { type TreeEntry, treeEntries } from "./tree-entries.ts";
import { TreePrefetch } from "./tree-prefetch.ts";
import { zeroChunkIds } from "./zero-chunks.ts";

export interface PlanContext {
  readonly repo: Pick<Repository, "loadTree" | "index">;
  readonly treeId: BlobId;
  readonly select: Select;
  readonly overwrite: OverwriteMode;
  readonly sparse: boolean;
  readonly restoreDevices: boolean;
  readonly threads: RestoreThreads;
  readonly report: RestoreReport;
  readonly signal: AbortSignal | undefined;
  /** The target's directories; undefined when the target itself is not there. */
  readonly openTarget: (plan: RestorePlan) => TargetDirectories | undefined;
}

/** Entries between two looks at the event loop, where locks are refreshed. */
const entriesPerTurn = 2000;

/**
 * @throws RepositoryError "cancelled"; errors of the store that concern more than one directory. A directory whose tree
 *   cannot be read is reported and left out.
 */
export async function planRestore(context: PlanContext): Promise<RestorePlan> {
  const planner = new Planner(context);
  await withBoundedTasks(context.threads.threads * 2, (comparisons) => planner.run(comparisons));
  return planner.plan;
}

/** What stands in one directory of the target. */
interface StandingEntries {
  readonly directory: number;
  readonly names: ReadonlySet<string>;
}

const nothingThere: ReadonlySet<string> = new Set();

class Planner {
  readonly plan = new RestorePlan();
  readonly #context: PlanContext;
  readonly #target: TargetDirectories | undefined;
  readonly #zeroIds: ReadonlySet<BlobId>;
  /** Inode and device of files with several names → row of the first. */
  readonly #hardLinks = new Map<string, number>();
  #entryCount = 0;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#target = context.openTarget(this.plan);
    this.#zeroIds = context.sparse ? zeroChunkIds() : new Set();
    this.#addDirectory({ parent: -1, name: "", tree: context.treeId, standing: "directory", isSelected: false });
  }

  async run(comparisons: BoundedTasks): Promise<void> {
    const { repo, signal, report } = this.#context;
    const trees = new TreePrefetch(repo, signal);
    const stack = [0];
    for (let directory = stack.pop(); directory !== undefined; directory = stack.pop()) {
      throwIfCancelled(signal);
      trees.expect(
        stack
          .slice(-8)
          .reverse()
          .map((row) => this.#directory(row).tree),
      );
      const firstChild = this.plan.directories.length;
      try {
        await this.#planDirectory(directory, await trees.take(this.#directory(directory).tree), comparisons);
      } catch (error) {
        if (!isDamage(error)) throw error;
        report.fail(
          "tree",
          shownPath(this.plan.directoryPath(directory)),
          treeError(error, this.#directory(directory).tree),
        );
      }
      for (let child = this.plan.directories.length - 1; child >= firstChild; child--) {
        if (this.#directory(child).childMayBeSelected) stack.push(child);
      }
      report.progress();
    }
  }

  async #planDirectory(directory: number, tree: Buffer, comparisons: BoundedTasks): Promise<void> {
    const row = this.#directory(directory);
    row.firstDirectory = this.plan.directories.length;
    row.firstFile = this.plan.files.count;
    const standing = this.#standingIn(directory);
    const entries = treeEntries(tree, {
      directoryPath: this.plan.directoryPath(directory),
      select: this.#context.select,
      onRefused: (path, reason) => {
        this.plan.mayDelete = false;
        this.#context.report.fail("unsafe-name", shownPath(path), new RepositoryError("unsafe-name", reason));
      },
    });
    for (const entry of entries) {
      await this.#planEntry(entry, standing, comparisons);
      if (++this.#entryCount % entriesPerTurn === 0) {
        await setImmediate();
        throwIfCancelled(this.#context.signal);
      }
    }
    row.isComplete = true;
  }

  async #planEntry(entry: TreeEntry, standing: StandingEntries, comparisons: BoundedTasks): Promise<void> {
    const { node, name } = entry;
    const { report } = this.#context;
    if (entry.isSelected) this.#markNeeded(standing.directory);
    switch (node.type) {
      case "dir":
        return this.#planDirectoryEntry(entry, standing);
      case "file":
        return this.#planFile(node, name, standing, comparisons);
      case "symlink":
      case "fifo":
        return report.expect(0);
      case "dev":
      case "chardev":
        return this.#planDevice(node, this.#path(standing, name));
      default:
        report.fail(
          "entry",
          this.#path(standing, name),
          `nodes of the type ${JSON.stringify(node.type)} cannot be restored`,
        );
    }
  }

  #planDirectoryEntry({ node, name, isSelected, childMayBeSelected }: TreeEntry, standing: StandingEntries): void {
    const { report } = this.#context;
    if (node.subtree === undefined) {
      report.fail("tree", this.#path(standing, name), "the directory has no tree");
      return;
    }
    const stat = this.#standingStat(standing, name);
    const kind: Standing = stat === undefined ? "absent" : stat.isDirectory() ? "directory" : "other";
    this.#addDirectory({
      parent: standing.directory,
      name,
      tree: node.subtree,
      standing: kind,
      isSelected,
      childMayBeSelected,
    });
    if (isSelected) report.expect(0);
  }

  #planDevice(node: Node, path: string): void {
    const { report, restoreDevices } = this.#context;
    if (restoreDevices) {
      report.expect(0);
      return;
    }
    report.skippedDevices++;
    report.note("device", path, `the ${node.type === "dev" ? "block" : "character"} device was left out`);
  }

  async #planFile(node: Node, name: string, standing: StandingEntries, comparisons: BoundedTasks): Promise<void> {
    const { report } = this.#context;
    if (node.links > 1 && this.#planLink(node, name, standing.directory)) return;
    const stat = this.#standingStat(standing, name);
    if (stat !== undefined && !this.#mayOverwrite(node, stat)) {
      this.plan.addFile(standing.directory, name, node.size, fileAction.skip);
      report.skipped(this.#path(standing, name), node.size);
      return;
    }
    const isRegular = stat?.isFile() === true;
    const file = this.#addFile(node, name, standing, isRegular ? fileAction.update : fileAction.create);
    if (file === undefined) return;
    if (!isRegular) return this.#expectNew(file);
    const sizeBytes = this.plan.files.sizeBytes.get(file);
    const isEqualSize = stat.size === BigInt(sizeBytes);
    if (this.#context.overwrite === "if-changed" && isEqualSize && isSameTime(node, stat)) return this.#keep(file);
    await comparisons.start(() => this.#compare(file, stat, isEqualSize));
  }

  /** @returns true when the node is a further name of a file that comes before. */
  #planLink(node: Node, name: string, directory: number): boolean {
    const key = `${node.inode}:${node.deviceId}`;
    const first = this.#hardLinks.get(key);
    if (first === undefined) {
      this.#hardLinks.set(key, this.plan.files.count);
      return false;
    }
    const file = this.plan.addFile(directory, name, 0, fileAction.link);
    this.plan.files.linkTo.set(file, first);
    this.#context.report.expect(0);
    return true;
  }

  #mayOverwrite(node: Node, stat: FileStat): boolean {
    const { overwrite } = this.#context;
    if (overwrite === "never") return false;
    return overwrite !== "if-newer" || parseTime(node.mtime).unixNs > stat.mtimeNs;
  }

  /** Adds the file with all its parts. @returns undefined when one of them is not in the repository. */
  #addFile(node: Node, name: string, standing: StandingEntries, action: FileAction): number | undefined {
    const { report } = this.#context;
    const locations: PartLocation[] = [];
    for (const id of node.content ?? []) {
      const location = this.#context.repo.index.lookup({ type: "data", id })[0];
      if (location === undefined) {
        this.plan.addFile(standing.directory, name, node.size, fileAction.failed);
        report.expect(node.size);
        report.fail("data", this.#path(standing, name), blobMissing(id));
        return undefined;
      }
      locations.push(location);
    }
    const sizeBytes = locations.reduce((sum, location) => sum + plaintextLength(location), 0);
    if (sizeBytes !== node.size) {
      const message = `its content has ${sizeBytes} bytes, the snapshot says ${node.size}; the content was taken`;
      report.note("data", this.#path(standing, name), message);
    }
    const file = this.plan.addFile(standing.directory, name, sizeBytes, action);
    let fileOffset = 0;
    for (const [index, location] of locations.entries()) {
      this.plan.addPart((node.content as readonly BlobId[])[index] as BlobId, location, fileOffset);
      fileOffset += plaintextLength(location);
    }
    return file;
  }

  async #compare(file: number, stat: FileStat, isEqualSize: boolean): Promise<void> {
    const { plan } = this;
    const equal = await this.#equalParts(file);
    const { first, end } = plan.partsOf(file);
    if (isEqualSize && equal.length === end - first) {
      this.#keep(file);
      return;
    }
    // Nobody knows which other names the file has: they must not change with it.
    if (stat.nlink > 1n) {
      plan.files.action.set(file, fileAction.create);
      this.#expectNew(file);
      return;
    }
    this.#context.report.expect(plan.files.sizeBytes.get(file));
    for (const part of equal) this.#presentPart(part);
  }

  /** Parts that are right on disk; none when the file cannot be read. */
  async #equalParts(file: number): Promise<number[]> {
    const { plan } = this;
    const equal: number[] = [];
    let fd: number | undefined;
    try {
      const directory = this.#target?.open(plan.files.directory.get(file));
      if (directory === undefined) return [];
      fd = openForReading(directory, Buffer.from(plan.files.names[file] as string, "latin1")).fd;
      const onPart = (part: number, isEqual: boolean): void => void (isEqual && equal.push(part));
      await compareFile(this.#context.threads, { plan, file, fd }, onPart, this.#context.signal);
      return equal;
    } catch (error) {
      if (fd !== undefined) throw error;
      // It cannot be opened for reading: it is written anew.
      return [];
    } finally {
      if (fd !== undefined) closeFile(fd);
    }
  }

  #expectNew(file: number): void {
    this.#context.report.expect(this.plan.files.sizeBytes.get(file));
    if (this.#zeroIds.size === 0) return;
    const { first, end } = this.plan.partsOf(file);
    for (let part = first; part < end; part++) {
      // A new sparse file is one hole: its zeros are there.
      if (this.#zeroIds.has(this.plan.part(part).id)) this.#presentPart(part);
    }
  }

  #presentPart(part: number): void {
    this.plan.markPresent(part);
    this.#context.report.addBytes(this.plan.plaintextLength(part));
  }

  #keep(file: number): void {
    const { first, end } = this.plan.partsOf(file);
    this.plan.files.action.set(file, fileAction.keep);
    for (let part = first; part < end; part++) this.plan.markPresent(part);
    this.#context.report.skipped(this.plan.filePath(file), this.plan.files.sizeBytes.get(file));
  }

  #standingIn(directory: number): StandingEntries {
    const row = this.#directory(directory);
    if (this.#target === undefined || row.standing !== "directory") return { directory, names: nothingThere };
    try {
      return { directory, names: new Set(this.#target.open(directory).readLatin1Names()) };
    } catch (error) {
      row.isBlocked = true;
      this.#context.report.fail("entry", shownPath(this.plan.directoryPath(directory)), error);
      return { directory, names: nothingThere };
    }
  }

  #standingStat({ directory, names }: StandingEntries, name: string): FileStat | undefined {
    if (!names.has(name) || this.#target === undefined) return undefined;
    try {
      return statChild(this.#target.open(directory), Buffer.from(name, "latin1"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #addDirectory(
    row: { parent: number; name: string; tree: BlobId; standing: Standing; isSelected: boolean } & {
      childMayBeSelected?: boolean;
    },
  ): void {
    this.plan.directories.push({
      childMayBeSelected: true,
      ...row,
      isNeeded: row.isSelected,
      firstDirectory: 0,
      firstFile: 0,
      isComplete: false,
      isBlocked: false,
    });
  }

  #markNeeded(directory: number): void {
    for (let row = this.plan.directories[directory]; row !== undefined && !row.isNeeded; ) {
      row.isNeeded = true;
      row = this.plan.directories[row.parent];
    }
  }

  #directory(directory: number): RestorePlan["directories"][number] {
    const row = this.plan.directories[directory];
    if (row === undefined) throw new Error(`bug: no directory ${directory}`);
    return row;
  }

  #path({ directory }: StandingEntries, name: string): string {
    return shownPath(`${this.plan.directoryPath(directory)}/${name}`);
  }
}

function isSameTime(node: Node, stat: FileStat): boolean {
  return parseTime(node.mtime).unixNs === stat.mtimeNs;
}

function treeError(error: RepositoryError, tree: BlobId): RepositoryError {
  const { code, message, details } = error;
  return new RepositoryError(code, `the tree ${tree} cannot be read: ${message}`, { details, cause: error });
}

function blobMissing(id: BlobId): RepositoryError {
  return new RepositoryError("blob-missing", `the data blob ${id} is in no index file`, { details: { blob: id } });
}
