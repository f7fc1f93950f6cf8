// Joins pieces of a file that lie one behind the other and writes them past the page cache, whole blocks at a time. The
// blocks at both ends, which are shared with what lies beside them, go the usual way, so the two ways never meet in a page.
import { constants } from "node:fs";
import { alignmentBytes, allocateAligned, isDirectRefusal } from "../native/aligned-memory.ts";
import { closeDirect, reopenDirectly } from "./direct-access.ts";
import { writeAt, writeSome } from "./write-node.ts";

/** Written at a time, by each thread. */
const roomBytes: number = 4 * 1024 * 1024;
/** Less than this is not worth a descriptor and the wait for the disk. */
const leastBytes: number = 512 * 1024;

/** One at a time in a thread: they share their memory. */
let room: Buffer | undefined;

export class DirectWriter {
  /** Of the run that is being collected; -1: none. */
  #fd = -1;
  #directFd: number | undefined;
  #isRefused = false;
  /** Offset in the file of the first byte of the room; a whole number of blocks. */
  #base = 0;
  /** What of the room is to be written. */
  #start = 0;
  #end = 0;

  /**
   * Takes a piece, which need not be kept. Earlier pieces may be written now.
   * @throws Node's errors, of this piece or of an earlier one of the same run.
   */
  add(fd: number, bytes: Uint8Array, offset: number): void {
    if (fd !== this.#fd || offset !== this.#base + this.#end) {
      this.flush();
      this.#begin(fd, offset);
    }
    const memory = roomOf();
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + roomBytes - this.#end);
      memory.set(part, this.#end);
      this.#end += part.length;
      done += part.length;
      if (this.#end === roomBytes) this.#writeRoom();
    }
  }

  /** Writes what is left; must be called before the descriptor is closed. @throws Node's errors. */
  flush(): void {
    if (this.#fd < 0) return;
    try {
      this.#writeRoom();
    } finally {
      this.#fd = -1;
      this.#directFd = closeDirect(this.#directFd);
    }
  }

  /** Forgets what was not written. */
  abandon(): void {
    this.#start = this.#end = 0;
    this.flush();
  }

  #begin(fd: number, offset: number): void {
    this.#fd = fd;
    this.#isRefused = false;
    this.#start = this.#end = offset % alignmentBytes;
    this.#base = offset - this.#start;
  }

  /** Afterwards the room is empty and begins where the file goes on. */
  #writeRoom(): void {
    const memory = roomOf();
    const { alignedStart, alignedEnd } = this.#blocks();
    const written = this.#writeBlocks(memory.subarray(alignedStart, alignedEnd), this.#base + alignedStart);
    const rest = alignedStart + written;
    writeAt(this.#fd, memory.subarray(this.#start, Math.min(alignedStart, this.#end)), this.#base + this.#start);
    if (rest < this.#end) writeAt(this.#fd, memory.subarray(rest, this.#end), this.#base + rest);
    const end = this.#base + this.#end;
    this.#start = this.#end = end % alignmentBytes;
    this.#base = end - this.#start;
  }

  #blocks(): { alignedStart: number; alignedEnd: number } {
    const alignedStart = Math.ceil(this.#start / alignmentBytes) * alignmentBytes;
    return { alignedStart, alignedEnd: Math.max(alignedStart, this.#end - (this.#end % alignmentBytes)) };
  }

  /** @returns how many bytes are in the file; the rest is for the usual way. */
  #writeBlocks(blocks: Buffer, offset: number): number {
    if (blocks.length < leastBytes || this.#isRefused) return 0;
    this.#directFd ??= reopenDirectly(this.#fd, constants.O_WRONLY);
    if (this.#directFd === undefined) {
      this.#isRefused = true;
      return 0;
    }
    let done = 0;
    try {
      while (done < blocks.length) {
        const count = writeSome(this.#directFd, blocks.subarray(done), offset + done);
        done += count - (count % alignmentBytes);
        // Part of a block means an end of space or quota: the usual way finds out which.
        if (count % alignmentBytes !== 0) break;
      }
    } catch (error) {
      if (!isDirectRefusal(error)) throw error;
      this.#isRefused = true;
    }
    return done;
  }
}

function roomOf(): Buffer {
  room ??= allocateAligned(roomBytes);
  return room;
}
