// What a worker does for a restore: open sealed blobs, verify them and write them to files, or compare a file on disk with
// the ids that it should have. Pure functions of a task and the key; plaintext never leaves the thread.
import { createHash, type Hash } from "node:crypto";
import type { MasterKey } from "../crypto/master-key.ts";
import { sha256Into } from "../crypto/sha256.ts";
import { RepositoryError, type SerializedRepositoryError } from "../errors.ts";
import { readFully } from "../file-tree/read-file.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { writeAt } from "../file-tree/write-node.ts";
import type { BlobType } from "../format/blob.ts";
import { idBytes } from "../format/id.ts";
import { freeMemory } from "../native/free-memory.ts";
import { BlobOpener } from "./blob-opener.ts";
import { DirectWrites } from "./direct-writes.ts";
import { type DirectoriesResult, type DirectoriesTask, runDirectoriesTask } from "./directories-task.ts";
import { type MadeFile, NewFileMaker, type NewFiles } from "./new-files.ts";
import { type PackFile, PackWindow } from "./pack-window.ts";

/** Three a blob: offset in `sealed`, sealed length, uncompressed length (0: not compressed). */
export const blobColumns = 3;
/**
 * Four a write: number of the blob in its task (-1: no bytes), file descriptor, offset in the file, way (`writeWays`). A
 * negative descriptor is −1 − row of a new file, which has only this one write.
 */
export const writeColumns = 4;

/** How bytes go to a file that is open: as they are, leaving zeros as holes, or past the page cache. */
export const writeWays = { plain: 0, sparse: 1, direct: 2 } as const;

/** Data blobs and the places that they go to. */
export interface WriteTask {
  readonly kind: "write";
  /** Memory of the task's own, which goes with it; empty when the thread reads the pack's file itself. */
  readonly sealed: Uint8Array;
  /** The memory is wanted back: it is used again. */
  readonly givesBack?: boolean | undefined;
  /** Then the offsets of blobs are those in the pack. */
  readonly pack?: PackFile | undefined;
  readonly blobs: Uint32Array;
  /** 32 bytes a blob. */
  readonly ids: Uint8Array;
  /** In the order of the blobs. Every blob has at least one. The descriptors stay open until the task has ended. */
  readonly writes: Float64Array;
  readonly newFiles?: NewFiles | undefined;
}

export interface WriteFailure {
  readonly blob: number;
  /** Number of the write that failed; -1: the blob itself is damaged and was written nowhere. */
  readonly write: number;
  /** The file of the write was there or was made. */
  readonly isMade: boolean;
  readonly error: SerializedRepositoryError;
}

export interface WriteResult {
  readonly kind: "written";
  readonly failures: readonly WriteFailure[];
  /** New files that are there with all their bytes, but not as they should be in every other respect. */
  readonly unfinished: readonly UnfinishedFile[];
  /** By row of the task's new files, where they are to be identified: see identityOf. */
  readonly identities?: BigInt64Array | undefined;
  /** The task's memory, if it was to be given back. */
  readonly sealed?: Uint8Array | undefined;
}

