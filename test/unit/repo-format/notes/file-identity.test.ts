import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import { test } from "node:test";
import type { FileStat } from "../../../../repo-format/file-tree/file-stat.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { bootId, fileFingerprint } from "../../../../repo-format/notes/file-identity.ts";

const salt = Buffer.from("salt");
const stat: FileStat = lstatSync(import.meta.filename, { bigint: true });
const ids = ["a", "b"].map((digit) => digit.repeat(64) as BlobId);

function like(changes: Partial<FileStat>): FileStat {
  return Object.assign(Object.create(stat) as FileStat, changes);
}

test("the same file with the same content has the same fingerprint", () => {
  assert.deepEqual(fileFingerprint(salt, stat, ids), fileFingerprint(salt, like({}), [...ids]));
  assert.equal(fileFingerprint(salt, stat, ids).length, 16);
});

test("everything that a change of the file changes changes it", () => {
  const others = [
    fileFingerprint(salt, like({ dev: stat.dev + 1n }), ids),
    fileFingerprint(salt, like({ ino: stat.ino + 1n }), ids),
    fileFingerprint(salt, like({ size: stat.size + 1n }), ids),
    fileFingerprint(salt, like({ mtimeNs: stat.mtimeNs + 1n }), ids),
    fileFingerprint(salt, like({ ctimeNs: stat.ctimeNs + 1n }), ids),
    fileFingerprint(salt, stat, ids.slice(0, 1)),
    fileFingerprint(salt, stat, [...ids].reverse()),
    fileFingerprint(Buffer.from("pepper"), stat, ids),
  ];
  const different = new Set([fileFingerprint(salt, stat, ids), ...others].map((bytes) => bytes.toString("hex")));
  assert.equal(different.size, others.length + 1);
});

test("times before 1970 and inodes of 64 bits are numbers like others", () => {
  const odd = like({ mtimeNs: -1n, ino: 2n ** 64n - 1n });
  assert.notDeepEqual(fileFingerprint(salt, odd, ids), fileFingerprint(salt, stat, ids));
});

test("a run of the kernel has an id that stays", () => {
  assert.match(bootId() ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(bootId(), bootId());
});
