// The sealed bytes of a task: memory that came with it, or a pack's file of which a window at a time is read into memory that
// the thread uses again and again. Of 1 GiB that was restored from files, a fifth of the processor time went into fresh pages
// and copies before threads read them themselves.
import { RepositoryError } from "../errors.ts";
import { DirectReader } from "../file-tree/direct-reader.ts";
import { readFully } from "../file-tree/read-file.ts";
import { alignmentBytes, allocateAligned } from "../native/aligned-memory.ts";

/** Small enough to stay in the processor's second cache until it is opened. */
const windowBytes: number = 1024 * 1024;
/** From a disk: nobody reads ahead, so there is a wait for each. */
const directWindowBytes: number = 4 * 1024 * 1024;
const maxKeptBytes: number = 9 * 1024 * 1024;

let kept: Buffer = Buffer.alloc(0);

/** A part of a pack's file. */
export interface PackFile {
  /** Stays open until the task has ended. */
  readonly fd: number;
  /** Where the bytes that are wanted end: nothing is read beyond. */
  readonly end: number;
}

/** One at a time in a thread: they share their memory. `close` it. */
export class PackWindow {
  readonly #file: PackFile;
  readonly #direct: DirectReader;
  #start = 0;
  #end = 0;

  constructor(file: PackFile) {
    this.#file = file;
    this.#direct = new DirectReader(file.fd);
  }

  close(): void {
    this.#direct.close();
  }

  /** Valid until the next call. @throws RepositoryError "pack-damaged" when the file is shorter; "storage-unavailable". */
  read(offset: number, length: number): Uint8Array {
    if (offset < this.#start || offset + length > this.#end) this.#load(offset, length);
    return kept.subarray(offset - this.#start, offset - this.#start + length);
  }

  /** What is in memory from there on, which may be nothing; valid until the next `read`. */
  loadedFrom(offset: number): Uint8Array {
    if (offset < this.#start || offset > this.#end) return kept.subarray(0, 0);
    return kept.subarray(offset - this.#start, Math.min(this.#end, this.#file.end) - this.#start);
  }

  #load(offset: number, length: number): void {
    const { fd, end } = this.#file;
    const isDirect = this.#direct.isBetter(offset, end - offset);
    const before = isDirect ? offset % alignmentBytes : 0;
    const wanted = Math.max(length, Math.min(isDirect ? directWindowBytes : windowBytes, end - offset)) + before;
    this.#start = this.#end = offset - before;
    const memory = keptOf(wanted);
    const count = attempt(
      () => (isDirect && this.#direct.read(memory, this.#start, wanted)) || readFully(fd, memory, this.#start, wanted),
    );
    this.#end = this.#start + count;
    const missing = length + before - count;
    if (missing > 0) throw new RepositoryError("pack-damaged", `the pack ends ${missing} bytes too early`);
  }
}

/** Aligned, with room for whole blocks. */
function keptOf(bytes: number): Buffer {
  const whole = Math.ceil(bytes / alignmentBytes) * alignmentBytes;
  if (kept.length < whole || kept.length > maxKeptBytes) kept = allocateAligned(whole);
  return kept;
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = `the pack cannot be read: ${(error as Error).message}`;
    throw new RepositoryError("storage-unavailable", message, { cause: error });
  }
}
