import assert from "node:assert/strict";
import { test } from "node:test";
import { PageSize } from "../../../../../../src/server/backup/items/page-size.ts";

function sizesOf(objectBytes: readonly number[]): number[] {
  const pages = new PageSize();
  return objectBytes.map((bytes) => {
    const size = pages.next();
    for (let object = 0; object < size; object++) pages.count(bytes);
    return size;
  });
}

test("pages of small objects grow to a limit, pages of large ones shrink to a few", () => {
  assert.deepEqual(sizesOf([1000, 1000, 1000, 1000]), [50, 100, 200, 200]);
  assert.deepEqual(sizesOf([1_000_000, 1_000_000, 1000, 1000]), [50, 10, 10, 20]);
  assert.deepEqual(sizesOf([20_000, 15_000, 1000]), [50, 52, 69]);
});

test("an empty page and objects that were passed over change little", () => {
  const pages = new PageSize();
  assert.equal(pages.next(), 50);
  assert.equal(pages.next(), 50);
  pages.count(0);
  assert.equal(pages.next(), 100);
});
