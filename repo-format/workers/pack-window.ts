// The sealed bytes of a task: memory that came with it, or a pack's file of which a window at a time is read into memory that
// the thread uses again and again. Of 1 GiB that was restored from files, a fifth of the processor time went into fresh pages
// and copies before threads read them themselves.
import { RepositoryError } from "../errors.ts";
import { readFully } from "../file-tree/read-file.ts";

/** Small enough to stay in the processor's second cache until it is opened. */
const windowBytes: number = 1024 * 1024;
const maxKeptBytes: number = 9 * 1024 * 1024;

let kept: Buffer = Buffer.alloc(0);

/** A part of a pack's file. */
export interface PackFile {
  /** Stays open until the task has ended. */
  readonly fd: number;
  /** Where the bytes that are wanted end: nothing is read beyond. */
  readonly end: number;
}

/** One at a time in a thread: they share their memory. */
export class PackWindow {
  readonly #file: PackFile;
  #start = 0;
  #end = 0;

  constructor(file: PackFile) {
    this.#file = file;
  }

  /** Valid until the next call. @throws RepositoryError "pack-damaged" when the file is shorter; "storage-unavailable". */
  read(offset: number, length: number): Uint8Array {
    if (offset < this.#start || offset + length > this.#end) this.#load(offset, length);
    return kept.subarray(offset - this.#start, offset - this.#start + length);
  }

  #load(offset: number, length: number): void {
    const wanted = Math.max(length, Math.min(windowBytes, this.#file.end - offset));
    this.#start = this.#end = offset;
    if (kept.length < wanted || kept.length > maxKeptBytes) kept = Buffer.allocUnsafeSlow(wanted);
    const count = attempt(() => readFully(this.#file.fd, kept, offset, wanted));
    this.#end = offset + count;
    if (count < length) throw new RepositoryError("pack-damaged", `the pack ends ${length - count} bytes too early`);
  }
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = `the pack cannot be read: ${(error as Error).message}`;
    throw new RepositoryError("storage-unavailable", message, { cause: error });
  }
}
