// What a worker does for a restore: open sealed blobs, verify them and write them to files, or compare a file on disk with
// the ids that it should have. Pure functions of a task and the key; plaintext never leaves the thread.
import type { MasterKey } from "../crypto/master-key.ts";
import { RepositoryError, type SerializedRepositoryError } from "../errors.ts";
import { readFully } from "../file-tree/read-file.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { writeAt } from "../file-tree/write-node.ts";
import type { BlobType } from "../format/blob.ts";
import { type BlobId, idBytes, idFromBytes, idOf } from "../format/id.ts";
import { BlobOpener } from "./blob-opener.ts";
import { freeMemory } from "./free-memory.ts";

/** Three a blob: offset in `sealed`, sealed length, uncompressed length (0: not compressed). */
export const blobColumns = 3;
/** Four a write: number of the blob in its task, file descriptor, offset in the file, 1 to leave zeros as holes. */
export const writeColumns = 4;

/** Data blobs and the places that they go to. */
export interface WriteTask {
  readonly kind: "write";
  /** Memory of the task's own, which goes with it. */
  readonly sealed: Uint8Array;
  readonly blobs: Uint32Array;
  /** 32 bytes a blob. */
  readonly ids: Uint8Array;
  /** In the order of the blobs. Every blob has at least one. The descriptors stay open until the task has ended. */
  readonly writes: Float64Array;
}

export interface WriteFailure {
  readonly blob: number;
  /** Number of the write that failed; -1: the blob itself is damaged and was written nowhere. */
  readonly write: number;
  readonly error: SerializedRepositoryError;
}

export interface WriteResult {
  readonly kind: "written";
  readonly failures: readonly WriteFailure[];
}

/** Pieces of one file and the blobs that they should be equal to. */
export interface CompareTask {
  readonly kind: "compare";
  readonly fd: number;
  /** In bytes, one a piece. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** 32 bytes a piece. */
  readonly ids: Uint8Array;
}

export interface CompareResult {
  readonly kind: "compared";
  /** One a piece: 1 where the file has exactly these bytes. */
  readonly matches: Uint8Array;
  /** Why a piece could not be read; such a piece does not match. */
  readonly readError: string | undefined;
}

/** Blobs of any type that are opened only to see whether they are right. */
export interface VerifyTask {
  readonly kind: "verify";
  /** Memory of the task's own, which goes with it. */
  readonly sealed: Uint8Array;
  /** As in a WriteTask. */
  readonly blobs: Uint32Array;
  readonly ids: Uint8Array;
  /** One a blob. */
  readonly types: readonly BlobType[];
  /** Who stores the sealed bytes elsewhere wants the memory back. */
  readonly givesBack?: boolean;
}

export interface VerifyResult {
  readonly kind: "verified";
  /** Those that are damaged. */
  readonly failures: readonly { readonly blob: number; readonly error: SerializedRepositoryError }[];
  /** The task's memory, if it was to be given back. */
  readonly sealed?: Uint8Array;
}

export type RestoreTask = WriteTask | CompareTask | VerifyTask;
export type RestoreTaskResult = WriteResult | CompareResult | VerifyResult;

const maxKeptBytes: number = 9 * 1024 * 1024;

let lastKey: MasterKey | undefined;
let lastOpener: BlobOpener | undefined;
/** Where pieces of files are read for a comparison; kept between tasks. */
let scratch: Buffer = Buffer.alloc(0);

export function runRestoreTask(task: RestoreTask, key: MasterKey): RestoreTaskResult {
  switch (task.kind) {
    case "write":
      return writeBlobs(task, openerOf(key));
    case "compare":
      return comparePieces(task);
    case "verify":
      return verifyBlobs(task, openerOf(key));
  }
}

/** A thread has one key for its whole life, and binding it costs more than opening a small blob. */
function openerOf(key: MasterKey): BlobOpener {
  if (lastOpener === undefined || lastKey !== key) {
    lastKey = key;
    lastOpener = new BlobOpener(key);
  }
  return lastOpener;
}

function writeBlobs(task: WriteTask, opener: BlobOpener): WriteResult {
  const failures: WriteFailure[] = [];
  const { writes } = task;
  let opened = -1;
  let plaintext: Buffer | undefined;
  for (let write = 0; write * writeColumns < writes.length; write++) {
    const row = write * writeColumns;
    const blob = writes[row] as number;
    if (blob !== opened) {
      opened = blob;
      plaintext = openTaskBlob(task, blob, opener, failures);
    }
    if (plaintext === undefined) continue;
    const offset = writes[row + 2] as number;
    try {
      writeAt(writes[row + 1] as number, plaintext, offset, { sparse: writes[row + 3] === 1 });
    } catch (error) {
      const action = `write ${plaintext.length} bytes at offset ${offset}`;
      failures.push({ blob, write, error: targetError(error, action).toJSON() });
    }
  }
  freeMemory(task.sealed);
  return { kind: "written", failures };
}

function verifyBlobs(task: VerifyTask, opener: BlobOpener): VerifyResult {
  const failures: WriteFailure[] = [];
  for (const blob of task.types.keys()) openTaskBlob(task, blob, opener, failures);
  if (task.givesBack) return { kind: "verified", failures, sealed: task.sealed };
  freeMemory(task.sealed);
  return { kind: "verified", failures };
}

function openTaskBlob(
  task: WriteTask | VerifyTask,
  blob: number,
  opener: BlobOpener,
  failures: WriteFailure[],
): Buffer | undefined {
  const row = blob * blobColumns;
  const offset = task.blobs[row] as number;
  const sealed = task.sealed.subarray(offset, offset + (task.blobs[row + 1] as number));
  const id = idFromBytes<BlobId>(task.ids, blob * idBytes);
  const type = task.kind === "verify" ? (task.types[blob] ?? "data") : "data";
  try {
    return opener.open({ type, id, uncompressedLength: task.blobs[row + 2] as number }, sealed);
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    failures.push({ blob, write: -1, error: error.toJSON() });
    return undefined;
  }
}

function comparePieces(task: CompareTask): CompareResult {
  const matches = new Uint8Array(task.lengths.length);
  let readError: string | undefined;
  for (const [piece, length] of task.lengths.entries()) {
    if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(Math.max(length, 2 * scratch.length));
    const bytes = scratch.subarray(0, length);
    try {
      const count = readFully(task.fd, bytes, task.offsets[piece] as number);
      const isEqual = count === length && idOf(bytes) === idFromBytes(task.ids, piece * idBytes);
      matches[piece] = isEqual ? 1 : 0;
    } catch (error) {
      readError ??= (error as Error).message;
    }
  }
  if (scratch.length > maxKeptBytes) scratch = Buffer.alloc(0);
  return { kind: "compared", matches, readError };
}
