// Measures the time during which at least one of something was under way, however many were at once: waits of parallel
// tasks overlap, and their sum would say nothing about how long anything stood still.

export class Stopwatch {
  readonly #monotonicClock: () => number;
  #underWay = 0;
  #startMs = 0;
  #totalMs = 0;

  /** @param monotonicClock milliseconds that never go back */
  constructor(monotonicClock: () => number) {
    this.#monotonicClock = monotonicClock;
  }

  /** Of what has ended. */
  get seconds(): number {
    return this.#totalMs / 1000;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    if (this.#underWay++ === 0) this.#startMs = this.#monotonicClock();
    try {
      return await work;
    } finally {
      if (--this.#underWay === 0) this.#totalMs += this.#monotonicClock() - this.#startMs;
    }
  }
}
