import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { DirectWriter } from "../../../../repo-format/file-tree/direct-writer.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const mebibyte: number = 1024 * 1024;

function newFile(scope: Scope, sizeBytes: number): { path: string; fd: number } {
  const path = join(temporaryDirectory(scope), "file");
  const fd = openSync(path, "w+");
  ftruncateSync(fd, sizeBytes);
  scope.after(() => closeSync(fd));
  return { path, fd };
}

describe("DirectWriter", () => {
  it("writes pieces of any length at any place, in runs and alone", (t) => {
    const content = randomBytes(24 * mebibyte);
    const cuts = fc.uniqueArray(fc.nat(content.length), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(cuts, fc.nat(3), (places, skipped) => {
        const { path, fd } = newFile(t, content.length);
        const writer = new DirectWriter();
        const expected = Buffer.alloc(content.length);
        const ends = places.sort((a, b) => a - b);
        for (const [index, start] of ends.entries()) {
          const end = ends[index + 1];
          if (end === undefined || index === skipped) continue;
          writer.add(fd, content.subarray(start, end), start);
          content.copy(expected, start, start, end);
        }
        writer.flush();
        assert.ok(readFileSync(path).equals(expected));
      }),
      { numRuns: 12 },
    );
  });

  it("keeps the bytes around a run that begins and ends inside of blocks", (t) => {
    const { path, fd } = newFile(t, 3 * mebibyte);
    const [first, middle, last] = [randomBytes(1000), randomBytes(2 * mebibyte), randomBytes(1000)];
    const writer = new DirectWriter();
    writer.add(fd, last, 1000 + middle.length);
    writer.add(fd, first, 0);
    writer.flush();
    writer.add(fd, middle, 1000);
    writer.flush();
    assert.ok(
      readFileSync(path)
        .subarray(0, middle.length + 2000)
        .equals(Buffer.concat([first, middle, last])),
    );
  });

  it("goes from file to file", (t) => {
    const files = Array.from({ length: 3 }, () => newFile(t, 0));
    const contents = files.map(() => randomBytes(2 * mebibyte + 17));
    const writer = new DirectWriter();
    for (const [index, { fd }] of files.entries()) writer.add(fd, contents[index] as Buffer, 0);
    writer.flush();
    for (const [index, { path }] of files.entries()) assert.ok(readFileSync(path).equals(contents[index] as Buffer));
  });

  it("writes nothing of what was abandoned, and can be used again", (t) => {
    const { path, fd } = newFile(t, 0);
    const writer = new DirectWriter();
    writer.add(fd, randomBytes(mebibyte), 0);
    writer.abandon();
    assert.equal(fstatSync(fd).size, 0);
    writer.add(fd, Buffer.from("again"), 0);
    writer.flush();
    assert.equal(readFileSync(path, "utf8"), "again");
  });

  it("fails with the kernel's reason", () => {
    const fd = openSync("/dev/full", "r+");
    try {
      const writer = new DirectWriter();
      writer.add(fd, Buffer.from("x"), 0);
      assert.throws(() => writer.flush(), { code: "ENOSPC" });
    } finally {
      closeSync(fd);
    }
  });
});
