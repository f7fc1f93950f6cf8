// Holds back what goes faster than a rate. Whoever comes takes what is needed at once, going into debt, and waits until the
// debt is paid: so large takers and small ones are served in the order in which they came, and none of them starves.
import { setTimeout as sleepFor } from "node:timers/promises";
import { RepositoryError } from "../errors.ts";

export interface TokenBucketOptions {
  /** Above 0. */
  readonly bytesPerSecond: number;
  /** Milliseconds that never go back. */
  readonly monotonicClock?: (() => number) | undefined;
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** What was not used lately may be used at once, up to this much. */
const burstMs = 1000;

export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #clock: () => number;
  readonly #sleep: NonNullable<TokenBucketOptions["sleep"]>;
  /** When everything taken so far will have gone through. */
  #paidMs: number;

  /** @throws RepositoryError "argument-invalid" for a rate that is none */
  constructor(options: TokenBucketOptions) {
    const { bytesPerSecond } = options;
    if (!(bytesPerSecond > 0)) {
      throw new RepositoryError("argument-invalid", `a rate must be above 0 bytes a second; got ${bytesPerSecond}`);
    }
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#clock = options.monotonicClock ?? (() => performance.now());
    this.#sleep = options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal }));
    this.#paidMs = this.#clock() - burstMs;
  }

  /** Resolves when so many bytes may have gone through. @throws RepositoryError "cancelled" */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = this.#clock();
    const costMs = bytes / this.#bytesPerMs;
    this.#paidMs = Math.max(this.#paidMs, now - burstMs) + costMs;
    const waitMs = this.#paidMs - now;
    if (waitMs <= 0) return;
    try {
      await this.#sleep(waitMs, signal);
    } catch (cause) {
      this.#paidMs -= costMs;
      throw new RepositoryError("cancelled", "the operation was cancelled", { cause });
    }
  }
}
