import assert from "node:assert/strict";
import { test } from "node:test";
import { createFastCdcChunker } from "../../../../repo-format/chunker/fastcdc-chunker.ts";
import { WindowCutter } from "../../../../repo-format/workers/window-cutter.ts";
import { seededBytes } from "../../../support/memory-repository.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const chunker = createFastCdcChunker();
const cutter = new WindowCutter(chunker);

/** Lengths of the chunks, negative for those of the rule for zeros. */
function lengths(bytes: Uint8Array, isLast = true, afterZeroChunk = false): number[] {
  const { chunks } = cutter.cut(bytes, isLast, afterZeroChunk);
  return chunks.map(({ start, end, isZero }) => (isZero ? start - end : end - start));
}

test("a run of zeros becomes one chunk of the minimum and then chunks of the maximum", () => {
  assert.deepEqual(lengths(Buffer.alloc(20 * mebibyte)), [
    -512 * kibibyte,
    -8 * mebibyte,
    -8 * mebibyte,
    3.5 * mebibyte,
  ]);
});

test("zeros shorter than the minimum are an ordinary chunk", () => {
  assert.deepEqual(lengths(Buffer.alloc(100 * kibibyte)), [100 * kibibyte]);
  assert.deepEqual(lengths(Buffer.alloc(512 * kibibyte)), [-512 * kibibyte]);
});

test("a run of zeros is seen where it begins at a cut, not in the middle of a chunk", () => {
  const data = seededBytes("data", 3 * mebibyte);
  const cuts = chunker.cut(data, true);
  const upToCut = data.subarray(0, cuts[0]);
  assert.deepEqual(lengths(Buffer.concat([upToCut, Buffer.alloc(9 * mebibyte)])), [
    upToCut.length,
    -512 * kibibyte,
    -8 * mebibyte,
    512 * kibibyte,
  ]);
});

test("no cut is taken for certain that bytes behind the window could change", () => {
  const data = seededBytes("long", 24 * mebibyte);
  const whole = cutter.cut(data, true, false).chunks.map((chunk) => chunk.end);
  const part = cutter.cut(data.subarray(0, 10 * mebibyte), false, false);
  assert.deepEqual(
    part.chunks.map((chunk) => chunk.end),
    whole.slice(0, part.chunks.length),
  );
  assert.ok(part.end < 10 * mebibyte && part.end === whole[part.chunks.length - 1]);
});

test("an empty window has no chunks", () => {
  assert.deepEqual(cutter.cut(Buffer.alloc(0), true, false), { chunks: [], end: 0, afterZeroChunk: false });
});
