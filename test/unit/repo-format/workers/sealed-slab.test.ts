import assert from "node:assert/strict";
import { test } from "node:test";
import { type SealedColumns, sealedBlobsOf } from "../../../../repo-format/workers/messages.ts";
import { SealedSlab, SpareSlabs } from "../../../../repo-format/workers/sealed-slab.ts";

const mebibyte = 1024 * 1024;

const spares = new SpareSlabs();

function collectingSlab(expectedBytes: number): { slab: SealedSlab; sent: SealedColumns[] } {
  const sent: SealedColumns[] = [];
  return { slab: new SealedSlab({ type: "data", expectedBytes, spares, send: (columns) => sent.push(columns) }), sent };
}

function append(slab: SealedSlab, byte: number, length: number): void {
  slab.room(length).fill(byte, 0, length);
  slab.append(Buffer.alloc(32, byte), length, 0, length - 32);
}

test("blobs come out as they went in, many in one message", () => {
  const { slab, sent } = collectingSlab(1000);
  for (let byte = 1; byte <= 5; byte++) append(slab, byte, 40 + byte);
  assert.equal(sent.length, 0);
  slab.flush();
  assert.equal(sent.length, 1);
  const blobs = sealedBlobsOf(sent[0]!);
  assert.deepEqual(
    blobs.map(({ id, sealed, plaintextLength }) => [id, Buffer.from(sealed).toString("hex"), plaintextLength]),
    [1, 2, 3, 4, 5].map((byte) => [
      Buffer.alloc(32, byte).toString("hex"),
      Buffer.alloc(40 + byte, byte).toString("hex"),
      8 + byte,
    ]),
  );
});

test("a slab is sent as soon as it holds two mebibytes", () => {
  const { slab, sent } = collectingSlab(20 * mebibyte);
  for (let count = 0; count < 5; count++) append(slab, count, 1.5 * mebibyte);
  assert.deepEqual(
    sent.map((columns) => columns.ids.length / 32),
    [2, 2],
  );
  slab.flush();
  assert.equal(sent.length, 3);
});

test("a blob larger than what was expected still finds room", () => {
  const { slab, sent } = collectingSlab(10);
  append(slab, 1, 5 * mebibyte);
  assert.equal(sealedBlobsOf(sent[0]!)[0]?.sealed.length, 5 * mebibyte);
});

test("nothing is sent when nothing was sealed", () => {
  const { slab, sent } = collectingSlab(1000);
  slab.room(100);
  slab.flush();
  assert.equal(sent.length, 0);
});

test("a slab that came back is filled again, as many as are under way and no more", () => {
  const pool = new SpareSlabs();
  const sent: SealedColumns[] = [];
  const slab = new SealedSlab({
    type: "data",
    expectedBytes: 64 * mebibyte,
    spares: pool,
    send: (one) => sent.push(one),
  });
  const fill = (byte: number): ArrayBuffer => {
    append(slab, byte, 2.5 * mebibyte);
    return sent.at(-1)?.slab.buffer as ArrayBuffer;
  };
  const buffers = [1, 2, 3, 4].map(fill);
  assert.equal(new Set(buffers).size, 4);
  for (const buffer of buffers) pool.give(buffer);
  assert.deepEqual(
    buffers.map((buffer) => buffer.detached),
    [false, false, false, true],
  );
  assert.ok(buffers.includes(fill(9)));
  assert.deepEqual(sealedBlobsOf(sent.at(-1) as SealedColumns)[0]?.sealed, Buffer.alloc(2.5 * mebibyte, 9));
  pool.clear();
  assert.equal(buffers.filter((buffer) => buffer.detached).length, 3);
});

test("a slab of a size of its own is freed when it comes back", () => {
  const small = new ArrayBuffer(1000);
  spares.give(small);
  assert.ok(small.detached);
});
