// Uploads finished packs, as many at a time as the store likes, and tells callers when all of those are busy: so they can
// bound the bytes on their way by uploads × pack size.
import { keyOf } from "../storage/key-layout.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { FinishedPack } from "./pack-writer.ts";

export interface PackUploaderOptions {
  readonly storage: Pick<ObjectStorage, "put">;
  /** Uploads at a time. */
  readonly connections: number;
  /** Called after a pack is stored. */
  readonly onStored: (pack: FinishedPack) => void;
  /** Called at the first failure; nothing is uploaded after it. */
  readonly onFailed: (error: unknown) => void;
  readonly signal: AbortSignal;
}

interface QueuedPack {
  readonly pack: FinishedPack;
  readonly settle: () => void;
}

export class PackUploader {
  readonly #options: PackUploaderOptions;
  readonly #waiting: QueuedPack[] = [];
  #running = 0;
  #hasFailed = false;
  /** Callers of `change`. */
  #wakeUps: (() => void)[] = [];

  constructor(options: PackUploaderOptions) {
    this.#options = options;
  }

  /** Queues a pack. The promise resolves when it is stored, and also when it never will be (see `onFailed`). */
  add(pack: FinishedPack): Promise<void> {
    if (this.#hasFailed) return Promise.resolve();
    return new Promise((settle) => {
      this.#waiting.push({ pack, settle });
      this.#startMore();
    });
  }

  /** Whether a pack that is added now goes out at once; and after a failure, so that nobody waits for ever. */
  get hasFreeConnection(): boolean {
    return this.#hasFailed || this.#running < this.#options.connections;
  }

  /** Whether a pack waits for a free connection. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when an upload has ended and the next one has begun. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#wakeUps.push(resolve));
  }

  #startMore(): void {
    while (this.#running < this.#options.connections) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#running++;
      void this.#upload(next);
    }
  }

  async #upload({ pack, settle }: QueuedPack): Promise<void> {
    const { storage, signal, onStored } = this.#options;
    // A pack holds blobs of one type.
    const [first] = pack.blobs;
    const isTreePack = first?.type === "tree";
    try {
      await storage.put(keyOf("pack", pack.id), pack.body, { sha256: pack.id, isTreePack, signal });
      onStored(pack);
      // Not after a failure: a request that was given up may still be reading.
      pack.free();
    } catch (error) {
      this.#fail(error);
    }
    this.#running--;
    settle();
    this.#startMore();
    this.#wakeAll();
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    for (const { settle } of this.#waiting.splice(0)) settle();
    this.#options.onFailed(error);
  }

  #wakeAll(): void {
    const wakeUps = this.#wakeUps;
    this.#wakeUps = [];
    for (const wakeUp of wakeUps) wakeUp();
  }
}
