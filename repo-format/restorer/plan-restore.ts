// First half of a restore: looks through the snapshot and at the target, changes nothing, and says what there is to do.
import { setImmediate } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { plainMetadataOf } from "../file-tree/plain-metadata.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { type BoundedTasks, withBoundedTasks } from "./bounded-tasks.ts";
import { isDamage } from "./damage.ts";
import { directoryMark } from "./directory-table.ts";
import { FilePlanner, type FilePlannerContext } from "./plan-files.ts";
import { RestorePlan, shownPath } from "./restore-plan.ts";
import type { Select } from "./select-entries.ts";
import { StandingEntries } from "./standing-entries.ts";
import type { TargetDirectories } from "./target-directories.ts";
import { type TreeEntry, treeEntries } from "./tree-entries.ts";
import { TreePrefetch, type TreeSource } from "./tree-prefetch.ts";

export interface PlanContext extends FilePlannerContext {
  readonly repo: TreeSource;
  readonly treeId: BlobId;
  readonly select: Select;
  readonly restoreDevices: boolean;
  /** The target's directories; undefined when the target itself is not there. */
  readonly openTarget: (plan: RestorePlan) => TargetDirectories | undefined;
}

/** Entries between two looks at the event loop, where locks are refreshed. */
const entriesPerTurn = 2000;
/** What rows take, about, with their names. They do not lie on the heap, but its limit tells how much memory there is. */
const directoryBytes = 90;
const fileBytes = 70;
/** The plan may take so much of the old objects' part; V8 counts the young ones' to its limit, too. */
const heapShare = 0.75;
const youngBytes: number = 192 * 1024 * 1024;

/**
 * @throws RepositoryError "cancelled"; errors of the store that concern more than one directory. A directory whose tree
 *   cannot be read is reported and left out.
 */
export async function planRestore(context: PlanContext): Promise<RestorePlan> {
  const planner = new Planner(context);
  await withBoundedTasks(context.threads.threads * 2, (comparisons) => planner.run(comparisons));
  return planner.plan;
}

