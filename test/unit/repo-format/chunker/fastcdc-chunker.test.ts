import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { createFastCdcChunker } from "../../../../repo-format/chunker/fastcdc-chunker.ts";

const mebibyte = 1024 * 1024;
const chunker = createFastCdcChunker();

/** The same pseudo-random bytes on every machine: an AES-256-CTR key stream. */
function seededBytes(length: number): Buffer {
  return createCipheriv("aes-256-ctr", Buffer.alloc(32, "stowage"), Buffer.alloc(16)).update(Buffer.alloc(length));
}

test("the cuts of a known buffer never change: other cuts would store everything once more", () => {
  const golden = [
    1_407_289, 2_123_758, 3_089_849, 3_809_975, 4_364_979, 6_594_558, 7_178_938, 8_121_343, 8_927_525, 9_569_163,
    10_313_661, 10_880_882, 11_570_957, 12_638_474, 13_779_239, 14_763_576, 15_497_666, 16_906_883, 18_202_475,
    19_340_222, 20_264_497, 21_461_815, 22_231_673, 23_125_224, 24_569_217, 25_165_824,
  ];
  assert.deepEqual(chunker.cut(seededBytes(24 * mebibyte), true), golden);
});

test("data without any pattern to cut at is cut at the maximum", () => {
  const zeros = Buffer.alloc(20 * mebibyte);
  assert.deepEqual(chunker.cut(zeros, true), [8 * mebibyte, 16 * mebibyte, 20 * mebibyte]);
  assert.deepEqual(chunker.cut(zeros, false), [8 * mebibyte, 16 * mebibyte]);
  assert.deepEqual(chunker.cut(zeros.subarray(0, 8 * mebibyte), false), [8 * mebibyte]);
  assert.deepEqual(chunker.cut(zeros.subarray(0, 8 * mebibyte - 1), false), []);
});

test("a short file is one chunk, an empty one none, and nothing is cut off a short window", () => {
  assert.deepEqual(chunker.cut(Buffer.alloc(0), true), []);
  assert.deepEqual(chunker.cut(Buffer.alloc(0), false), []);
  assert.deepEqual(chunker.cut(Buffer.of(1), true), [1]);
  assert.deepEqual(chunker.cut(randomBytes(chunker.minBytes), true), [chunker.minBytes]);
  assert.deepEqual(chunker.cut(randomBytes(chunker.minBytes), false), []);
});

test("chunks keep their bounds and their average, and the window is not changed", () => {
  const window = randomBytes(64 * mebibyte);
  const copy = Buffer.from(window);
  const ends = chunker.cut(window, true);
  assert.ok(window.equals(copy));
  const lengths = ends.map((end, index) => end - (ends[index - 1] ?? 0));
  assert.equal(ends.at(-1), window.length);
  for (const length of lengths.slice(0, -1)) {
    assert.ok(length >= chunker.minBytes && length <= chunker.maxBytes, String(length));
  }
  assert.ok(ends.length > 45 && ends.length < 85, `${ends.length} chunks of 64 MiB`);
});

test("the cuts are those of the package's own wrapper", () => {
  const wrapper = createRequire(import.meta.url)("fastcdc-wasm") as {
    get_chunks(bytes: Uint8Array, min: number, average: number, max: number): Uint32Array;
  };
  for (const length of [1, 600_000, 3 * mebibyte, 17 * mebibyte]) {
    const window = randomBytes(length);
    const expected = Array.from(wrapper.get_chunks(window, chunker.minBytes, chunker.averageBytes, chunker.maxBytes));
    assert.deepEqual([0, ...chunker.cut(window, true)], expected);
  }
});

test("shared memory can be cut", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3 * mebibyte));
  shared.set(seededBytes(shared.length));
  assert.deepEqual(chunker.cut(shared, false), [1_407_289, 2_123_758, 3_089_849]);
});

test("what lies in the chunker's own window is cut in place, from any offset, and stays as it was", () => {
  for (const length of [100, 3 * mebibyte, 9 * mebibyte, 2 * mebibyte, 24 * mebibyte]) {
    const bytes = randomBytes(length);
    const window = chunker.window(length).subarray(0, length);
    window.set(bytes);
    for (const start of [0, 7, 700_001]) {
      const expected = chunker.cut(Buffer.from(bytes.subarray(start)), true);
      window.set(bytes);
      assert.deepEqual(chunker.cut(window.subarray(start), true), expected);
      assert.ok(window.equals(bytes));
    }
  }
});
