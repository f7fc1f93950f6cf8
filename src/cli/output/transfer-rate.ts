// How fast something goes now: the rate over the last seconds, because a backup's beginning (unchanged files) says little
// about its end (new ones).

const windowSeconds = 20;
const samplesPerSecond = 2;

interface Sample {
  readonly seconds: number;
  readonly bytes: number;
}

export class TransferRate {
  readonly #samples: Sample[] = [{ seconds: 0, bytes: 0 }];

  /** @param seconds since the start. @param bytes done since then. */
  add(seconds: number, bytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && seconds - last.seconds < 1 / samplesPerSecond) return;
    this.#samples.push({ seconds, bytes });
    while (this.#samples.length > 2 && seconds - (this.#samples[1]?.seconds ?? 0) >= windowSeconds)
      this.#samples.shift();
  }

  /** Bytes a second between the oldest sample and now; 0 while nothing can be said. */
  perSecond(seconds: number, bytes: number): number {
    const [oldest] = this.#samples;
    const span = seconds - (oldest?.seconds ?? 0);
    return span > 0 ? Math.max(0, bytes - (oldest?.bytes ?? 0)) / span : 0;
  }
}
