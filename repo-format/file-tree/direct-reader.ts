// Reads pieces of a file past the page cache where they are not in it.
import { constants, readSync } from "node:fs";
import { alignmentBytes, isDirectRefusal } from "../native/aligned-memory.ts";
import { isCached } from "../native/page-cache.ts";
import { closeDirect, reopenDirectly } from "./direct-access.ts";

/** Less than this is not worth a descriptor and a wait without reading ahead. */
const leastBytes: number = 1024 * 1024;

export class DirectReader {
  readonly #fd: number;
  #directFd: number | undefined;
  #isRefused = false;

  /** @param fd of the file, opened in the usual way. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether so many bytes from here on are better read past the page cache. */
  isBetter(offset: number, length: number): boolean {
    return !this.#isRefused && (this.#directFd !== undefined || length >= leastBytes) && !isCached(this.#fd, offset);
  }

  /**
   * @param memory aligned; receives whole blocks. @param offset a whole number of blocks.
   * @returns how many of the bytes are there, fewer only at the end of the file; undefined when the usual way is the only one.
   */
  read(memory: Buffer, offset: number, length: number): number | undefined {
    const whole = Math.ceil(length / alignmentBytes) * alignmentBytes;
    this.#directFd ??= reopenDirectly(this.#fd, constants.O_RDONLY);
    if (this.#directFd === undefined) return this.#refuse();
    let done = 0;
    try {
      while (done < length) {
        const count = readSync(this.#directFd, memory, done, whole - done, offset + done);
        done += count;
        if (count === 0 || count % alignmentBytes !== 0) break;
      }
    } catch (error) {
      if (!isDirectRefusal(error)) throw error;
      return this.#refuse();
    }
    return Math.min(done, length);
  }

  close(): void {
    this.#directFd = closeDirect(this.#directFd);
  }

  #refuse(): undefined {
    this.#isRefused = true;
  }
}
