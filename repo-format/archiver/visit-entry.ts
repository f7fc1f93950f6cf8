// Decides what becomes of one entry of the source: left out, reused from the parent snapshot, read, entered, or stored as
// it is. All calls here are synchronous; what takes time is handed on.

import { RepositoryError } from "../errors.ts";
import { maxPathBytes } from "../file-tree/directory-handle.ts";
import type { FileStat } from "../file-tree/file-stat.ts";
import { nodeOfStat, nodeTypeOf, readAttributes, statChild } from "../file-tree/node-metadata.ts";
import { hasTrueSizes } from "../file-tree/opened-file.ts";
import { fileModeFromStat } from "../format/file-mode.ts";
import type { Node } from "../format/node.ts";
import { formatTime } from "../format/time.ts";
import { emptyTreeId, encodeTree } from "../format/tree.ts";
import { type OpenedFileStat, sourceFailureOf } from "../workers/source-file.ts";
import { ArchiveDirectory, type Place } from "./archive-directory.ts";
import { hasSameAttributes, isUnchangedFile } from "./compare-nodes.ts";
import { excludesByMarks } from "./excludes.ts";
import type { FileEntry, FileOutcome } from "./file-entry.ts";
import { HardLinks, type LinkedFile } from "./hard-links.ts";
import type { ListedDirectory, ListingRoot } from "./listed-directory.ts";
import { isDamagedParent } from "./parent-tree.ts";
import type { SourceDirectory } from "./source-directory.ts";
import type { WalkContext } from "./walk-context.ts";

/** One entry as the walk comes to it. Strings have one character per byte. */
export interface WalkEntry {
  /** The directory of the snapshot that it goes to, and its name there. */
  readonly parent: ArchiveDirectory;
  readonly treeName: string;
  /** Where it lies in the source. */
  readonly source: SourceDirectory;
  /** Its name there, and as bytes. */
  readonly nameText: string;
  readonly name: Buffer;
  readonly path: string;
  readonly isExplicit: boolean;
  /** Its directory as a thread has listed it, and its number there. */
  readonly listed?: ListedDirectory | undefined;
  readonly listedAt?: number;
}

interface StattedEntry extends WalkEntry {
  readonly stat: FileStat;
  readonly previous: Node | undefined;
}

export interface EntryVisitorOptions {
  readonly context: WalkContext;
  /** Fills a place, or leaves it out. */
  readonly settle: (place: Place, node: Node | undefined) => void;
}

/** A name that waits holds a descriptor: so many count as too many nodes long before. */
const waitingNameWeight = 32;

/** Deeper directories are listed by the walk, which closes some of those above: one that is opened late needs them all. */
export const deepestListed = 128;

/** A hole of exabytes costs nobody anything, but its list of chunks would. */
const maxFileBytes: bigint = 16n * 1024n ** 4n;

export class EntryVisitor {
  readonly #context: WalkContext;
  readonly #settle: EntryVisitorOptions["settle"];
  readonly #hardLinks = new HardLinks();
  /** Names that wait for the content of another name of their file; each holds its directory. */
  readonly #waitingNames = new Set<StattedEntry>();
  readonly #trueSizes = new Map<bigint, boolean>();

  constructor(options: EntryVisitorOptions) {
    this.#context = options.context;
    this.#settle = options.settle;
  }

  /** @returns the directory to enter, if the entry is one. */
  visit(entry: WalkEntry): ArchiveDirectory | undefined {
    const { excluder, statistics } = this.#context;
    if (entry.path.length > maxPathBytes) {
      statistics.warn(entry.parent.path, "unreadable", `what lies deeper has paths of more than ${maxPathBytes} bytes`);
      return undefined;
    }
    const { isExplicit, parent, nameText } = entry;
    if (!isExplicit && (excludesByMarks(parent.marks, nameText) || excluder.excludesPath(entry.path))) {
      statistics.excludedCount++;
      return undefined;
    }
    try {
      const stat = entry.listed?.stat(entry.listedAt ?? 0) ?? statChild(entry.source.handle, entry.name);
      if (!entry.isExplicit && this.#excludesStat(entry, stat)) {
        statistics.excludedCount++;
        return undefined;
      }
      return this.#visitByType({ ...entry, stat, previous: this.#previousOf(entry) });
    } catch (error) {
      this.#warnOf(entry.path, error);
      return undefined;
    }
  }

  /** After a failure: nothing is going to settle any more. */
  abandon(): void {
    for (const { source } of this.#waitingNames) source.letGo();
    this.#waitingNames.clear();
  }

  #excludesStat(entry: WalkEntry, stat: FileStat): boolean {
    if (stat.isDirectory()) return false;
    if (this.#isForeign(entry, stat)) return true;
    return this.#context.excluder.excludesSize(Number(stat.size));
  }

  #isForeign({ parent, isExplicit }: WalkEntry, stat: FileStat): boolean {
    return this.#context.oneFileSystem && !isExplicit && parent.deviceId !== undefined && stat.dev !== parent.deviceId;
  }

