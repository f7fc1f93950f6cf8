import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import {
  SharedBlobTable,
  SharedBlobTableView,
  type SharedTableHandle,
  tableBytesFor,
} from "../../../../repo-format/index/shared-blob-table.ts";
import type { TableEntry } from "../../../../repo-format/index/shared-table-segment.ts";

const idOf = (number: number): Uint32Array => new Uint32Array([number, 1, 2, 3, 4, 5, 6, 7]);
const bytesOf = (id: Uint32Array): Uint8Array => new Uint8Array(id.buffer);
const entry: TableEntry = { packNumber: 1, isTree: false, offset: 10, length: 50, uncompressedLength: 7 };

test("an empty table knows nothing and takes no memory", () => {
  const table = new SharedBlobTable();
  assert.equal(table.has(idOf(1), false), false);
  assert.equal(table.positionOf(idOf(1), false), -1);
  assert.equal(table.capacityBytes, 0);
  assert.equal(SharedBlobTableView.attach(table.handle()).has("data", bytesOf(idOf(1))), false);
});

test("a data blob and a tree blob of the same id are two blobs", () => {
  const table = new SharedBlobTable(8);
  table.insert(idOf(1), entry);
  assert.equal(table.has(idOf(1), false), true);
  assert.equal(table.has(idOf(1), true), false);
});

test("positions count all entries through every segment, and locate finds them again", () => {
  const table = new SharedBlobTable(8);
  for (let number = 0; number < 100; number++) table.insert(idOf(number), { ...entry, offset: number });
  assert.equal(table.count, 100);
  for (let number = 0; number < 100; number++) {
    assert.equal(table.positionOf(idOf(number), false), number);
    const { segment, index } = table.locate(number);
    assert.equal(segment.entryAt(index).offset, number);
  }
});

test("numbers of 32 bits and pack numbers of 31 bits come back as they were", () => {
  const table = new SharedBlobTable(8);
  const large = {
    packNumber: 0x7fff_fffe,
    isTree: true,
    offset: 0xffff_ffff,
    length: 0xffff_fffe,
    uncompressedLength: 3,
  };
  table.insert(idOf(9), large);
  assert.deepEqual(table.findAll(idOf(9), true), [{ ...large, position: 0 }]);
});

test("a table that is more than half removed is built anew, and until then positions stay", () => {
  const table = new SharedBlobTable(2 ** 15);
  const count = 40_000;
  for (let number = 0; number < count; number++) table.insert(idOf(number), { ...entry, packNumber: number % 4 });
  table.removePacks((packNumber) => packNumber < 2);
  assert.equal(table.liveCount, count / 2);
  assert.equal(table.positionOf(idOf(2), false), 2);
  assert.equal(table.epoch, 0);
  const before = table.capacityBytes;
  table.removePacks((packNumber) => packNumber === 2);
  assert.equal(table.epoch, 1);
  assert.equal(table.count, count / 4);
  assert.equal(table.positionOf(idOf(3), false), 0);
  assert.ok(table.capacityBytes < before);
});

test("a handle survives structured clone", () => {
  const table = new SharedBlobTable(8);
  table.insert(idOf(4), entry);
  // Shared memory cannot be cloned outside of a message between threads.
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(table.handle());
  const { message } = receiveMessageOnPort(port2) as { message: SharedTableHandle };
  port1.close();
  const view = SharedBlobTableView.attach(message);
  assert.equal(view.has("data", bytesOf(idOf(4))), true);
  table.insert(idOf(5), entry);
  assert.equal(view.has("data", bytesOf(idOf(5))), true);
});

test("a blob costs less than 56 bytes", () => {
  assert.ok(tableBytesFor(1_000_000) <= 54_000_000);
  const table = new SharedBlobTable(2 ** 12);
  for (let number = 0; number < 3072; number++) table.insert(idOf(number), entry);
  assert.ok(table.capacityBytes / table.count < 54);
});
