import assert from "node:assert/strict";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PackWindow } from "../../../../repo-format/workers/pack-window.ts";
import { seededBytes } from "../../../support/memory-repository.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const content = seededBytes("pack", 3 * 1024 * 1024);

function openPack(scope: Scope): number {
  const path = join(temporaryDirectory(scope), "pack");
  writeFileSync(path, content);
  const fd = openSync(path, "r");
  scope.after(() => closeSync(fd));
  return fd;
}

test("every range has its bytes: inside a window, across its end, before it, and larger than one", (t) => {
  const window = new PackWindow({ fd: openPack(t), end: content.length });
  for (const [offset, length] of [
    [0, 100],
    [100, 5000],
    [1024 * 1024 - 10, 20],
    [50, 10],
    [200, 2 * 1024 * 1024],
    [content.length - 7, 7],
  ] as const) {
    assert.ok(content.subarray(offset, offset + length).equals(window.read(offset, length)), `${offset} + ${length}`);
  }
});

test("a pack that is too short, and one that cannot be read, are told apart", (t) => {
  const fd = openPack(t);
  const short = new PackWindow({ fd, end: content.length + 100 });
  assert.ok(content.subarray(-50).equals(short.read(content.length - 50, 50)));
  assert.throws(() => short.read(content.length - 50, 51), { code: "pack-damaged", message: /ends 1 bytes too early/ });
  assert.throws(() => new PackWindow({ fd: 9999, end: 10 }).read(0, 1), { code: "storage-unavailable" });
});

test("what is loaded beyond a range is told once, and nothing of it lies behind the end", (t) => {
  const end = content.length - 100;
  const window = new PackWindow({ fd: openPack(t), end });
  const parts: Buffer[] = [];
  let told = 0;
  for (let offset = 0; offset < end; offset += 7000) {
    window.read(offset, Math.min(7000, end - offset));
    const loaded = window.loadedFrom(told);
    parts.push(Buffer.from(loaded));
    told += loaded.length;
  }
  assert.ok(Buffer.concat(parts).equals(content.subarray(0, end)));
  assert.equal(window.loadedFrom(end + 1).length, 0);
});
