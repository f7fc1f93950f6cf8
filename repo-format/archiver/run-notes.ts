// What a backup makes of the notes that earlier runs left on this machine (../notes), and the notes that it leaves itself.
import { resolve } from "node:path";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import type { FileStat } from "../file-tree/file-stat.ts";
import { plaintextLength } from "../format/blob.ts";
import type { BlobId, SnapshotId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import type { LocalNotes } from "../notes/local-notes.ts";
import type { RestoredFiles } from "../notes/restored-files.ts";
import type { NotedRange } from "../notes/resume-note.ts";
import type { Repository } from "../repository/repository.ts";
import type { ArchiveOptions } from "./archive-options.ts";
import { FileResume } from "./file-resume.ts";

type RunOptions = Pick<ArchiveOptions, "notes" | "dryRun" | "targets">;

interface OpenedNote {
  readonly files: RestoredFiles;
  readonly deviceId: bigint;
}

export class RunNotes {
  readonly #notes: LocalNotes | undefined;
  readonly #index: Repository["index"];
  readonly #options: RunOptions;
  #restored: OpenedNote[];
  /** Paths of notes on files that this run has read. */
  readonly #resumes: string[] = [];

  constructor(options: RunOptions, index: Repository["index"]) {
    this.#notes = options.notes;
    this.#index = index;
    this.#options = options;
    const opened = options.notes?.openRestored() ?? [];
    this.#restored = opened.map((files) => ({ files, deviceId: BigInt(files.header.device) }));
  }

  /** The snapshot that stands in this directory since a restore. */
  restoredInto(directory: Buffer): { readonly snapshotId: SnapshotId; readonly madeAtMs: number } | undefined {
    for (const { files } of this.#restored) {
      const { snapshotId, madeAtMs } = files.header;
      if (snapshotId !== undefined && isTarget(files, directory)) return { snapshotId, madeAtMs };
    }
    return undefined;
  }

  /** True when a restore has left the file with the content of this node, and nobody has changed it since. */
  isAsRestored(stat: FileStat, { type, size, content }: Node): boolean {
    if (this.#restored.length === 0 || type !== "file" || content === undefined || BigInt(size) !== stat.size)
      return false;
    return this.#restored.some(({ files, deviceId }) => deviceId === stat.dev && files.has(stat, content));
  }

  /** Finds out how far an earlier run has come in a file, and notes how far this one comes; undefined for small files. */
  resume(stat: FileStat): FileResume | undefined {
    const notes = this.#notes;
    if (notes === undefined || this.#options.dryRun === true || !notes.isWorthResuming(stat)) return undefined;
    const known = this.#storedRanges(notes.resumable(stat));
    const begun = notes.beginResume(stat, known);
    if (begun !== undefined) this.#resumes.push(begun.path);
    return new FileResume(known, begun?.note);
  }

  /** The backup is complete: its snapshot says all that the notes have said. */
  remove(): void {
    for (const path of this.#resumes) this.#notes?.remove(path);
    const targets = this.#options.targets.map((target) => Buffer.from(target as string));
    for (const { files } of this.#restored) {
      if (targets.some((target) => isTarget(files, target) || isBelow(files.header.target, target)))
        this.#notes?.remove(files.path);
    }
  }

  close(): void {
    for (const { files } of this.#restored) files.close();
    this.#restored = [];
  }

  /** As far as every blob is in the repository and the lengths come to what was noted. */
  #storedRanges(ranges: readonly NotedRange[]): NotedRange[] {
    const stored: NotedRange[] = [];
    let offset = 0;
    for (const range of ranges) {
      for (const id of range.content) offset += this.#lengthOf(id) ?? Number.NaN;
      if (offset !== range.endOffset) break;
      stored.push(range);
    }
    return stored;
  }

  #lengthOf(id: BlobId): number | undefined {
    const [location] = this.#index.lookup({ type: "data", id });
    return location && plaintextLength(location);
  }
}

/** By device and inode: a volume has another path in each pod. */
function isTarget({ header }: RestoredFiles, directory: Buffer): boolean {
  let handle: DirectoryHandle;
  try {
    handle = DirectoryHandle.openRoot(directory);
  } catch {
    return false;
  }
  const { inode, deviceId } = handle.identity();
  handle.close();
  return inode.toString() === header.inode && deviceId.toString() === header.device;
}

function isBelow(path: string, directory: Buffer): boolean {
  const above = resolve(directory.toString());
  return path === above || path.startsWith(above === "/" ? above : `${above}/`);
}
