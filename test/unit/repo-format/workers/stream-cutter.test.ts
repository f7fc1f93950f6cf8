import assert from "node:assert/strict";
import { test } from "node:test";
import { createFastCdcChunker } from "../../../../repo-format/chunker/fastcdc-chunker.ts";
import { cutStream, streamWindowBytes } from "../../../../repo-format/workers/stream-cutter.ts";
import { WindowCutter } from "../../../../repo-format/workers/window-cutter.ts";
import { seededBytes } from "../../../support/memory-repository.ts";

const mebibyte = 1024 * 1024;

async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** The chunks, one after the other. */
async function chunksOf(source: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const { bytes, cuts } of cutStream(source))
    for (const { start, end } of cuts.chunks) chunks.push(Buffer.from(bytes.subarray(start, end)));
  return chunks;
}

test("a stream is cut as a file with the same bytes, however it comes in", async () => {
  const data = Buffer.concat([seededBytes("a", 11 * mebibyte), Buffer.alloc(10 * mebibyte), seededBytes("b", 77_777)]);
  const whole = new WindowCutter(createFastCdcChunker()).cut(data, true, false).chunks;
  for (const pieceBytes of [64 * 1024, 3 * mebibyte + 1, data.length]) {
    const chunks = await chunksOf(pieces(data, pieceBytes));
    assert.deepEqual(
      chunks.map((chunk) => chunk.length),
      whole.map(({ start, end }) => end - start),
    );
    assert.ok(Buffer.concat(chunks).equals(data));
  }
});

test("nothing gives no window, and what just fills one gives no empty one", async () => {
  assert.deepEqual(await Array.fromAsync(cutStream(pieces(Buffer.alloc(0), 1))), []);
  const zeros = await chunksOf(pieces(Buffer.alloc(streamWindowBytes), mebibyte));
  assert.deepEqual(
    zeros.map((chunk) => chunk.length),
    [mebibyte / 2, 7.5 * mebibyte],
  );
});

test("what the source throws is thrown, behind the windows that were full", async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(streamWindowBytes + 1);
    throw new Error("broken off");
  }
  let windows = 0;
  await assert.rejects(async () => {
    for await (const _ of cutStream(broken())) windows++;
  }, /broken off/);
  assert.equal(windows, 1);
});
