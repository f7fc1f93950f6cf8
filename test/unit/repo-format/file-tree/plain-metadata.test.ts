import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  applyPlainMetadata,
  inheritedMetadata,
  plainMetadataOf,
  plainNode,
} from "../../../../repo-format/file-tree/plain-metadata.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const time = "1969-12-31T23:59:58.25Z";

function node(fields: Partial<Node>): Node {
  return { ...emptyNode(Buffer.from("n"), "file"), mode: 0o640, uid: 5, gid: 6, mtime: time, atime: time, ...fields };
}

test("a node that has only an owner, a mode and one time is plain", () => {
  const plain = { mode: 0o640, uid: 5, gid: 6, seconds: -2, nanoseconds: 250_000_000 };
  assert.deepEqual(plainMetadataOf(node({})), plain);
  assert.equal(plainMetadataOf(node({ atime: "2020-01-01T00:00:00Z" })), undefined);
  const extendedAttributes = [{ name: "user.a", value: Buffer.from("1") }];
  assert.equal(plainMetadataOf(node({ extendedAttributes })), undefined);
  assert.deepEqual(plainMetadataOf(plainNode("dir", Buffer.from("n"), plain)), plain);
});

test("mode and time are set by the descriptor, setuid too, and times before 1970", (t) => {
  const fd = openSync(join(temporaryDirectory(t), "file"), "w", 0o600);
  t.after(() => closeSync(fd));
  const inherited = inheritedMetadata(fd);
  const { uid, gid } = inherited;
  const metadata = { uid, gid, mode: 0o4755, seconds: -2, nanoseconds: 250_000_000 };
  assert.deepEqual(applyPlainMetadata(fd, metadata, inherited, true), []);
  const stat = fstatSync(fd, { bigint: true });
  assert.equal(stat.mode & 0o7777n, 0o4755n);
  assert.equal(stat.mtimeNs, -1_750_000_000n);
});

test("each step is tried, and each that fails is named", () => {
  const inherited = { uid: 1, gid: 1, mode: 0o600, hasAttributes: false };
  const metadata = { uid: 2, gid: 2, mode: 0o644, seconds: 0, nanoseconds: 0 };
  const problems = applyPlainMetadata(9999, metadata, inherited, true);
  assert.deepEqual(
    problems.map(({ step, isError }) => [step, isError]),
    [
      ["owner", true],
      ["times", true],
      ["mode", true],
    ],
  );
});