export interface UnfinishedFile extends MadeFile {
  /** Number of the write. */
  readonly write: number;
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

/**
 * A whole pack, read from its file by the thread: its blobs lie back to back, the header follows them. Checking 1 GiB takes 3.5
 * core-seconds this way, 4.0 when the main thread reads, hashes and hands over the bytes.
 */
export interface VerifyPackTask {
  readonly kind: "verify-pack";
  readonly fd: number;
  readonly blobs: Uint32Array;
  readonly ids: Uint8Array;
  readonly types: readonly BlobType[];
  /** Bytes after the last blob. */
  readonly tailBytes: number;
}

export interface VerifyPackResult {
  readonly kind: "pack-verified";
  readonly failures: VerifyResult["failures"];
  /** SHA-256 of everything that was read, in hex. */
  readonly hash: string;
  /** The bytes after the last blob. */
  readonly tail: Uint8Array;
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

export type RestoreTask = DirectoriesTask | WriteTask | CompareTask | VerifyTask | VerifyPackTask;
export type RestoreTaskResult = DirectoriesResult | WriteResult | CompareResult | VerifyResult | VerifyPackResult;

const nothing: Buffer = Buffer.alloc(0);
const maxKeptBytes: number = 9 * 1024 * 1024;

let lastKey: MasterKey | undefined;
let lastOpener: BlobOpener | undefined;
/** Where pieces of files are read for a comparison; kept between tasks. */
let scratch: Buffer = Buffer.alloc(0);
const actualId: Buffer = Buffer.alloc(idBytes);

export function runRestoreTask(task: RestoreTask, key: MasterKey): RestoreTaskResult {
  switch (task.kind) {
    case "directories":
      return runDirectoriesTask(task);
    case "write":
      return writeBlobs(task, openerOf(key));
    case "compare":
      return comparePieces(task);
    case "verify":
      return verifyBlobs(task, openerOf(key));
    case "verify-pack":
      return verifyPack(task, openerOf(key));
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
  const unfinished: UnfinishedFile[] = [];
  const { writes } = task;
  const window = task.pack && new PackWindow(task.pack);
  const maker = task.newFiles === undefined ? undefined : new NewFileMaker(task.newFiles);
  const fail = ({ blob, write, action, isMade = true }: FailingWrite, error: unknown): void =>
    void failures.push({ blob, write, isMade, error: targetError(error, action).toJSON() });
  const direct = new DirectWrites<FailingWrite>(fail);
  let opened = -1;
  let plaintext: Buffer | undefined = nothing;
  for (let write = 0; write * writeColumns < writes.length; write++) {
    const row = write * writeColumns;
    const blob = writes[row] as number;
    if (blob !== opened) {
      opened = blob;
      plaintext = blob < 0 ? nothing : openTaskBlob({ task, window }, blob, opener, failures);
    }
    if (plaintext === undefined) continue;
    const fd = writes[row + 1] as number;
    const offset = writes[row + 2] as number;
    const action = `write ${plaintext.length} bytes at offset ${offset}`;
    try {
      if (fd < 0) {
        const made = (maker as NewFileMaker).make(-1 - fd, plaintext);
        if (!made.isFinished || made.problems.length > 0) unfinished.push({ write, ...made });
      } else if (writes[row + 3] === writeWays.direct) {
        direct.write({ blob, write, action }, { fd, bytes: plaintext, offset });
      } else writeAt(fd, plaintext, offset, { sparse: writes[row + 3] === writeWays.sparse });
    } catch (error) {
      const isMade = fd >= 0 || maker?.isMade === true;
      fail({ blob, write, isMade, action: isMade ? action : "open the file" }, error);
    }
  }
  direct.flush();
  window?.close();
  const identities = maker?.identities;
  const result = { kind: "written", failures, unfinished, ...(identities && { identities }) } as const;
  if (task.givesBack === true) return { ...result, sealed: task.sealed };
  freeMemory(task.sealed);
  return result;
}

interface FailingWrite {
  readonly blob: number;
  readonly write: number;
  readonly action: string;
  readonly isMade?: boolean;
}

function verifyBlobs(task: VerifyTask, opener: BlobOpener): VerifyResult {
  const failures: WriteFailure[] = [];
  for (const blob of task.types.keys()) openTaskBlob({ task, window: undefined }, blob, opener, failures);
  if (task.givesBack) return { kind: "verified", failures, sealed: task.sealed };
  freeMemory(task.sealed);
  return { kind: "verified", failures };
}

/** @throws RepositoryError "pack-damaged", "storage-unavailable": the file cannot be read to its end. */
function verifyPack(task: VerifyPackTask, opener: BlobOpener): VerifyPackResult {
  const failures: WriteFailure[] = [];
  const { blobs, tailBytes } = task;
  const count = task.types.length;
  const last = (count - 1) * blobColumns;
  const tailStart = (blobs[last] as number) + (blobs[last + 1] as number);
  const window = new PackWindow({ fd: task.fd, end: tailStart + tailBytes });
  const hash = createHash("sha256");
  try {
    let hashed = 0;
    for (let blob = 0; blob < count; blob++) {
      const row = blob * blobColumns;
      const [offset, length] = [blobs[row] as number, blobs[row + 1] as number];
      window.read(offset, length);
      // All that is in memory, once: a call for each of thousands of small blobs costs as much as their bytes.
      if (offset + length > hashed) hashed += hashOn(window, hashed, hash);
      openTaskBlob({ task, window }, blob, opener, failures);
    }
    const tail = Uint8Array.from(window.read(tailStart, tailBytes));
    hashed += hashOn(window, hashed, hash);
    if (hashed !== tailStart + tailBytes) throw new Error("bug: a pack was not hashed to its end");
    return { kind: "pack-verified", failures, hash: hash.digest("hex"), tail };
  } finally {
    window.close();
  }
}

/** @returns the bytes that are hashed besides. */
function hashOn(window: PackWindow, from: number, hash: Hash): number {
  const bytes = window.loadedFrom(from);
  hash.update(bytes);
  return bytes.length;
}

interface BlobSource {
  readonly task: WriteTask | VerifyTask | VerifyPackTask;
  /** Undefined: the bytes came with the task. */
  readonly window: PackWindow | undefined;
}

function openTaskBlob(
  { task, window }: BlobSource,
  blob: number,
  opener: BlobOpener,
  failures: WriteFailure[],
): Buffer | undefined {
  const row = blob * blobColumns;
  const offset = task.blobs[row] as number;
  const length = task.blobs[row + 1] as number;
  const id = idAt(task.ids, blob);
  const type = task.kind === "write" ? "data" : (task.types[blob] ?? "data");
  try {
    const isHere = window === undefined && task.kind !== "verify-pack";
    const sealed = isHere ? task.sealed.subarray(offset, offset + length) : (window as PackWindow).read(offset, length);
    return opener.open({ type, id, uncompressedLength: task.blobs[row + 2] as number }, sealed);
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    failures.push({ blob, write: -1, isMade: false, error: error.toJSON() });
    return undefined;
  }
}

function idAt(ids: Uint8Array, place: number): Uint8Array {
  return ids.subarray(place * idBytes, (place + 1) * idBytes);
}

function comparePieces(task: CompareTask): CompareResult {
  const matches = new Uint8Array(task.lengths.length);
  let readError: string | undefined;
  for (const [piece, length] of task.lengths.entries()) {
    if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(Math.max(length, 2 * scratch.length));
    const bytes = scratch.subarray(0, length);
    try {
      const count = readFully(task.fd, bytes, task.offsets[piece] as number);
      sha256Into(bytes, actualId);
      matches[piece] = count === length && actualId.equals(idAt(task.ids, piece)) ? 1 : 0;
    } catch (error) {
      readError ??= (error as Error).message;
    }
  }
  if (scratch.length > maxKeptBytes) scratch = Buffer.alloc(0);
  return { kind: "compared", matches, readError };
}
