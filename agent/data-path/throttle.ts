// What all transfers of this node together may use: bytes a second to and from stores, and files at a time. The limits
// change while transfers run: by the ConfigMap, and by a share that falls while the node is under pressure.

import { type StorageOptions, TaskGate, TokenBucket } from "../../repo-format/index.ts";
import type { Clock } from "../../src/platform/clock.ts";

/** Undefined: no limit. */
export interface ThrottleLimits {
  readonly uploadBytesPerSecond?: number | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
  readonly concurrentFiles?: number | undefined;
}

/** However great the pressure, so much goes through: otherwise a transfer would count as one that stands still. */
const leastBytesPerSecond: number = 64 * 1024;

export class Throttle {
  /** One gate for the threads of all repositories. */
  readonly gate: TaskGate = new TaskGate();
  readonly #upload: TokenBucket;
  readonly #download: TokenBucket;
  readonly #cores: number;
  #limits: ThrottleLimits = {};
  #share = 1;

  /** @param cores files at a time where nothing limits them */
  constructor(clock: Pick<Clock, "monotonicMs" | "sleep">, cores: number) {
    const time = {
      monotonicClock: () => clock.monotonicMs(),
      sleep: (ms: number, signal: AbortSignal | undefined) => clock.sleep(ms, signal),
    };
    this.#upload = new TokenBucket({ ...time, bytesPerSecond: Number.POSITIVE_INFINITY });
    this.#download = new TokenBucket({ ...time, bytesPerSecond: Number.POSITIVE_INFINITY });
    this.#cores = cores;
  }

  /** For every store that is opened. */
  get bandwidth(): NonNullable<StorageOptions["bandwidth"]> {
    return { uploadBucket: this.#upload, downloadBucket: this.#download };
  }

  /** Grows while bytes that are held back go through. */
  get passedBytes(): number {
    return this.#upload.passedBytes + this.#download.passedBytes;
  }

  setLimits(limits: ThrottleLimits): void {
    this.#limits = limits;
    this.#apply();
  }

  /** @param share of the limits, above 0 to 1 */
  setShare(share: number): void {
    this.#share = share;
    this.#apply();
  }

  #apply(): void {
    const { uploadBytesPerSecond, downloadBytesPerSecond, concurrentFiles } = this.#limits;
    this.#upload.setRate(this.#rate(uploadBytesPerSecond));
    this.#download.setRate(this.#rate(downloadBytesPerSecond));
    this.gate.setLimit(this.#files(concurrentFiles ?? Number.POSITIVE_INFINITY));
  }

  #rate(bytesPerSecond: number | undefined): number {
    if (bytesPerSecond === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(bytesPerSecond * this.#share, Math.min(bytesPerSecond, leastBytesPerSecond));
  }

  #files(limit: number): number {
    if (this.#share === 1) return limit;
    return Math.max(1, Math.floor(Math.min(limit, this.#cores) * this.#share));
  }
}
