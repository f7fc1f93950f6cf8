import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { SharedBlobTable, SharedBlobTableView } from "../../repo-format/index/shared-blob-table.ts";
import type { TableEntry } from "../../repo-format/index/shared-table-segment.ts";

/** Ids of which many share their first bytes, so that probe chains are long and wrap around. */
function idBytes(number: number): Uint8Array {
  const id = new Uint8Array(createHash("sha256").update(String(number)).digest());
  id.fill(number % 3 === 0 ? 0xff : number % 5, 0, number % 2 === 0 ? 4 : 8);
  return id;
}

const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);

const entryArbitrary: fc.Arbitrary<{ blob: number; entry: TableEntry }> = fc.record({
  blob: fc.nat(40),
  entry: fc.record({
    packNumber: fc.nat(6),
    isTree: fc.boolean(),
    offset: fc.nat(0xffff_ffff),
    length: fc.nat(0xffff_ffff),
    uncompressedLength: fc.nat(0xffff_ffff),
  }),
});

type Model = Map<string, TableEntry[]>;

const keyOf = (blob: number, isTree: boolean): string => `${blob} ${isTree}`;

function assertSame(table: SharedBlobTable, model: Model): void {
  const view = SharedBlobTableView.attach(table.handle());
  let count = 0;
  for (let blob = 0; blob <= 40; blob++) {
    for (const isTree of [false, true]) {
      const expected = model.get(keyOf(blob, isTree)) ?? [];
      count += expected.length;
      const id = idBytes(blob);
      const found = table.findAll(words(id), isTree);
      assert.deepEqual(
        found.map(({ position: _, ...entry }) => entry),
        expected,
      );
      assert.equal(table.has(words(id), isTree), expected.length > 0);
      assert.equal(view.has(isTree ? "tree" : "data", id), expected.length > 0);
      assert.equal(table.positionOf(words(id), isTree), found[0]?.position ?? -1);
    }
  }
  assert.equal(table.liveCount, count);
  let visited = 0;
  table.forEach(() => {
    visited++;
  });
  assert.equal(visited, count);
}

test("the table answers like a map from blob to places, through growth and removal", () => {
  const step = fc.oneof(
    { weight: 20, arbitrary: entryArbitrary },
    { weight: 1, arbitrary: fc.record({ removedPack: fc.nat(6), compacts: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new SharedBlobTable(8);
      const model: Model = new Map();
      for (const one of steps) {
        if ("removedPack" in one) {
          table.removePacks((packNumber) => packNumber === one.removedPack);
          if (one.compacts) table.compact();
          for (const [key, entries] of model) {
            model.set(
              key,
              entries.filter((entry) => entry.packNumber !== one.removedPack),
            );
          }
        } else {
          const key = keyOf(one.blob, one.entry.isTree);
          table.insert(words(idBytes(one.blob)), one.entry);
          model.set(key, [...(model.get(key) ?? []), { ...one.entry }]);
        }
      }
      assertSame(table, model);
    }),
    { numRuns: 200 },
  );
});

test("an older view only misses what came with growth, sees removals, and knows nothing once the table was built anew", () => {
  const entry: TableEntry = { packNumber: 0, isTree: false, offset: 0, length: 40, uncompressedLength: 0 };
  const table = new SharedBlobTable(8);
  for (let blob = 0; blob < 6; blob++) table.insert(words(idBytes(blob)), entry);
  const early = SharedBlobTableView.attach(table.handle());
  assert.equal(early.isCurrent, true);
  for (let blob = 6; blob < 30; blob++) table.insert(words(idBytes(blob)), { ...entry, packNumber: 1 });
  assert.equal(early.isCurrent, false);
  for (let blob = 0; blob < 6; blob++) assert.equal(early.has("data", idBytes(blob)), true);
  assert.equal(early.has("data", idBytes(29)), false);
  table.removePacks((packNumber) => packNumber === 0);
  for (let blob = 0; blob < 6; blob++) assert.equal(early.has("data", idBytes(blob)), false);
  const middle = SharedBlobTableView.attach(table.handle());
  assert.equal(middle.has("data", idBytes(29)), true);
  table.compact();
  assert.equal(middle.has("data", idBytes(29)), false);
  for (let blob = 0; blob < 30; blob++) assert.equal(early.has("data", idBytes(blob)), false);
  const late = SharedBlobTableView.attach(table.handle());
  for (let blob = 0; blob < 30; blob++) assert.equal(late.has("data", idBytes(blob)), blob >= 6);
});

test("a worker that looks up while the main thread inserts never sees a blob that is not there", async () => {
  const table = new SharedBlobTable(2 ** 15);
  const entry: TableEntry = { packNumber: 3, isTree: false, offset: 1, length: 40, uncompressedLength: 0 };
  table.insert(words(idBytes(1)), entry);
  const module = new URL("../../repo-format/index/shared-blob-table.ts", import.meta.url).href;
  // Looks for ids that differ from inserted ones in the last byte only, in the same chain, and for the inserted ones.
  const code = `
    import { createHash } from "node:crypto";
    import { parentPort, workerData } from "node:worker_threads";
    const { SharedBlobTableView } = await import(${JSON.stringify(module)});
    const view = SharedBlobTableView.attach(workerData.handle);
    const stop = new Int32Array(workerData.stop);
    let falseHits = 0, hits = 0, rounds = 0;
    parentPort.postMessage("ready");
    while (Atomics.load(stop, 0) === 0 || rounds < 1) {
      for (let number = 1; number < 20000; number += 7) {
        const id = new Uint8Array(createHash("sha256").update(String(number)).digest());
        id.fill(number % 3 === 0 ? 0xff : number % 5, 0, number % 2 === 0 ? 4 : 8);
        if (view.has("data", id)) hits++;
        if (view.has("tree", id)) falseHits++;
        id[31] ^= 1;
        if (view.has("data", id)) falseHits++;
        if (Atomics.load(stop, 0) !== 0) break;
      }
      rounds++;
    }
    parentPort.postMessage({ falseHits, hits });
  `;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: { handle: table.handle(), stop: stop.buffer },
  });
  const messages: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  worker.on("message", (message) => {
    messages.push(message);
    if (message === "ready") ready.resolve();
    else done.resolve();
  });
  worker.on("error", (error) => {
    ready.reject(error);
    done.reject(error);
  });
  await ready.promise;
  for (let number = 2; number < 2500; number++) table.insert(words(idBytes(number)), entry);
  Atomics.store(stop, 0, 1);
  await done.promise;
  await worker.terminate();
  const result = messages[1] as { falseHits: number; hits: number };
  assert.equal(result.falseHits, 0);
  assert.ok(result.hits > 0, "the worker found nothing at all");
});
