import assert from "node:assert/strict";
import { test } from "node:test";
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
