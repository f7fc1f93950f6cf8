import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { emptyNode } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { findSubfolder } from "../../../../repo-format/restorer/find-subfolder.ts";

const [rootId, innerId, deepId] = ["1", "2", "3"].map((digit) => digit.repeat(64) as BlobId) as [
  BlobId,
  BlobId,
  BlobId,
];
const trees = new Map([
  [
    rootId,
    encodeTree([emptyNode(Buffer.from("file"), "file"), { ...emptyNode(Buffer.from("in"), "dir"), subtree: innerId }]),
  ],
  [innerId, encodeTree([{ ...emptyNode(Buffer.from("dé"), "dir"), subtree: deepId }])],
]);
const repo = { loadTree: async (id: BlobId): Promise<Buffer> => trees.get(id) as Buffer };

for (const [path, id] of [
  ["", rootId],
  ["/", rootId],
  ["in", innerId],
  ["/in/", innerId],
  ["/in/./dé", deepId],
  ["/in/..", rootId],
  ["/gone/../../in//dé/", deepId],
] as const) {
  test(`${JSON.stringify(path)} leads to its tree`, async () => {
    assert.equal(await findSubfolder(repo, rootId, path), id);
  });
}

for (const path of ["/absent", "/file", "/in/absent", "/in/dé/../absent"]) {
  test(`${JSON.stringify(path)} is not there, or no directory`, async () => {
    await assert.rejects(findSubfolder(repo, rootId, path), { code: "path-missing" });
  });
}
