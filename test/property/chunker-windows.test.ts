// Files are cut window by window. The cuts must be those of the whole file, whatever the windows were, or equal data would
// not be stored once.
import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { createFastCdcChunker } from "../../repo-format/chunker/fastcdc-chunker.ts";

const mebibyte = 1024 * 1024;
const chunker = createFastCdcChunker();
const { get_chunks: getChunks } = createRequire(import.meta.url)("fastcdc-wasm") as {
  get_chunks(bytes: Uint8Array, min: number, average: number, max: number): Uint32Array;
};

/** Cuts a file as the archiver does: each window begins at the last accepted cut and is as long as `lengths` say. */
function cutByWindows(file: Buffer, lengths: readonly number[]): number[] {
  const ends: number[] = [];
  let start = 0;
  for (let turn = 0; start < file.length; turn++) {
    const length = lengths[turn % lengths.length] ?? mebibyte;
    // A window that yields nothing must grow; the maximum always suffices.
    for (let size = length; ; size += length) {
      const isFinal = start + size >= file.length;
      const accepted = chunker.cut(file.subarray(start, start + size), isFinal);
      if (accepted.length === 0) {
        assert.ok(size < chunker.maxBytes, "a window of the maximum yields a chunk");
        continue;
      }
      for (const end of accepted) ends.push(start + end);
      break;
    }
    start = ends.at(-1) as number;
  }
  return ends;
}

/** Random stretches, zeros and repeats: cuts by hash, by the maximum, and at the same places again. */
function mixedFile(parts: readonly { readonly kind: string; readonly length: number }[]): Buffer {
  const repeated = randomBytes(700_000);
  return Buffer.concat(
    parts.map(({ kind, length }) => {
      if (kind === "random") return randomBytes(length);
      return kind === "zeros" ? Buffer.alloc(length) : Buffer.alloc(length, repeated);
    }),
  );
}

test("cutting by windows of any length gives the cuts of the whole file", () => {
  const part = fc.record({
    kind: fc.constantFrom("random", "zeros", "repeat"),
    length: fc.oneof(fc.nat(100_000), fc.nat(10 * mebibyte)),
  });
  const windowLengths = fc.array(fc.integer({ min: 100_000, max: 12 * mebibyte }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), windowLengths, (parts, lengths) => {
      const file = mixedFile(parts);
      assert.deepEqual(cutByWindows(file, lengths), chunker.cut(file, true));
    }),
    { numRuns: 40 },
  );
});

test("no later byte changes a cut before the end, for every length of a window", () => {
  // The same proportions at a 2048th and a 4096th of the size, so that every single length can be tried.
  for (const [min, average, max] of [
    [256, 512, 4096],
    [128, 256, 2048],
  ] as const) {
    const file = Buffer.concat([randomBytes(9000), Buffer.alloc(6000), randomBytes(5000), Buffer.alloc(300, 7)]);
    const whole = Array.from(getChunks(file, min, average, max));
    for (let length = 1; length <= file.length; length++) {
      const cuts = Array.from(getChunks(file.subarray(0, length), min, average, max)).filter((cut) => cut < length);
      assert.deepEqual(cuts, whole.slice(0, cuts.length), `window of ${length}`);
      // Nothing is held back for long, either: all cuts but those of the last, unfinished chunk are there.
      assert.ok((whole[cuts.length] ?? length) >= length, `window of ${length}`);
    }
  }
});

test("inserting bytes at the front changes only the first chunks", () => {
  // Fixed bytes: how soon the cuts meet again is a matter of luck.
  const file = createCipheriv("aes-256-ctr", Buffer.alloc(32, 1), Buffer.alloc(16)).update(Buffer.alloc(24 * mebibyte));
  const shifted = chunker.cut(Buffer.concat([Buffer.alloc(1000, 5), file]), true).map((end) => end - 1000);
  const original = new Set(chunker.cut(file, true));
  const common = shifted.filter((end) => original.has(end));
  assert.ok(common.length >= shifted.length - 8, `${common.length} of ${shifted.length} cuts in common`);
});
