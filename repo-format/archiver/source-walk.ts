// Walks the source in the order of raw names, depth first, and brings the snapshot's trees together bottom-up. The walk
// itself is synchronous and cheap; it waits only where something is full: the threads, the memory, the uploads.
import { setImmediate as nextTurn } from "node:timers/promises";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { statNodeOfPath } from "../file-tree/node-metadata.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { sourceFailureOf } from "../workers/source-file.ts";
import { ArchiveDirectory, type Place } from "./archive-directory.ts";
import { isDamagedParent } from "./parent-tree.ts";
import { SourceDirectory } from "./source-directory.ts";
import type { Target, TargetDirectory, TargetEntry } from "./targets.ts";
import { deepestListed, EntryVisitor } from "./visit-entry.ts";
import type { WalkContext } from "./walk-context.ts";

/** Nodes that wait for a file before them; the walk stops beyond, until some are through. */
const waitingNodes = 16_384;
/** Directories kept open on the way down; those above are opened again when the walk comes back to them. */
const openDepth = 256;
/** The walk lets others run after so long. */
const turnMs = 15;
const stepsPerClockLook = 32;
/**
 * Entries that the walk lists itself before threads are asked to list ahead; more when none runs yet, as in an unchanged
 * backup: two threads take 0.4 s of processor time and 50 MB until they list.
 */
const [entriesUnaided, entriesUnaidedThreadless] = [4096, 65_536];
/** At most so many when they were asked before: what comes lies elsewhere, on another file system for instance. */
const entriesUnaidedAgain = 512;

export interface WalkedRoot {
  readonly treeId: BlobId;
  readonly isEmpty: boolean;
}

export class SourceWalk {
  readonly #context: WalkContext;
  readonly #visitor: EntryVisitor;
  /** From the root down to where the walk is. */
  readonly #stack: ArchiveDirectory[] = [];
  #result: WalkedRoot | undefined;
  #turnStart = 0;
  #steps = 0;
  /** Entries that the walk may still list itself. */
  #unaided: number;
  /** Entries more that it lists itself while no thread runs. */
  #threadless: number;
  /** Directories of the stack that threads were asked to list from where the walk is. */
  #asked: ArchiveDirectory[] = [];

  constructor(context: WalkContext) {
    this.#context = context;
    this.#unaided = context.entriesUnaided ?? entriesUnaided;
    this.#threadless = context.entriesUnaided === undefined ? entriesUnaidedThreadless - entriesUnaided : 0;
    this.#visitor = new EntryVisitor({ context, settle: (place, node) => this.#settle(place, node) });
  }

  /** The volume's directory as the root of the snapshot. @throws Node's error when it cannot be listed. */
  async saveVolume(path: Buffer, parentTreeId: BlobId | undefined): Promise<WalkedRoot> {
    const source = new SourceDirectory(DirectoryHandle.openRoot(path));
    const { excluder, statistics, meter } = this.#context;
    const marks = excluder.marksOf(source.handle, (message) => statistics.warn("/", "metadata", message));
    const { deviceId } = source.handle.identity();
    const names = source.handle.readLatin1Names();
    return this.#save(new ArchiveDirectory({ path: "", parentTreeId, source, names, marks, deviceId }, meter));
  }

  /** Targets, each below the directories that lead to it. */
  async saveTargets(targets: TargetDirectory, parentTreeId: BlobId | undefined): Promise<WalkedRoot> {
    const names = sortedNames(targets);
    return this.#save(new ArchiveDirectory({ path: "", parentTreeId, targets, names }, this.#context.meter));
  }

