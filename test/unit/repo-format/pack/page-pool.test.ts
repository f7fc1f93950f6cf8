import assert from "node:assert/strict";
import { test } from "node:test";
import { PagePool, pageBytes } from "../../../../repo-format/pack/page-pool.ts";

test("a page that was given back is the next one that is taken", () => {
  const pool = new PagePool();
  const page = pool.take();
  assert.equal(page.length, pageBytes);
  assert.notEqual(pool.take(), page);
  pool.give(page);
  assert.equal(pool.take(), page);
});

test("what is too much, and all of it after the end, is freed", () => {
  const pool = new PagePool();
  const pages = Array.from({ length: 40 }, () => pool.take());
  const last = pool.take();
  for (const page of pages) pool.give(page);
  const freed = (): number => pages.filter((page) => page.buffer.detached).length;
  assert.equal(freed(), 8);
  pool.close();
  assert.equal(freed(), 40);
  pool.give(last);
  assert.ok(last.buffer.detached);
});
