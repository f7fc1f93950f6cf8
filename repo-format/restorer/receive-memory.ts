// Memory that ranges of packs are received into and that comes back from the threads when they have opened what was in it.
// Fresh memory costs a page fault for each 4 KiB, which is more than everything else that happens to a byte on its way.
import { ByteBudget } from "../workers/byte-budget.ts";

/** Sizes in steps, so that what was taken for one range fits the next. */
const stepBytes: number = 1024 * 1024;

type Budget = Pick<ByteBudget, "limitBytes">;

/**
 * Of the budget of the threads: what is on its way waits for the store most of the time. Nothing is copied any more on its way
 * to a thread, so that the most that lies in memory is less than it was with the budget itself.
 */
const shareOfBudget = 1.5;

/** Restores that share threads share the memory, too. */
const shared = new WeakMap<Budget, { readonly memory: ReceiveMemory; users: number }>();

/** Runs `fn` with the memory that belongs to the budget; what is kept is freed when nobody uses it any more. */
export async function withReceiveMemory<T>(budget: Budget, fn: (memory: ReceiveMemory) => Promise<T>): Promise<T> {
  const entry = shared.get(budget) ?? { memory: new ReceiveMemory(budget.limitBytes * shareOfBudget), users: 0 };
  shared.set(budget, entry);
  entry.users++;
  try {
    return await fn(entry.memory);
  } finally {
    entry.users--;
    if (entry.users === 0) entry.memory.free();
  }
}

export class ReceiveMemory {
  /** Whoever takes memory takes so many bytes of it before. */
  readonly budget: ByteBudget;
  /** The one that came back last comes last. */
  readonly #spares: ArrayBuffer[] = [];
  #spareBytes = 0;
  #takenBytes = 0;

  /** @param limitBytes of all memory together; beyond it nothing is kept for later. */
  constructor(limitBytes: number) {
    this.budget = new ByteBudget(limitBytes);
  }

  /** What is kept for later. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** Memory with room for so many bytes; what is in it is of no use. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const wanted = Math.max(stepBytes, Math.ceil(bytes / stepBytes) * stepBytes);
    const place = this.#spares.findLastIndex(({ byteLength }) => byteLength >= wanted && byteLength <= 2 * wanted);
    const [spare] = place < 0 ? [] : this.#spares.splice(place, 1);
    if (spare !== undefined) this.#spareBytes -= spare.byteLength;
    const memory = spare ?? (Buffer.allocUnsafeSlow(wanted).buffer as ArrayBuffer);
    this.#takenBytes += memory.byteLength;
    this.#dropSpares();
    return new Uint8Array(memory);
  }

  /** Takes back what `take` gave, or a part of it, which may have been to another thread and back. */
  give({ buffer }: Uint8Array<ArrayBuffer>): void {
    this.#takenBytes -= buffer.byteLength;
    this.#spares.push(buffer);
    this.#spareBytes += buffer.byteLength;
    this.#dropSpares();
  }

  /** What is kept goes; what was taken may still come back. */
  free(): void {
    this.#spareBytes = 0;
    for (const spare of this.#spares.splice(0)) spare.transfer(0);
  }

  #dropSpares(): void {
    while (this.#takenBytes + this.#spareBytes > this.budget.limitBytes) {
      const oldest = this.#spares.shift();
      if (oldest === undefined) return;
      this.#spareBytes -= oldest.byteLength;
      oldest.transfer(0);
    }
  }
}
