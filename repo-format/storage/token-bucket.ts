// Holds back what goes faster than a rate. Whoever comes takes what is needed at once, going into debt, and waits until the
// debt is paid: so large takers and small ones are served in the order in which they came, and none of them starves. The
// rate may change while they wait.
import { setTimeout as sleepFor } from "node:timers/promises";
import { RepositoryError } from "../errors.ts";

export interface TokenBucketOptions {
  /** Above 0; Infinity: no limit. */
  readonly bytesPerSecond: number;
  /** Milliseconds that never go back. */
  readonly monotonicClock?: (() => number) | undefined;
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** What was not used lately may be used at once, up to this much. */
const burstMs = 1000;
/** Timers take no longer times, and less than a thousandth of a millisecond is a rounding error. */
const maxSleepMs = 1_000_000_000;
const minSleepMs = 0.001;

/** Bytes a second for everybody who takes from it: one may serve several stores. */
export class TokenBucket {
  readonly #clock: () => number;
  readonly #sleep: NonNullable<TokenBucketOptions["sleep"]>;
  #bytesPerMs: number;
  /** Of all takers so far. */
  #takenBytes = 0;
  /** How much of that has been paid for at `#settledMs`; more than was taken, when there is something to spare. */
  #paidBytes: number;
  #settledMs: number;
  #passedBytes = 0;
  /** Fires when the rate changes: those who wait reckon anew. */
  #rateChange = new AbortController();

  /** @throws RepositoryError "argument-invalid" for a rate that is none */
  constructor(options: TokenBucketOptions) {
    this.#bytesPerMs = checked(options.bytesPerSecond) / 1000;
    this.#clock = options.monotonicClock ?? (() => performance.now());
    this.#sleep = options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal }));
    this.#settledMs = this.#clock();
    this.#paidBytes = this.#burstBytes();
  }

  get isUnlimited(): boolean {
    return this.#bytesPerMs === Number.POSITIVE_INFINITY;
  }

  /** What has gone through so far; it stands still while nothing is held back. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** From now on; what waits goes on at the new rate. @throws RepositoryError "argument-invalid" for a rate that is none */
  setRate(bytesPerSecond: number): void {
    const bytesPerMs = checked(bytesPerSecond) / 1000;
    if (bytesPerMs === this.#bytesPerMs) return;
    this.#settle();
    this.#bytesPerMs = bytesPerMs;
    this.#settle();
    this.#rateChange.abort();
    this.#rateChange = new AbortController();
  }

  /** Resolves when so many bytes may have gone through. @throws RepositoryError "cancelled" */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.isUnlimited) return;
    this.#settle();
    this.#takenBytes += bytes;
    const place = this.#takenBytes;
    try {
      for (let waitMs = this.#waitMs(place); waitMs > minSleepMs; waitMs = this.#waitMs(place)) {
        await this.#pause(Math.min(waitMs, maxSleepMs), signal);
      }
    } catch (cause) {
      this.#takenBytes -= bytes;
      throw new RepositoryError("cancelled", "the operation was cancelled", { cause });
    }
    this.#passedBytes += bytes;
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const changed = this.#rateChange.signal;
    try {
      await this.#sleep(ms, signal === undefined ? changed : AbortSignal.any([signal, changed]));
    } catch (error) {
      if (signal?.aborted === true || !changed.aborted) throw error;
    }
  }

  #waitMs(place: number): number {
    this.#settle();
    return this.isUnlimited ? 0 : (place - this.#paidBytes) / this.#bytesPerMs;
  }

  /** Pays for the time that has gone by. */
  #settle(): void {
    const nowMs = this.#clock();
    const paidBytes = this.#paidBytes + (nowMs - this.#settledMs) * (this.isUnlimited ? 0 : this.#bytesPerMs);
    // Without a limit there is no debt.
    const leastBytes = this.isUnlimited ? this.#takenBytes : Number.NEGATIVE_INFINITY;
    this.#paidBytes = Math.max(leastBytes, Math.min(paidBytes, this.#takenBytes + this.#burstBytes()));
    this.#settledMs = nowMs;
  }

  #burstBytes(): number {
    return this.isUnlimited ? 0 : this.#bytesPerMs * burstMs;
  }
}

function checked(bytesPerSecond: number): number {
  if (bytesPerSecond > 0) return bytesPerSecond;
  throw new RepositoryError("argument-invalid", `a rate must be above 0 bytes a second; got ${bytesPerSecond}`);
}