class Planner {
  readonly plan = new RestorePlan();
  readonly #context: PlanContext;
  readonly #target: TargetDirectories | undefined;
  readonly #files: FilePlanner;
  #entryCount = 0;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#target = context.openTarget(this.plan);
    this.#files = new FilePlanner(context, this.plan, this.#target);
    this.plan.directories.add({
      parent: -1,
      name: "",
      tree: context.treeId,
      standing: "directory",
      isSelected: false,
      childMayBeSelected: true,
    });
  }

  /** Depth first, so that files come in the order in which a backup has stored them. */
  async run(comparisons: BoundedTasks): Promise<void> {
    const { repo, signal, report } = this.#context;
    const { directories } = this.plan;
    const trees = new TreePrefetch(repo, signal);
    const stack = [0];
    for (let directory = stack.pop(); directory !== undefined; directory = stack.pop()) {
      throwIfCancelled(signal);
      const tree = directories.tree(directory);
      trees.expect((count) => this.#nextTrees(tree, stack, count));
      const firstChild = directories.count;
      try {
        await this.#planDirectory(directory, await trees.take(tree), comparisons);
      } catch (error) {
        if (!isDamage(error)) throw error;
        report.fail("tree", this.#shown(directory), treeError(error, tree));
      }
      for (let child = directories.count - 1; child >= firstChild; child--) {
        if (directories.is(child, directoryMark.childMayBeSelected)) stack.push(child);
      }
      report.progress();
    }
  }

  #nextTrees(current: BlobId, stack: readonly number[], count: number): BlobId[] {
    const next = count > 1 ? stack.slice(1 - count).reverse() : [];
    return [current, ...next.map((row) => this.plan.directories.tree(row))];
  }

  async #planDirectory(directory: number, tree: Buffer, comparisons: BoundedTasks): Promise<void> {
    const { directories } = this.plan;
    const { select, report, signal } = this.#context;
    directories.firstDirectory.set(directory, directories.count);
    directories.firstFile.set(directory, this.plan.files.count);
    const standing = this.#standingIn(directory);
    const onRefused = (path: string, reason: string): void => {
      this.plan.mayDelete = false;
      report.fail("unsafe-name", shownPath(path), new RepositoryError("unsafe-name", reason));
    };
    for (const entry of treeEntries(tree, { directoryPath: this.plan.directoryPath(directory), select, onRefused })) {
      if (entry.isSelected) this.#markNeeded(directory);
      if (entry.node.type === "file") await this.#files.plan(entry.node, entry.name, standing, comparisons);
      else this.#planOther(entry, standing);
      if (++this.#entryCount % entriesPerTurn !== 0) continue;
      await setImmediate();
      throwIfCancelled(signal);
      refuseWithoutMemory(this.plan);
    }
    directories.mark(directory, directoryMark.complete);
  }

  #planOther(entry: TreeEntry, standing: StandingEntries): void {
    const { type } = entry.node;
    const { report } = this.#context;
    if (type !== "dir") this.plan.directories.mark(standing.directory, directoryMark.hasOthers);
    if (type === "dir") this.#planSubdirectory(entry, standing);
    else if (type === "symlink" || type === "fifo") report.expect(0);
    else if (type === "dev" || type === "chardev")
      this.#planDevice(entry.node, this.#shown(standing.directory, entry.name));
    else
      report.fail("entry", this.#shown(standing.directory, entry.name), `a node of type "${type}" cannot be restored`);
  }

  #planSubdirectory(entry: TreeEntry, standing: StandingEntries): void {
    const { name, isSelected, childMayBeSelected, node } = entry;
    if (node.subtree === undefined) {
      this.#context.report.fail("tree", this.#shown(standing.directory, name), "the directory has no tree");
      return;
    }
    const stands = standing.standing(name);
    const isPlain = this.#context.finishesFiles && stands !== "directory";
    const metadata = isPlain ? plainMetadataOf(node) : undefined;
    if (metadata === undefined) this.plan.directories.mark(standing.directory, directoryMark.hasOthers);
    const tree = node.subtree;
    const parent = standing.directory;
    const { directories } = this.plan;
    const row = directories.add({ parent, name, tree, standing: stands, isSelected, childMayBeSelected });
    if (metadata !== undefined) directories.metadata.set(row, metadata);
    if (isSelected) this.#context.report.expect(0);
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

  #standingIn(directory: number): StandingEntries {
    try {
      return StandingEntries.of(this.plan, this.#target, directory);
    } catch (error) {
      this.plan.directories.mark(directory, directoryMark.blocked);
      this.#context.report.fail("entry", this.#shown(directory), error);
      return StandingEntries.none(directory);
    }
  }

  #markNeeded(directory: number): void {
    const { directories } = this.plan;
    for (let row = directory; row >= 0 && !directories.is(row, directoryMark.needed); row = directories.parent(row))
      directories.mark(row, directoryMark.needed);
  }

  #shown(directory: number, name?: string): string {
    const path = this.plan.directoryPath(directory);
    return shownPath(name === undefined ? path : `${path}/${name}`);
  }
}

/** Trees may share subtrees, so a few small ones can stand for more directories than any memory holds. */
function refuseWithoutMemory({ directories, files }: RestorePlan): void {
  const needed = directories.count * directoryBytes + files.count * fileBytes;
  if (needed < heapShare * Math.max(getHeapStatistics().heap_size_limit - youngBytes, youngBytes / 4)) return;
  const message = `the snapshot has more than ${directories.count} directories and ${files.count} files: the memory of this process does not hold their list`;
  const details = { directories: directories.count, files: files.count };
  throw new RepositoryError("resources-exhausted", message, { details });
}

function treeError(error: RepositoryError, tree: BlobId): RepositoryError {
  const { code, message, details } = error;
  return new RepositoryError(code, `the tree ${tree} cannot be read: ${message}`, { details, cause: error });
}
