// Files with several names: the first name's content serves the others, as long as the kernel says that nothing changed
// in between. Forgotten when all names were seen, or when there are too many: then a name is read once more.
import type { FileStat } from "../file-tree/file-stat.ts";
import type { BlobId } from "../format/id.ts";

const rememberedFiles = 65_536;

/** What was read of a file. */
export interface FileContent {
  readonly content: readonly BlobId[];
  readonly sizeBytes: number;
}

/** A file whose first name is being read, or was. */
export class LinkedFile {
  #result: FileContent | undefined;
  #isSettled = false;
  #waiting: ((content: FileContent | undefined) => void)[] = [];

  /** Calls back with the content as soon as it is known; with undefined when it could not be read. */
  whenSettled(callback: (content: FileContent | undefined) => void): void {
    if (this.#isSettled) callback(this.#result);
    else this.#waiting.push(callback);
  }

  settle(content: FileContent | undefined): void {
    this.#result = content;
    this.#isSettled = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback(content);
  }
}

interface Remembered {
  readonly file: LinkedFile;
  readonly identity: string;
  namesLeft: number;
}

export class HardLinks {
  readonly #files = new Map<string, Remembered>();

  /** The file behind a name with other names; `isFirst`: the caller reads it, and settles it in any case. */
  lookUp(stat: FileStat): { readonly file: LinkedFile; readonly isFirst: boolean } {
    const key = `${stat.dev}:${stat.ino}`;
    const identity = `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    const known = this.#files.get(key);
    if (known?.identity === identity) {
      known.namesLeft--;
      if (known.namesLeft === 0) this.#files.delete(key);
      return { file: known.file, isFirst: false };
    }
    const file = new LinkedFile();
    if (this.#files.size >= rememberedFiles) this.#files.delete(this.#files.keys().next().value as string);
    this.#files.set(key, { file, identity, namesLeft: Number(stat.nlink) - 1 });
    return { file, isFirst: true };
  }
}
