// What the main thread and a blob worker say to each other. Many small things travel as columns (typed arrays and slabs of
// bytes) that are transferred, because cloning thousands of small objects costs more than the work they describe.
import type { CompressionMode } from "../compression/zstd.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import { RepositoryError, type SerializedRepositoryError } from "../errors.ts";
import type { ListedRoot, ListerOptions, ListingColumns } from "../file-tree/directory-lister.ts";
import type { PathExcludes } from "../file-tree/excluded-paths.ts";
import type { BlobType } from "../format/blob.ts";
import { type BlobId, idBytes } from "../format/id.ts";
import type { SharedTableHandle } from "../index/shared-blob-table.ts";
import type { RestoreTask, RestoreTaskResult } from "./restore-task.ts";
import type { OpenedFileStat } from "./source-file.ts";
import type { WindowCuts } from "./window-cutter.ts";

/** What a worker needs for its whole life. */
export interface BlobWorkerSetup {
  readonly masterKey: MasterKey;
  /** How data blobs are compressed; "off" in a repository of version 1. */
  readonly dataCompression: CompressionMode;
  /** How tree blobs are compressed: never "off" in version 2, where restic compresses them always. */
  readonly treeCompression: CompressionMode;
  /** Open each sealed blob again and compare it with the plaintext. */
  readonly extraVerify: boolean;
}

/** A backup that a task belongs to: what it has sealed so far need not be sealed again. */
export interface RunTicket {
  readonly number: number;
  /** One word; not 0 when the run was cancelled: look between files. */
  readonly cancelled: SharedArrayBuffer;
}

/** @throws RepositoryError "cancelled". */
export function throwIfRunCancelled(run: RunTicket): void {
  if (Atomics.load(new Int32Array(run.cancelled), 0) !== 0) {
    throw new RepositoryError("cancelled", "the operation was cancelled");
  }
}

/** Files to read whole, one row each. */
export interface FileBatch {
  /** Descriptor of the directory (descriptors belong to the process, not to the thread). */
  readonly directories: Int32Array;
  /** Raw names, back to back. */
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
  /** Three a file, as lstat saw them: inode, mtime and ctime in nanoseconds. */
  readonly identities: BigInt64Array;
  /** Bytes, as lstat saw them. */
  readonly sizes: Float64Array;
  /** A file that has grown beyond this is left alone ("grown"): its bytes were not taken from the budget. */
  readonly limits: Float64Array;
}

export const identityColumns = 3;

/** How it went for one file. */
export const fileStatus = {
  read: 0,
  /** It changed while it was read, each time. */
  changed: 1,
  vanished: 2,
  unreadable: 3,
  /** Larger than its limit: not read. */
  grown: 4,
} as const;

/** A file that, when it was opened, was not as lstat had seen it. */
export interface UnlikeFile {
  readonly index: number;
  /** Taken before its bytes were read. */
  readonly opened: OpenedFileStat;
}

export interface FileFailure {
  readonly index: number;
  readonly message: string;
}

/** One row for each file of the batch, in its order. */
export interface FileBatchResult {
  readonly statuses: Uint8Array;
  /** Bytes really read. */
  readonly sizes: Float64Array;
  readonly blobCounts: Uint32Array;
  /** Ids of all contents, 32 bytes each. */
  readonly content: Uint8Array;
  readonly unlike: readonly UnlikeFile[];
  readonly failures: readonly FileFailure[];
}

/** A piece of a big file, beginning at a cut. */
export interface FileRange {
  readonly fd: number;
  readonly offset: number;
  /** Bytes to read at most; the chunker's maximum at least. */
  readonly windowBytes: number;
  /** The file ends with this range, or is not to be read any further. */
  readonly isLast: boolean;
  /** The chunk before was one of a run of zeros (see window-cutter.ts). */
  readonly afterZeroChunk: boolean;
}

/** Where a range ends, known long before its chunks are sealed: the next range may begin. */
export interface RangeCut {
  readonly nextOffset: number;
  readonly afterZeroChunk: boolean;
  readonly atEnd: boolean;
}

export interface RangeResult {
  readonly content: Uint8Array;
}

/** Bytes of a stream (stream-cutter.ts), cut already; memory of their own, which is transferred. */
export interface StreamWindow {
  readonly bytes: Uint8Array;
  readonly cuts: WindowCuts;
}

