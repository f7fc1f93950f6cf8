import assert from "node:assert/strict";
import { test } from "node:test";
import { aclText } from "../../../../repo-format/inspect/posix-acl.ts";

function acl(version: number, ...entries: readonly (readonly [tag: number, rights: number, id: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(version);
  for (const [index, [tag, rights, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(rights, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  }
  return bytes;
}

test("aclText writes one line for each entry, accounts as numbers", () => {
  const none = 0xffff_ffff;
  const list = acl(2, [1, 7, none], [2, 4, 1000], [4, 5, none], [8, 1, 70_000], [16, 6, none], [32, 0, none]);
  assert.equal(aclText(list), "user::rwx\nuser:1000:r--\ngroup::r-x\ngroup:70000:--x\nmask::rw-\nother::---\n");
  assert.equal(aclText(acl(2)), "");
});

test("aclText refuses what is no list: another version, an unknown tag, bytes too many or too few", () => {
  for (const bytes of [acl(1, [1, 7, 0]), acl(2, [3, 7, 0]), acl(2, [1, 7, 0]).subarray(1), Buffer.alloc(3)]) {
    assert.equal(aclText(bytes), undefined);
  }
});
