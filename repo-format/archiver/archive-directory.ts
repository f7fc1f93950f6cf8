// One directory while it is being saved: which of its entries come next, and the tree that grows from those that are done.
// Entries are encoded in their order as soon as everything before them is known; a file that is still being read holds
// back those behind it, which wait as nodes in a queue.

import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { TreeEncoder } from "../format/tree.ts";
import type { ListedDirectory, ListingRoot } from "./listed-directory.ts";
import type { ParentTree } from "./parent-tree.ts";
import type { SourceDirectory } from "./source-directory.ts";
import type { TargetDirectory } from "./targets.ts";

/** A place in a directory's tree: open, until its node is known or will never be. */
export interface Place {
  readonly directory: ArchiveDirectory;
  node: Node | undefined;
  isOpen: boolean;
  /** What it adds to the meter. */
  weight: number;
}

/** Counts nodes that wait in queues, over all directories of a run; one that takes much memory counts as many. */
export interface QueueMeter {
  waiting: number;
}

/** Above it a directory's record is not continued: neither this process nor the one that restores it could hold it. */
const maxTreeBytes: number = 1024 * 1024 * 1024;
const idBytesInTree = 67;

export interface ArchiveDirectoryOptions {
  /** Absolute, one character per byte; "" for the root, so that children are path + "/" + name. */
  readonly path: string;
  /** The directory's own node and its place above; absent for the root of the snapshot. */
  readonly node?: Node | undefined;
  readonly place?: Place | undefined;
  /** The parent snapshot's node of the same name. */
  readonly previous?: Node | undefined;
  /** The parent snapshot's tree; read when the walk comes to this directory. */
  readonly parentTreeId?: BlobId | undefined;
  /** What is in it: entries of a directory of the source, or targets. */
  readonly source?: SourceDirectory | undefined;
  readonly names: readonly string[];
  /** Where a thread has listed the names. */
  readonly listed?: ListedDirectory | undefined;
  readonly listingRoot?: ListingRoot | undefined;
  readonly targets?: TargetDirectory | undefined;
  /** Exclusion marks that it carries (excludes.ts). */
  readonly marks?: readonly string[] | undefined;
  /** st_dev of the target that it belongs to. */
  readonly deviceId?: bigint | undefined;
}

export class ArchiveDirectory {
  readonly path: string;
  readonly node: Node | undefined;
  readonly place: Place | undefined;
  readonly previous: Node | undefined;
  /** Directories above it. */
  readonly depth: number;
  readonly marks: readonly string[] | undefined;
  readonly deviceId: bigint | undefined;
  readonly targets: TargetDirectory | undefined;
  source: SourceDirectory | undefined;
  listed: ListedDirectory | undefined;
  /** Where an answer begins with this directory, or is going to. */
  listingRoot: ListingRoot | undefined;
  /** Read when the walk arrives; then undefined. */
  parentTreeId: BlobId | undefined;
  parentTree: ParentTree | undefined;
  /** Entries in the tree so far. */
  entryCount = 0;
  /** Entries for which its tree had no room. */
  refusedCount = 0;
  readonly #meter: QueueMeter;
  readonly #encoder = new TreeEncoder();
  #names: readonly string[];
  #next = 0;
  #queue: Place[] = [];
  #head = 0;
  #isListed = false;
  /** Device and inode of a directory that was closed on the way down. */
  #suspended: { readonly deviceId: bigint; readonly inode: bigint } | undefined;

  constructor(options: ArchiveDirectoryOptions, meter: QueueMeter) {
    this.path = options.path;
    this.depth = options.place === undefined ? 0 : options.place.directory.depth + 1;
    this.node = options.node;
    this.place = options.place;
    this.previous = options.previous;
    this.parentTreeId = options.parentTreeId;
    this.source = options.source;
    this.marks = options.marks;
    this.deviceId = options.deviceId;
    this.targets = options.targets;
    this.#names = options.names;
    this.listed = options.listed;
    this.listingRoot = options.listingRoot;
    this.#meter = meter;
  }