  #previousOf({ parent, treeName }: WalkEntry): Node | undefined {
    try {
      return parent.parentTree?.find(treeName);
    } catch (error) {
      if (!isDamagedParent(error)) throw error;
      parent.parentTree = undefined;
      const message = `the parent snapshot's tree of this directory is damaged, its files are read: ${error.message}`;
      this.#context.statistics.warn(parent.path, "parent", message);
      return undefined;
    }
  }

  #visitByType(entry: StattedEntry): ArchiveDirectory | undefined {
    const type = nodeTypeOf(entry.stat);
    refuseHugeFile(entry.stat);
    switch (type) {
      case "file":
        this.#visitFile(entry, this.#nodeOf(entry));
        return undefined;
      case "dir":
        return this.#visitDirectory(entry);
      case "socket":
        this.#context.statistics.addOther(type);
        return undefined;
      case "irregular":
      case "":
        this.#context.statistics.warn(
          entry.path,
          "unreadable",
          "neither file, directory, link, device nor FIFO: left out",
        );
        return undefined;
      default:
        entry.parent.append(this.#nodeOf(entry));
        this.#context.statistics.addOther(type);
        return undefined;
    }
  }

  #visitFile(entry: StattedEntry, node: Node): void {
    const { stat, previous, parent, path } = entry;
    const { statistics } = this.#context;
    if (previous !== undefined && this.#isReusable(entry, node, previous)) {
      node.content = previous.content;
      statistics.addKnownBytes(node.size);
      statistics.addItem(path, node, previous, true);
      parent.append(node);
    } else if (stat.size === 0n && this.#hasTrueSizes(entry)) {
      statistics.addItem(path, node, previous);
      parent.append(node);
    } else this.#readChanged(entry, node);
  }

  #readChanged(entry: StattedEntry, node: Node): void {
    // The threads are going to need the descriptor; a directory that cannot be opened any more shows here.
    entry.source.open();
    if (entry.stat.nlink > 1n) this.#readLinked(entry, node);
    else this.#read(entry, node, entry.parent.reserve());
  }

  #isReusable({ path, stat }: StattedEntry, node: Node, previous: Node): boolean {
    const { changeRules, uploader, statistics, notes } = this.#context;
    if (!isUnchangedFile(previous, node, changeRules) && !notes.isAsRestored(stat, previous)) return false;
    if (previous.content?.every((id) => uploader.has("data", id)) === true) return true;
    statistics.warn(path, "parent", "unchanged, but parts of it are missing from the repository: it is read again");
    return false;
  }

  /** Asked once a device: what statfs says of it. */
  #hasTrueSizes({ source, stat }: StattedEntry): boolean {
    let isTrue = this.#trueSizes.get(stat.dev);
    if (isTrue === undefined) {
      isTrue = hasTrueSizes(source.handle);
      this.#trueSizes.set(stat.dev, isTrue);
    }
    return isTrue;
  }

  #readLinked(entry: StattedEntry, node: Node): void {
    const { file, isFirst } = this.#hardLinks.lookUp(entry.stat);
    if (isFirst) {
      this.#read(entry, node, entry.parent.reserve(), file);
      return;
    }
    const place = entry.parent.reserve(waitingNameWeight);
    entry.source.hold();
    this.#waitingNames.add(entry);
    file.whenSettled((content) => {
      if (content === undefined) this.#read(entry, node, place);
      else {
        this.#context.statistics.addKnownBytes(content.sizeBytes);
        this.#finishFile(entry, place, { ...node, content: content.content, size: content.sizeBytes });
      }
      this.#waitingNames.delete(entry);
      entry.source.letGo();
    });
  }

  #read(entry: StattedEntry, node: Node, place: Place, linked?: LinkedFile): void {
    const { source: directory, name, path, stat } = entry;
    const onRead: FileEntry["onRead"] = (outcome) => {
      // A file that moved under our eyes is no content to give to its other names.
      const isSteady = outcome.kind === "read" && !outcome.isChanging && outcome.opened === undefined;
      linked?.settle(isSteady ? outcome.file : undefined);
      this.#takeOutcome(entry, node, place, outcome);
    };
    this.#context.files.add({ directory, name, path, stat, node, onRead });
  }

  #takeOutcome(entry: StattedEntry, node: Node, place: Place, outcome: FileOutcome): void {
    const { statistics } = this.#context;
    if (outcome.kind !== "read") {
      statistics.warn(entry.path, outcome.kind, outcome.message);
      this.#settle(place, undefined);
      return;
    }
    if (outcome.isChanging) statistics.warn(entry.path, "changed", "the file changed while it was read");
    const current = outcome.opened === undefined ? node : this.#refreshed(entry, node, outcome.opened);
    current.content = outcome.file.content;
    current.size = outcome.file.sizeBytes;
    this.#finishFile(entry, place, current);
  }

  #finishFile(entry: StattedEntry, place: Place, node: Node): void {
    this.#context.statistics.addItem(entry.path, node, entry.previous);
    this.#settle(place, node);
  }

  /**
   * The file that was read was not as listed. Its node must not claim times later than its content: a later backup would
   * take that for unchanged. So it is either what lstat says now, if that is still the file that was opened, or the old
   * node with the opened file's stat.
   */
  #refreshed(entry: StattedEntry, node: Node, opened: OpenedFileStat): Node {
    try {
      const stat = statChild(entry.source.handle, entry.name);
      if (stat.isFile() && stat.ino === opened.inode && stat.ctimeNs === opened.ctimeNs)
        return this.#nodeOf({ ...entry, stat });
    } catch {
      // Gone again: what was read is still worth keeping.
    }
    const mtime = formatTime(opened.mtimeNs);
    const { uid, gid, links, inode } = opened;
    const mode = fileModeFromStat(opened.mode);
    return { ...node, mode, uid, gid, links, inode, mtime, atime: mtime, ctime: formatTime(opened.ctimeNs) };
  }

  #visitDirectory(entry: StattedEntry): ArchiveDirectory | undefined {
    const { stat, parent, path, previous } = entry;
    const { trees, statistics, excluder } = this.#context;
    const node = this.#nodeOf(entry);
    if (this.#isForeign(entry, stat)) {
      // A mount point: kept, so that a restore has a place to mount on.
      node.subtree = trees.save(encodeTree([]));
      statistics.addItem(path, node, previous);
      parent.append(node);
      return undefined;
    }
    const mayBeListed = parent.depth < deepestListed;
    const listed = mayBeListed ? entry.listed?.child(entry.listedAt ?? 0) : undefined;
    const listingRoot = mayBeListed ? entry.listed?.left(entry.listedAt ?? 0) : undefined;
    const source = sourceOf(entry, listed, listingRoot);
    try {
      const names = listed === undefined ? source.handle.readLatin1Names() : listed.names();
      const warn = (message: string): void => statistics.warn(path, "metadata", message);
      const marks = excluder.hasMarks ? excluder.marksOf(source.handle, warn) : undefined;
      const isDirectory = previous?.type === "dir";
      return new ArchiveDirectory(
        {
          path,
          node,
          place: parent.reserve(),
          previous: isDirectory ? previous : undefined,
          parentTreeId: isDirectory && previous.subtree !== emptyTreeId ? previous.subtree : undefined,
          source,
          names,
          listed,
          listingRoot,
          marks,
          deviceId: entry.isExplicit || parent.deviceId === undefined ? stat.dev : parent.deviceId,
        },
        this.#context.meter,
      );
    } catch (error) {
      source.letGo();
      throw error;
    }
  }

  #nodeOf({ source, name, nameText, treeName, stat, path, previous, listed, listedAt }: StattedEntry): Node {
    const { nodeOptions, changeRules, statistics } = this.#context;
    const onWarning = (message: string): void => statistics.warn(path, "metadata", message);
    const nodeName = treeName === nameText ? name : Buffer.from(treeName, "latin1");
    const node = nodeOfStat(() => source.handle.childPath(name), nodeName, stat, nodeOptions);
    const isKnown = previous !== undefined && hasSameAttributes(previous, node, stat.ctimeNs, changeRules);
    if (isKnown) node.extendedAttributes = previous.extendedAttributes;
    else if (listed?.isWithoutAttributes(listedAt ?? 0) !== true)
      node.extendedAttributes = readAttributes(source.handle, name, onWarning);
    return node;
  }

  /** What is wrong with one entry never ends the run; errors of the repository do. */
  #warnOf(path: string, error: unknown): void {
    const failure = sourceFailureOf(error);
    if (failure === undefined) throw error;
    this.#context.statistics.warn(path, failure.kind, failure.message);
  }
}

/** The directory itself, open unless a thread has listed it: then it is opened when somebody needs it. */
function sourceOf(
  { source, name, stat }: StattedEntry,
  listed: ListedDirectory | undefined,
  root: ListingRoot | undefined,
): SourceDirectory {
  if (listed !== undefined && root !== undefined) return root.open().hold();
  const identity = { deviceId: stat.dev, inode: stat.ino };
  return listed === undefined ? source.enter(name, identity) : source.enterLater(name, identity);
}

/** @throws RepositoryError "source-unreadable" */
function refuseHugeFile(stat: FileStat): void {
  if (stat.size <= maxFileBytes || !stat.isFile()) return;
  const message = `the file claims ${stat.size} bytes; more than ${maxFileBytes} are not read`;
  throw new RepositoryError("source-unreadable", message, { details: { sizeBytes: stat.size.toString() } });
}