/** Plaintexts whose ids are known already: trees. */
export interface PlaintextBatch {
  readonly type: BlobType;
  /** Plaintexts back to back. */
  readonly bytes: Uint8Array;
  /** End of each plaintext; at most 2^32 − 1. */
  readonly ends: Uint32Array;
  readonly ids: Uint8Array;
}

/** Directories to list, with what lies below them. */
export interface ListRequest extends Pick<ListerOptions, "entries" | "attributesFromNs"> {
  readonly roots: readonly ListedRoot[];
  readonly excludes: PathExcludes;
}

export type WorkerRequest =
  | { readonly kind: "archive-files"; readonly task: number; readonly run: RunTicket; readonly batch: FileBatch }
  | { readonly kind: "archive-range"; readonly task: number; readonly run: RunTicket; readonly range: FileRange }
  | { readonly kind: "archive-window"; readonly task: number; readonly run: RunTicket; readonly window: StreamWindow }
  | { readonly kind: "seal"; readonly task: number; readonly run: RunTicket; readonly plaintexts: PlaintextBatch }
  | { readonly kind: "list"; readonly task: number; readonly run: RunTicket; readonly list: ListRequest }
  | { readonly kind: "restore"; readonly task: number; readonly restore: RestoreTask }
  | { readonly kind: "table"; readonly table: SharedTableHandle }
  | { readonly kind: "end-run"; readonly run: number }
  /** The thread has nothing to do any more, and ends. */
  | { readonly kind: "end" }
  /** Memory of a slab that the thread sent: to be filled again. */
  | { readonly kind: "slab"; readonly slab: ArrayBuffer };

/** Sealed blobs of one slab: `numbers` has four a blob: offset in the slab, sealed, uncompressed and plaintext length. */
export interface SealedColumns {
  readonly type: BlobType;
  readonly slab: Uint8Array;
  readonly ids: Uint8Array;
  readonly numbers: Uint32Array;
}

export const sealedNumbers = 4;

export type TaskResult = FileBatchResult | RangeResult | ListingColumns | RestoreTaskResult | undefined;

/** How long a task took a thread; milliseconds. */
export interface TaskTimes {
  readonly totalMs: number;
  /** Of these for opening and reading files. */
  readonly readingMs: number;
}

export type WorkerReply =
  | { readonly kind: "blobs"; readonly task: number; readonly blobs: SealedColumns }
  | { readonly kind: "cut"; readonly task: number; readonly cut: RangeCut }
  | { readonly kind: "done"; readonly task: number; readonly result: TaskResult; readonly times: TaskTimes }
  | { readonly kind: "failed"; readonly task: number; readonly error: SerializedRepositoryError };

/** A blob that is ready for a pack. */
export interface SealedBlob {
  readonly type: BlobType;
  readonly id: BlobId;
  /** Valid until it was accepted (BlobRunOptions). */
  readonly sealed: Uint8Array;
  /** 0: not compressed. */
  readonly uncompressedLength: number;
  readonly plaintextLength: number;
}

/** The rows of a slab as objects; `sealed` are views of it. */
export function sealedBlobsOf(columns: SealedColumns): SealedBlob[] {
  const { type, slab, numbers } = columns;
  const ids = idsOf(columns.ids);
  return ids.map((id, index) => {
    const at = index * sealedNumbers;
    const offset = numbers[at] ?? 0;
    return {
      type,
      id,
      sealed: slab.subarray(offset, offset + (numbers[at + 1] ?? 0)),
      uncompressedLength: numbers[at + 2] ?? 0,
      plaintextLength: numbers[at + 3] ?? 0,
    };
  });
}

/** Ids that lie back to back, as text. */
export function idsOf(bytes: Uint8Array): BlobId[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  const ids: BlobId[] = [];
  for (let at = 0; at < text.length; at += 2 * idBytes) ids.push(text.slice(at, at + 2 * idBytes) as BlobId);
  return ids;
}

/** An error in the form in which it may cross; what is not the engine's own becomes "worker-failed". */
export function serializeError(error: unknown): SerializedRepositoryError {
  if (RepositoryError.is(error)) return error.toJSON();
  const message = error instanceof Error ? error.message : String(error);
  return new RepositoryError("worker-failed", `a worker thread failed: ${message}`, { cause: error }).toJSON();
}

export function deserializeError(error: SerializedRepositoryError): RepositoryError {
  return RepositoryError.fromJSON(error);
}