  /** The next name, one character per byte, in ascending order; undefined at the end. */
  nextName(): string | undefined {
    // A directory that changes while it is listed may show a name twice.
    while (this.#next > 0 && this.#names[this.#next] === this.#names[this.#next - 1] && this.#next < this.#names.length)
      this.#next++;
    return this.#names[this.#next++];
  }

  /** Of the name that came last, in `listed`. */
  get entry(): number {
    return this.#next - 1;
  }

  /** The name that came last; "" before the first. */
  get lastName(): string {
    return this.#names[this.#next - 1] ?? "";
  }

  /** What has to be listed before the next entry is visited, if that is a directory and there was no room for it. */
  get nextLeft(): ListingRoot | undefined {
    return this.listed?.left(this.#next);
  }

  /** The names that are still to come are those of the listing. */
  adopt(listed: ListedDirectory): void {
    const last = this.lastName;
    this.#names = listed.names();
    this.#next = 0;
    while (this.#next < listed.count && (this.#names[this.#next] as string) <= last) this.#next++;
    this.listed = listed;
  }

  /** Closes the directory for a while; `resume` opens it again. */
  suspend(): void {
    if (this.source === undefined || !this.source.isOpen) return;
    this.#suspended = this.source.handle.identity();
    this.source.letGo();
    this.source = undefined;
  }

  get isSuspended(): boolean {
    return this.#suspended !== undefined;
  }

  /**
   * Opens the directory again, as the one above a child that is still open.
   * @returns false when another directory is there now; the rest of the names is forgotten then.
   */
  resume(child: SourceDirectory): boolean {
    const expected = this.#suspended;
    this.#suspended = undefined;
    const source = openParentOf(child);
    const identity = source?.handle.identity();
    if (identity?.inode === expected?.inode && identity?.deviceId === expected?.deviceId) {
      this.source = source;
      return true;
    }
    source?.letGo();
    this.#names = [];
    this.#next = 0;
    return false;
  }

  /** Adds an entry that is complete. */
  append(node: Node): void {
    if (this.#head === this.#queue.length) this.#encode(node);
    else this.#enqueue({ directory: this, node, isOpen: false, weight: weightOf(node) });
  }

  /** Keeps the place of an entry that is being worked on; `settle` fills it. */
  reserve(weight: number = 1): Place {
    return this.#enqueue({ directory: this, node: undefined, isOpen: true, weight });
  }

  /** The node of a place is known, or will never be. */
  settle(place: Place, node: Node | undefined): void {
    const weight = node === undefined ? 1 : weightOf(node);
    this.#meter.waiting += weight - place.weight;
    Object.assign(place, { node, isOpen: false, weight });
  }

  /** No entries follow. */
  endList(): void {
    this.#isListed = true;
    this.parentTree = undefined;
    this.#names = [];
    this.listed = undefined;
  }

  /** Encodes what is ready. @returns the finished tree when everything is, once; valid until `free`. */
  advance(): Buffer | undefined {
    for (let place = this.#queue[this.#head]; place !== undefined && !place.isOpen; place = this.#queue[this.#head]) {
      if (place.node !== undefined) this.#encode(place.node);
      this.#head++;
      this.#meter.waiting -= place.weight;
    }
    if (this.#head === this.#queue.length || this.#head >= 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return this.#isListed && this.#queue.length === 0 ? this.#encoder.finishView() : undefined;
  }

  /** The tree was saved. */
  free(): void {
    this.#encoder.free();
  }

  #enqueue(place: Place): Place {
    this.#queue.push(place);
    this.#meter.waiting += place.weight;
    return place;
  }

  #encode(node: Node): void {
    if (this.#encoder.length + (node.content?.length ?? 0) * idBytesInTree > maxTreeBytes) {
      this.refusedCount++;
      return;
    }
    this.#encoder.add(node);
    this.entryCount++;
  }
}

/** In nodes of the usual size. */
function weightOf({ content, extendedAttributes }: Node): number {
  const attributeBytes = extendedAttributes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  return 1 + Math.floor((content?.length ?? 0) / 64 + attributeBytes / 4096);
}

function openParentOf(child: SourceDirectory): SourceDirectory | undefined {
  try {
    return child.openParent();
  } catch {
    // Gone or not ours to open any more: the caller reports it.
    return undefined;
  }
}
