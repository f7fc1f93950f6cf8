// Plans the regular files of a restore: where each blob lies, which files are further names of one, and what of a file that
// exists can stay.
import { RepositoryError } from "../errors.ts";
import type { FileStat } from "../file-tree/file-stat.ts";
import { plainMetadataOf } from "../file-tree/plain-metadata.ts";
import { closeAfterReading, openForReading } from "../file-tree/read-file.ts";
import { plaintextLength } from "../format/blob.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { parseTime } from "../format/time.ts";
import type { Repository } from "../repository/repository.ts";
import type { BoundedTasks } from "./bounded-tasks.ts";
import { compareFile, type RestoreThreads } from "./compare-file.ts";
import type { RememberedFiles } from "./remembered-files.ts";
import type { OverwriteMode } from "./restore-options.ts";
import { type FileAction, fileAction, type PartLocation, type RestorePlan } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { StandingEntries } from "./standing-entries.ts";
import type { TargetDirectories } from "./target-directories.ts";
import { zeroChunkIds } from "./zero-chunks.ts";

export interface FilePlannerContext {
  readonly repo: Pick<Repository, "index">;
  readonly overwrite: OverwriteMode;
  /** Undefined: the files that had a hole, or so long a run of zeros, when they were backed up. */
  readonly sparse: boolean | undefined;
  /** New files may get their metadata as soon as they have their bytes. */
  readonly finishesFiles: boolean;
  readonly threads: RestoreThreads;
  readonly report: RestoreReport;
  readonly remembered?: Pick<RememberedFiles, "hasContent"> | undefined;
  readonly signal: AbortSignal | undefined;
}

export class FilePlanner {
  readonly #context: FilePlannerContext;
  readonly #plan: RestorePlan;
  readonly #target: TargetDirectories | undefined;
  readonly #zeroIds: ReadonlySet<BlobId>;
  /** Inode and device of files with several names → row of the first. */
  readonly #hardLinks = new Map<string, number>();

  constructor(context: FilePlannerContext, plan: RestorePlan, target: TargetDirectories | undefined) {
    this.#context = context;
    this.#plan = plan;
    this.#target = target;
    this.#zeroIds = context.sparse === false ? new Set() : zeroChunkIds();
  }

