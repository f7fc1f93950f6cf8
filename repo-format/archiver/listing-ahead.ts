// Lists the source ahead of the walk, in the order in which it will come, depth first. Threads do it: what the walk would
// wait for, the kernel and the disk, then passes while it encodes trees. How far ahead is bounded by entries. Nothing depends
// on it: what was not listed, for whatever reason, the walk lists by itself.
import type { ListingColumns } from "../file-tree/directory-lister.ts";
import type { PathExcludes } from "../file-tree/excluded-paths.ts";
import type { BlobRun } from "../workers/blob-run.ts";
import { ListedDirectory, Listing, ListingRoot } from "./listed-directory.ts";
import type { SourceDirectory } from "./source-directory.ts";

/** An answer is enough with so many entries: 3 ms of a thread's time. */
const entriesPerTask = 1024;
/** Directories that a task begins with at most; it has a descriptor of each. */
const rootsPerTask = 16;
/** Entries that the walk has not come to; 200 bytes each. Beyond, only what it waits for is listed. */
const entriesAhead = 16_384;

export interface ListingAheadOptions {
  readonly run: Pick<BlobRun, "listDirectories" | "threads">;
  readonly excludes: PathExcludes;
  /** See `ListerOptions`. */
  readonly attributesFromNs: bigint;
  /** Called when a thread fails, or the run is cancelled. */
  readonly onFailed: (error: unknown) => void;
}

export class ListingAhead {
  readonly #options: ListingAheadOptions;
  /** What is to be listed or is being listed, in the order of the walk. */
  readonly #order: ListingRoot[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #begun = new Set<ListingRoot>();
  readonly #tasksAtOnce: number;
  #entriesLeft = 0;
  #isStopped = false;

  constructor(options: ListingAheadOptions) {
    this.#options = options;
    // The walk needs a core itself, and a thread that was started for nothing but lists costs 25 MB: an unchanged backup of
    // 370,000 entries took as long with three tasks for two threads, and 277 MiB instead of 250.
    this.#tasksAtOnce = Math.max(1, options.run.threads - 1);
  }

  /**
   * Begins with directories that the walk is in, the innermost first.
   * @returns a root for each, which the caller ends when the walk leaves the directory.
   */
  begin(
    directories: readonly { readonly source: SourceDirectory; readonly path: string; readonly after: string }[],
  ): ListingRoot[] {
    const roots = directories.map(({ source, path, after }) => new ListingRoot(source, path, after));
    for (const root of roots) this.#begun.add(root);
    this.#order.unshift(...roots);
    this.#listOn();
    return roots;
  }

  /** What the walk has to wait for before it enters the directory; undefined when all that can be known is known. */
  wait(root: ListingRoot): Promise<void> | undefined {
    if (root.state === "waiting") this.#list(this.#nextRoots(this.#order.indexOf(root)));
    return root.state === "running" ? root.work : undefined;
  }

  /** The walk is in the directory now. */
  entered({ root, count }: ListedDirectory): void {
    root.entriesLeft -= count;
    this.#entriesLeft -= count;
    this.#listOn();
  }

  /** The walk has left the directory. */
  end(root: ListingRoot): void {
    this.#entriesLeft -= root.end();
    this.#begun.delete(root);
    this.#listOn();
  }

  /** Resolves when no thread lists any more and nothing is held open. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const root of this.#begun) root.end();
    this.#begun.clear();
    await Promise.all(this.#underWay);
  }

  #listOn(): void {
    while (!this.#isStopped && this.#underWay.size < this.#tasksAtOnce && this.#entriesLeft < entriesAhead) {
      const next = this.#order.findIndex(({ state }) => state !== "running");
      if (next < 0) return;
      this.#list(this.#nextRoots(next));
    }
  }

  /** Roots of one task, opened. */
  #nextRoots(from: number): ListingRoot[] {
    const roots: ListingRoot[] = [];
    for (let index = from; index >= 0 && index < this.#order.length && roots.length < rootsPerTask; ) {
      const root = this.#order[index] as ListingRoot;
      if (root.state === "waiting" && tryToOpen(root)) roots.push(root);
      if (root.state === "waiting" || root.state === "running") index++;
      else this.#order.splice(index, 1);
    }
    return roots;
  }

  #list(roots: readonly ListingRoot[]): void {
    if (roots.length === 0) return;
    const sources = roots.map((root) => root.open().hold());
    const work = this.#listInThread(roots, sources).finally(() => {
      for (const source of sources) source.letGo();
      this.#underWay.delete(work);
      this.#listOn();
    });
    this.#underWay.add(work);
    for (const root of roots) Object.assign(root, { state: "running", work });
  }

  async #listInThread(asked: readonly ListingRoot[], sources: readonly SourceDirectory[]): Promise<void> {
    const { run, excludes, attributesFromNs, onFailed } = this.#options;
    const roots = asked.map(({ path, after }, index) => ({ fd: sources[index]?.handle.fd ?? -1, path, after }));
    let columns: ListingColumns;
    try {
      columns = await run.listDirectories({ roots, entries: entriesPerTask, attributesFromNs, excludes });
    } catch (error) {
      this.#isStopped = true;
      for (const root of asked) root.fail();
      onFailed(error);
      return;
    }
    const listing = new Listing(columns);
    for (const [index, root] of asked.entries()) this.#take(root, listing, columns.roots[index] as number, index === 0);
  }

  #take(root: ListingRoot, listing: Listing, number: number, isFirst: boolean): void {
    const place = this.#order.indexOf(root);
    const isOver = root.state === "over";
    if (number < 0 && !isFirst && !isOver) {
      // Perhaps there was no room beside the others.
      root.state = "waiting";
      return;
    }
    const below = number < 0 || isOver ? [] : root.take(new ListedDirectory(root, listing, number));
    if (number < 0) root.fail();
    this.#entriesLeft += root.entriesLeft;
    this.#order.splice(place, place < 0 ? 0 : 1, ...below);
  }
}

/** What cannot be opened is left to the walk, which tells of it. */
function tryToOpen(root: ListingRoot): boolean {
  try {
    root.open();
    return true;
  } catch {
    root.fail();
    return false;
  }
}