  async #save(root: ArchiveDirectory): Promise<WalkedRoot> {
    const { files, trees, waiting, signal } = this.#context;
    this.#stack.push(root);
    try {
      await this.#walk();
      this.#context.walkState.isWaiting = true;
      await waiting.during(files.finish());
      await waiting.during(trees.finish());
      signal.throwIfAborted();
      await this.#context.ahead?.stop();
    } catch (error) {
      for (const directory of this.#stack.splice(0)) directory.source?.letGo();
      await this.#context.ahead?.stop();
      await files.abandon();
      this.#visitor.abandon();
      throw error;
    }
    if (this.#result === undefined) throw new Error("bug: the walk has ended, but not the root's tree");
    return this.#result;
  }

  async #walk(): Promise<void> {
    for (let top = this.#stack.at(-1); top !== undefined; top = this.#stack.at(-1)) {
      if (top.parentTreeId !== undefined) await this.#openParentTree(top);
      if (this.#asked.length > 0) this.#adoptListings();
      if (top.nextLeft !== undefined) await this.#waitForListing(top);
      const name = top.nextName();
      if (name === undefined) this.#leave(top);
      else this.#step(top, name);
      if (this.#isTurnOver()) await this.#pause();
    }
  }

  #step(directory: ArchiveDirectory, name: string): void {
    const { targets, source } = directory;
    let entered: ArchiveDirectory | undefined;
    if (targets !== undefined) entered = this.#visitTarget(directory, name, targets.children.get(name) as Target);
    else if (source !== undefined) {
      const nameBytes = Buffer.from(name, "latin1");
      const path = `${directory.path}/${name}`;
      const entry = {
        parent: directory,
        treeName: name,
        source,
        nameText: name,
        name: nameBytes,
        path,
        isExplicit: false,
        listed: directory.listed,
        listedAt: directory.entry,
      };
      if (directory.listed === undefined && --this.#unaided === 0) this.#listAhead();
      entered = this.#visitor.visit(entry);
    }
    if (entered !== undefined) this.#enter(entered);
  }

  #visitTarget(parent: ArchiveDirectory, treeName: string, target: Target): ArchiveDirectory | undefined {
    try {
      return target.kind === "entry"
        ? this.#visitTargetEntry(parent, treeName, target)
        : this.#targetDirectory(parent, treeName, target);
    } catch (error) {
      const failure = sourceFailureOf(error);
      if (failure === undefined) throw error;
      this.#context.statistics.warn(target.path, failure.kind, failure.message);
      return undefined;
    }
  }

  #visitTargetEntry(parent: ArchiveDirectory, treeName: string, target: TargetEntry): ArchiveDirectory | undefined {
    const slash = target.path.lastIndexOf("/");
    const directory = slash < 0 ? "." : target.path.slice(0, slash + 1);
    const nameText = target.path.slice(slash + 1);
    const name = Buffer.from(nameText, "latin1");
    const source = new SourceDirectory(DirectoryHandle.openRoot(Buffer.from(directory, "latin1")));
    try {
      const { path, isExplicit } = target;
      return this.#visitor.visit({ parent, treeName, source, nameText, name, path: this.#absolute(path), isExplicit });
    } finally {
      source.letGo();
    }
  }

  /** A directory above targets: its own metadata, and of its entries only the targets. */
  #targetDirectory(parent: ArchiveDirectory, treeName: string, targets: TargetDirectory): ArchiveDirectory {
    const name = Buffer.from(treeName, "latin1");
    // The dot: a link on the way to a target stands for the directory that it leads to.
    const node = statNodeOfPath(Buffer.from(`${targets.path}/.`, "latin1"), name, this.#context.nodeOptions);
    const previous = parent.parentTree?.find(treeName);
    const isDirectory = previous?.type === "dir";
    return new ArchiveDirectory(
      {
        path: this.#absolute(targets.path),
        node,
        place: parent.reserve(),
        previous: isDirectory ? previous : undefined,
        parentTreeId: isDirectory ? previous.subtree : undefined,
        targets,
        names: sortedNames(targets),
      },
      this.#context.meter,
    );
  }