  /** Adds the file's row. Comparing with a file that exists may last beyond this call: it ends with `comparisons`. */
  async plan(node: Node, name: string, standing: StandingEntries, comparisons: BoundedTasks): Promise<void> {
    if (node.links > 1 && this.#planLink(node, name, standing.directory)) return;
    const stat = standing.stat(name);
    if (stat !== undefined && !this.#mayOverwrite(node, stat)) {
      const file = this.#plan.addFile(standing.directory, name, node.size, fileAction.skip);
      this.#context.report.skipped(this.#plan.filePath(file), node.size);
      return;
    }
    const isRegular = stat?.isFile() === true;
    const file = this.#addFile(node, name, standing.directory, isRegular ? fileAction.update : fileAction.create);
    if (file === undefined) return;
    if (stat === undefined && this.#context.finishesFiles) this.#noteMetadata(file, node);
    if (!isRegular) return this.#expectNew(file);
    const isEqualSize = stat.size === BigInt(this.#plan.files.sizeBytes.get(file));
    const isTrusted = this.#context.overwrite === "if-changed" && isEqualSize && isSameTime(node, stat);
    if (isTrusted) return this.#keep(file);
    await comparisons.start(() => this.#compare(file, stat, isEqualSize));
  }

  /**
   * @returns true when the node is a further name of a file that comes before. An inode that was used for another file
   * while the backup ran shows as one file with two contents: each gets its own.
   */
  #planLink(node: Node, name: string, directory: number): boolean {
    const key = `${node.inode}:${node.deviceId}`;
    const first = this.#hardLinks.get(key);
    if (first === undefined || !this.#isRestoredWith(first, node.content ?? [])) {
      this.#hardLinks.set(key, this.#plan.files.count);
      return false;
    }
    const file = this.#plan.addFile(directory, name, 0, fileAction.link);
    this.#plan.files.linkTo.set(file, first);
    this.#context.report.expect(0);
    return true;
  }

  /** False also for a file that is not touched, or cannot be had: nobody knows what another name of it would show. */
  #isRestoredWith(file: number, content: readonly BlobId[]): boolean {
    const action = this.#plan.files.action.get(file);
    if (action === fileAction.skip || action === fileAction.failed) return false;
    const { first, end } = this.#plan.partsOf(file);
    return end - first === content.length && content.every((id, index) => this.#plan.part(first + index).id === id);
  }

  #mayOverwrite(node: Node, stat: FileStat): boolean {
    const { overwrite } = this.#context;
    if (overwrite === "never") return false;
    return overwrite !== "if-newer" || parseTime(node.mtime).unixNs > stat.mtimeNs;
  }

  /** Adds the file with all its parts. @returns undefined when one of them is not in the repository. */
  #addFile(node: Node, name: string, directory: number, action: FileAction): number | undefined {
    const { repo, report } = this.#context;
    const content = node.content ?? [];
    const locations: PartLocation[] = [];
    for (const id of content) {
      const location = repo.index.lookup({ type: "data", id })[0];
      if (location === undefined) {
        const failed = this.#plan.addFile(directory, name, node.size, fileAction.failed);
        report.expect(node.size);
        report.fail("data", this.#plan.filePath(failed), blobMissing(id));
        return undefined;
      }
      locations.push(location);
    }
    const sizeBytes = locations.reduce((sum, location) => sum + plaintextLength(location), 0);
    const file = this.#plan.addFile(directory, name, sizeBytes, action);
    if (sizeBytes !== node.size) {
      const message = `its content has ${sizeBytes} bytes, the snapshot says ${node.size}; the content was taken`;
      report.note("data", this.#plan.filePath(file), message);
    }
    let fileOffset = 0;
    for (const [index, location] of locations.entries()) {
      this.#plan.addPart(content[index] as BlobId, location, fileOffset);
      fileOffset += plaintextLength(location);
    }
    return file;
  }

  #noteMetadata(file: number, node: Node): void {
    const plain = plainMetadataOf(node);
    if (plain !== undefined) this.#plan.files.metadata.set(file, plain);
  }

  async #compare(file: number, stat: FileStat, isEqualSize: boolean): Promise<void> {
    const plan = this.#plan;
    const equal = await this.#equalParts(file);
    const { first, end } = plan.partsOf(file);
    if (isEqualSize && equal.length === end - first) {
      this.#context.remembered?.hasContent(file, stat);
      this.#keep(file);
    } else if (stat.nlink > 1n) {
      // Nobody knows which other names the file has: they must not change with it.
      plan.files.action.set(file, fileAction.create);
      this.#expectNew(file);
    } else {
      this.#context.report.expect(plan.files.sizeBytes.get(file));
      for (const part of equal) this.#partIsThere(part);
    }
  }

  /** Parts that are right on disk; none when the file cannot be opened: it is written anew. */
  async #equalParts(file: number): Promise<number[]> {
    const fd = this.#openStanding(file);
    if (fd === undefined) return [];
    const equal: number[] = [];
    const onPart = (part: number, isEqual: boolean): void => {
      if (isEqual) equal.push(part);
    };
    try {
      await compareFile(this.#context.threads, { plan: this.#plan, file, fd }, onPart, this.#context.signal);
      return equal;
    } finally {
      closeAfterReading(fd);
    }
  }

  #openStanding(file: number): number | undefined {
    const { files } = this.#plan;
    try {
      const directory = this.#target?.open(files.directory.get(file));
      return directory && openForReading(directory, files.names.bytes(file)).fd;
    } catch {
      // Not readable for us, or gone meanwhile: it will be opened for writing, and that says why it cannot.
      return undefined;
    }
  }

  #expectNew(file: number): void {
    const { sparse, report } = this.#context;
    report.expect(this.#plan.files.sizeBytes.get(file));
    if (sparse === true) this.#plan.files.isSparse.set(file, 1);
    if (this.#zeroIds.size === 0) return;
    const { first, end } = this.#plan.partsOf(file);
    for (let part = first; part < end; part++) {
      if (!this.#zeroIds.has(this.#plan.part(part).id)) continue;
      // A new sparse file is one hole: its zeros are there.
      this.#plan.files.isSparse.set(file, 1);
      this.#partIsThere(part);
    }
  }

  #partIsThere(part: number): void {
    this.#plan.markPresent(part);
    this.#context.report.addBytes(this.#plan.plaintextLength(part));
  }

  #keep(file: number): void {
    const { first, end } = this.#plan.partsOf(file);
    this.#plan.files.action.set(file, fileAction.keep);
    for (let part = first; part < end; part++) this.#plan.markPresent(part);
    this.#context.report.skipped(this.#plan.filePath(file), this.#plan.files.sizeBytes.get(file));
  }
}

function isSameTime(node: Node, stat: FileStat): boolean {
  return parseTime(node.mtime).unixNs === stat.mtimeNs;
}

function blobMissing(id: BlobId): RepositoryError {
  return new RepositoryError("blob-missing", `the data blob ${id} is in no index file`, { details: { blob: id } });
}
