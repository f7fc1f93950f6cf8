import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { TreeCache } from "../../../../repo-format/repository/tree-cache.ts";

const id = (name: string): BlobId => name as BlobId;

test("TreeCache drops what was unused longest when its room is used up", () => {
  const cache = new TreeCache(100);
  for (const name of ["a", "b", "c", "d"]) cache.put(id(name), Buffer.alloc(25));
  cache.get(id("a"));
  cache.put(id("e"), Buffer.alloc(25));
  assert.equal(cache.get(id("b")), undefined);
  for (const name of ["a", "c", "d", "e"]) assert.equal(cache.get(id(name))?.length, 25);
});

test("TreeCache does not let one large tree push out all others", () => {
  const cache = new TreeCache(100);
  cache.put(id("small"), Buffer.alloc(20));
  cache.put(id("large"), Buffer.alloc(26));
  assert.equal(cache.has(id("large")), false);
  assert.equal(cache.has(id("small")), true);
});

test("TreeCache counts a tree that is put twice once", () => {
  const cache = new TreeCache(100);
  for (let round = 0; round < 10; round++) cache.put(id("a"), Buffer.alloc(25));
  for (const name of ["b", "c", "d"]) cache.put(id(name), Buffer.alloc(25));
  assert.equal(cache.has(id("a")), true);
});

test("TreeCache drops as a list in the order of use does, whatever comes", () => {
  const names = fc.constantFrom(..."abcdefghij");
  const step = fc.record({ name: names, bytes: fc.integer({ min: 1, max: 25 }), isPut: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const cache = new TreeCache(100);
      const model: { name: string; bytes: number }[] = [];
      for (const { name, bytes, isPut } of steps) {
        const at = model.findIndex((tree) => tree.name === name);
        if (isPut) {
          cache.put(id(name), Buffer.alloc(bytes));
          if (at < 0) model.push({ name, bytes });
          while (model.reduce((sum, tree) => sum + tree.bytes, 0) > 100) model.shift();
        } else {
          assert.equal(cache.get(id(name))?.length, model[at]?.bytes);
          if (at >= 0) model.push(...model.splice(at, 1));
        }
      }
      assert.deepEqual(
        [..."abcdefghij"].filter((name) => cache.has(id(name))),
        model.map(({ name }) => name).sort(),
      );
    }),
    { numRuns: 1000 },
  );
});
