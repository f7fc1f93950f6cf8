// Some wait, others ring: waits that end early when there is something to look at.
import type { Clock } from "../../../platform/clock.ts";

export class Bell {
  readonly #clock: Clock;
  #rung = new AbortController();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often it has rung: to be read before looking at what one waits for. */
  get count(): number {
    return this.#count;
  }

  ring(): void {
    this.#count++;
    this.#rung.abort();
    this.#rung = new AbortController();
  }

  /**
   * Until it rings, at most that long; not at all when it has rung since `count` was read.
   * Rejects with the signal's reason.
   */
  async wait(count: number, ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (count !== this.#count) return;
    await this.#clock.sleep(ms, AbortSignal.any([signal, this.#rung.signal])).catch(() => undefined);
    signal.throwIfAborted();
  }
}
