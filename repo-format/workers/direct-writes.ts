// The writes of a task that go to large files, past the page cache: joined while they follow each other, so that a write may
// fail later than it was asked for, together with its neighbours.
import { DirectWriter } from "../file-tree/direct-writer.ts";

/** From this size on, files are not worth their place in the page cache: it is wanted by what runs beside the restore. */
export const directFileBytes: number = 32 * 1024 * 1024;

export interface DirectWrite {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** Serves one task. */
export class DirectWrites<T> {
  readonly #writer = new DirectWriter();
  readonly #onFailed: (write: T, error: unknown) => void;
  /** Of one file, since it was begun: any of them may be what fails. */
  #pending: T[] = [];
  #fd = -1;

  constructor(onFailed: (write: T, error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  /** @param name what `onFailed` is told of it. */
  write(name: T, { fd, bytes, offset }: DirectWrite): void {
    if (fd !== this.#fd) this.flush();
    this.#fd = fd;
    this.#pending.push(name);
    this.#attempt(() => this.#writer.add(fd, bytes, offset));
  }

  /** All of it is in the files, or has failed. */
  flush(): void {
    this.#attempt(() => this.#writer.flush());
    this.#pending = [];
    this.#fd = -1;
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#writer.abandon();
      for (const name of this.#pending.splice(0)) this.#onFailed(name, error);
    }
  }
}