  #absolute(path: string): string {
    if (path.startsWith("/")) return path;
    const { workingDirectory } = this.#context;
    return path === "." ? workingDirectory : `${workingDirectory}/${path}`;
  }

  /** Asks threads to list what the walk is going to come to. */
  #listAhead(): void {
    const { ahead } = this.#context;
    this.#unaided = Math.min(this.#context.entriesUnaided ?? entriesUnaidedAgain, entriesUnaidedAgain);
    if (ahead === undefined) return;
    if (this.#threadless > 0 && !this.#context.hasThreads()) {
      this.#threadless -= entriesUnaidedAgain;
      return;
    }
    const own = this.#stack.filter(
      ({ source, listed, listingRoot, depth }) =>
        source?.isOpen === true && listed === undefined && listingRoot === undefined && depth < deepestListed,
    );
    const asked = own.reverse();
    const places = asked.map(({ source, path, lastName }) => ({
      source: source as SourceDirectory,
      path,
      after: lastName,
    }));
    for (const [index, root] of ahead.begin(places).entries()) (asked[index] as ArchiveDirectory).listingRoot = root;
    this.#asked.push(...asked);
  }

  /** Answers that have come in the meantime. */
  #adoptListings(): void {
    const isUnderWay = ({ listingRoot }: ArchiveDirectory): boolean => {
      const state = listingRoot?.state;
      return state === "waiting" || state === "running";
    };
    for (const directory of this.#asked) {
      const { listingRoot } = directory;
      if (listingRoot?.listed === undefined) continue;
      directory.adopt(listingRoot.listed);
      this.#context.ahead?.entered(listingRoot.listed);
    }
    this.#asked = this.#asked.filter(isUnderWay);
  }

  async #waitForListing(directory: ArchiveDirectory): Promise<void> {
    const { ahead, waiting } = this.#context;
    const root = directory.nextLeft;
    if (ahead === undefined || root === undefined || directory.depth >= deepestListed) return;
    for (let work = ahead.wait(root); work !== undefined; work = ahead.wait(root)) await waiting.during(work);
  }

  async #openParentTree(directory: ArchiveDirectory): Promise<void> {
    const id = directory.parentTreeId as BlobId;
    directory.parentTreeId = undefined;
    try {
      directory.parentTree = await this.#context.parents.open(id);
    } catch (error) {
      if (!isDamagedParent(error)) throw error;
      const message = `the parent snapshot's tree of this directory cannot be read, its files are: ${error.message}`;
      this.#context.statistics.warn(directory.path || "/", "parent", message);
    }
  }

  #enter(directory: ArchiveDirectory): void {
    this.#stack.push(directory);
    if (directory.listed !== undefined) this.#context.ahead?.entered(directory.listed);
    this.#stack[this.#stack.length - 1 - openDepth]?.suspend();
  }

  #leave(directory: ArchiveDirectory): void {
    this.#stack.pop();
    const above = this.#stack.at(-1);
    if (above?.isSuspended === true && directory.source !== undefined && !above.resume(directory.source)) {
      const message = "the directory was moved while it was being read: the rest of its entries is missing";
      this.#context.statistics.warn(above.path, "unreadable", message);
    }
    directory.source?.letGo();
    directory.source = undefined;
    if (directory.listingRoot !== undefined) this.#context.ahead?.end(directory.listingRoot);
    directory.endList();
    this.#complete(directory);
  }

  /** Fills the place, or leaves it out, and finishes every directory that was waiting for it. */
  #settle(place: Place, node: Node | undefined): void {
    place.directory.settle(place, node);
    this.#complete(place.directory);
  }

  #complete(start: ArchiveDirectory): void {
    let tree = start.advance();
    for (let directory = start; tree !== undefined; ) {
      const treeId = this.#context.trees.save(tree);
      directory.free();
      const { node, place, path, previous, refusedCount } = directory;
      if (refusedCount > 0) {
        const message = `${refusedCount} of its entries are missing: the list of the others fills 1 GiB`;
        this.#context.statistics.warn(path || "/", "unreadable", message);
      }
      if (node === undefined || place === undefined) {
        this.#result = { treeId, isEmpty: directory.entryCount === 0 };
        return;
      }
      node.subtree = treeId;
      this.#context.statistics.addItem(path, node, previous);
      place.directory.settle(place, node);
      directory = place.directory;
      tree = directory.advance();
    }
  }

  async #pause(): Promise<void> {
    const { files, trees, meter, waiting, signal, walkState } = this.#context;
    signal.throwIfAborted();
    walkState.isWaiting = true;
    if (files.isFull) await waiting.during(files.flush());
    if (trees.isFull) await waiting.during(trees.room());
    while (meter.waiting > waitingNodes && files.isBusy && !signal.aborted) await waiting.during(files.progress());
    walkState.isWaiting = false;
    if (performance.now() - this.#turnStart > turnMs) {
      await nextTurn();
      this.#turnStart = performance.now();
    }
    signal.throwIfAborted();
  }

  #isTurnOver(): boolean {
    const { files, trees, meter } = this.#context;
    if (files.isFull || trees.isFull || meter.waiting > waitingNodes) return true;
    return ++this.#steps % stepsPerClockLook === 0 && performance.now() - this.#turnStart > turnMs;
  }
}

/** By their bytes: one character each. */
function sortedNames(targets: TargetDirectory): string[] {
  return [...targets.children.keys()].sort();
}
