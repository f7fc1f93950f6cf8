// The cuts of a file, with the rule for zeros, must not depend on the windows in which it is read: ranges of one file go
// to several threads, and a file that has not changed must give the same blobs however it was read.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Chunker } from "../../repo-format/chunker/chunker.ts";
import { WindowCutter } from "../../repo-format/workers/window-cutter.ts";

/**
 * A content-defined chunker in small, with what FastCDC promises: a cut depends on the bytes of its chunk alone. It cuts
 * behind a byte of 255, between 4 and 32 bytes.
 */
const smallChunker: Chunker = {
  minBytes: 4,
  averageBytes: 8,
  maxBytes: 32,
  cut(window) {
    const ends: number[] = [];
    for (let start = 0; start < window.length; start = ends.at(-1) as number) {
      let end = Math.min(start + this.minBytes, window.length);
      while (end < window.length && end - start < this.maxBytes && window[end - 1] !== 255) end++;
      ends.push(end);
    }
    return ends;
  },
  window: (bytes) => Buffer.alloc(bytes),
};
const cutter = new WindowCutter(smallChunker);

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly isZero: boolean;
}

function cutByWindows(file: Uint8Array, sizes: readonly number[]): Cut[] {
  const all: Cut[] = [];
  let offset = 0;
  let afterZeroChunk = false;
  for (let turn = 0; offset < file.length; turn++) {
    const window = file.subarray(offset, offset + (sizes[turn % sizes.length] ?? 0));
    const cuts = cutter.cut(window, offset + window.length === file.length, afterZeroChunk);
    assert.ok(cuts.end > 0, "every window as long as the longest chunk yields one");
    for (const chunk of cuts.chunks) all.push({ ...chunk, start: offset + chunk.start, end: offset + chunk.end });
    offset += cuts.end;
    afterZeroChunk = cuts.afterZeroChunk;
  }
  return all;
}

const stretch = fc.oneof(
  fc.integer({ min: 0, max: 150 }).map((length) => new Uint8Array(length)),
  fc.uint8Array({ maxLength: 150 }),
  fc.array(fc.constantFrom(0, 0, 0, 0, 255, 7), { maxLength: 150 }).map((bytes) => Uint8Array.from(bytes)),
);
const files = fc.array(stretch, { maxLength: 8 }).map((parts) => new Uint8Array(Buffer.concat(parts)));

test("windows of any length give the cuts of the whole file", () => {
  const sizes = fc.array(fc.integer({ min: 32, max: 100 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(files, sizes, (file, windowSizes) => {
      assert.deepEqual(cutByWindows(file, windowSizes), cutByWindows(file, [Math.max(1, file.length)]));
    }),
    { numRuns: 2000 },
  );
});

test("chunks follow each other without a gap, and zero chunks are zeros of the two lengths", () => {
  fc.assert(
    fc.property(files, (file) => {
      let end = 0;
      for (const chunk of cutByWindows(file, [40])) {
        assert.equal(chunk.start, end);
        end = chunk.end;
        if (!chunk.isZero) continue;
        assert.ok([4, 32].includes(chunk.end - chunk.start));
        assert.ok(file.subarray(chunk.start, chunk.end).every((byte) => byte === 0));
      }
      assert.equal(end, file.length);
    }),
    { numRuns: 500 },
  );
});
