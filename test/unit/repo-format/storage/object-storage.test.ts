import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bodyParts,
  bodySizeBytes,
  checkKey,
  checkPrefix,
  checkRange,
  compareKeys,
} from "../../../../repo-format/storage/object-storage.ts";

describe("object keys", () => {
  it("accepts keys as the repository has them, and 1024 bytes", () => {
    for (const key of ["config", "data/ab/abcd", "ä", "k".repeat(1024)]) checkKey(key);
    for (const prefix of ["", "data/", "data/ab/"]) checkPrefix(prefix);
  });

  it("refuses a key of more than 1024 bytes even when it has fewer characters", () => {
    assert.throws(() => checkKey("ä".repeat(513)), { code: "argument-invalid" });
  });

  it("refuses names that climb, are empty, hold NUL or are no text", () => {
    for (const key of ["", "..", "a/..", "a//b", "/a", "a/", "a\0", "\udc00"]) {
      assert.throws(() => checkKey(key), { code: "argument-invalid" }, JSON.stringify(key));
    }
  });

  it("refuses a prefix without its slash: it would also match names that only begin alike", () => {
    assert.throws(() => checkPrefix("data/a"), { code: "argument-invalid" });
  });

  it("orders by UTF-8 bytes, where UTF-16 would differ", () => {
    assert.ok(compareKeys("\uff61", "\u{1f600}") < 0);
    assert.ok(compareKeys("a/b", "a0") < 0);
  });
});

describe("bodies and ranges", () => {
  it("a body is one buffer or several, and its size is their sum", () => {
    const one = Buffer.from("abc");
    assert.deepEqual(bodyParts(one), [one]);
    assert.equal(bodySizeBytes([one, Buffer.alloc(0), one]), 6);
    assert.equal(bodySizeBytes([]), 0);
  });

  it("checkRange refuses what is no whole number", () => {
    checkRange(-5, 5);
    for (const [offset, length] of [
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
      [2 ** 60, 1],
    ] as const) {
      assert.throws(() => checkRange(offset, length), { code: "argument-invalid" });
    }
  });
});
