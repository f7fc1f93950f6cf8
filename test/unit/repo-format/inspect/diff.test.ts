import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { type DiffOptions, type DiffStatistics, diff } from "../../../../repo-format/inspect/diff.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, seededBytes, storeBlobs } from "../../../support/memory-repository.ts";
import { directoryNode, fileNode } from "../../../support/sample-trees.ts";

const nothing = { files: 0, dirs: 0, others: 0, dataBlobs: 0, treeBlobs: 0, bytes: 0 };

describe("diff", () => {
  let repo: Repository;
  /** Data blobs of 100, 101 and 102 bytes. */
  let blobs: readonly [BlobId, BlobId, BlobId];

  before(async () => {
    repo = await createTestRepository();
    const contents = [100, 101, 102].map((size) => seededBytes(size, size));
    blobs = (await storeBlobs(repo, "data", contents)) as [BlobId, BlobId, BlobId];
  });

  async function tree(nodes: readonly Node[]): Promise<BlobId> {
    const [id] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    return id as BlobId;
  }

  async function compare(
    left: BlobId,
    right: BlobId,
    options: Partial<DiffOptions> = {},
  ): Promise<DiffStatistics & { readonly changes: string[] }> {
    const changes: string[] = [];
    const statistics = await diff(repo, left, right, {
      onChange: ({ path, modifier }) => void changes.push(`${modifier} ${path.toString("latin1")}`),
      ...options,
    });
    return { ...statistics, changes };
  }

  test("equal trees have no difference", async () => {
    const inner = await tree([fileNode("f", [blobs[0]])]);
    const root = await tree([directoryNode("d", inner)]);
    assert.deepEqual(await compare(root, root, { metadata: true }), {
      changes: [],
      changedFiles: 0,
      added: nothing,
      removed: nothing,
    });
  });

  test("what is added or removed is told entry by entry, directories before their children, and counted", async () => {
    const deep = await tree([fileNode("f", [blobs[0], blobs[1]]), emptyNode(Buffer.from("p"), "fifo")]);
    const top = await tree([directoryNode("deep", deep)]);
    const root = await tree([directoryNode("a", top), fileNode("raw\xff", [])]);
    const empty = await tree([]);
    const treeBytes = (await Promise.all([deep, top, root].map((id) => repo.loadTree(id)))).reduce(
      (sum, bytes) => sum + bytes.length,
      0,
    );
    const { changes, added, removed, changedFiles } = await compare(empty, root);
    assert.deepEqual(changes, ["+ /a/", "+ /a/deep/", "+ /a/deep/f", "+ /a/deep/p", "+ /raw\xc3\xbf"]);
    assert.deepEqual(added, { files: 2, dirs: 2, others: 1, dataBlobs: 2, treeBlobs: 3, bytes: treeBytes + 201 });
    assert.deepEqual([removed.treeBlobs, removed.dataBlobs, changedFiles], [1, 0, 0]);
    const back = await compare(root, empty);
    assert.deepEqual(
      back.changes,
      changes.map((change) => change.replace("+", "-")),
    );
    assert.deepEqual([back.added, back.removed], [removed, added]);
  });

  test("content, type and metadata are told apart; metadata only when asked for", async () => {
    const left = await tree([
      fileNode("content", [blobs[0]], { mtime: "2024-01-01T00:00:00Z" }),
      fileNode("mode", [blobs[0]]),
      fileNode("rotten", [blobs[0]]),
      fileNode("type", []),
    ]);
    const right = await tree([
      fileNode("content", [blobs[1]], { mtime: "2024-01-02T00:00:00Z" }),
      fileNode("mode", [blobs[0]], { mode: 0o600 }),
      fileNode("rotten", [blobs[2]]),
      emptyNode(Buffer.from("type"), "symlink"),
    ]);
    const plain = await compare(left, right);
    assert.deepEqual(plain.changes, ["M /content", "M? /rotten", "T /type"]);
    assert.equal(plain.changedFiles, 2);
    assert.deepEqual([plain.added.dataBlobs, plain.removed.dataBlobs], [2, 0]);
    const { changes } = await compare(left, right, { metadata: true });
    assert.deepEqual(changes, ["M /content", "U /mode", "M? /rotten", "TU /type"]);
  });

  test("a blob that a shared directory has counts for neither side", async () => {
    const shared = await tree([fileNode("f", [blobs[0]])]);
    const left = await tree([directoryNode("shared", shared), fileNode("x", [blobs[0]])]);
    const right = await tree([directoryNode("shared", shared)]);
    const { changes, removed } = await compare(left, right);
    assert.deepEqual(changes, ["- /x"]);
    assert.deepEqual([removed.files, removed.dataBlobs, removed.treeBlobs], [1, 0, 1]);
  });

  test("a directory that cannot be read is reported with its path, and the rest is compared", async () => {
    const missing = idOf<BlobId>(Buffer.from("not stored"));
    const left = await tree([directoryNode("a", missing), directoryNode("b", missing), fileNode("c", [])]);
    const right = await tree([directoryNode("a", missing), emptyNode(Buffer.from("d"), "dir")]);
    const errors: string[] = [];
    const { changes } = await compare(left, right, { onError: (error) => errors.push(error.message) });
    assert.deepEqual(changes, ["- /b/", "- /c", "+ /d/"]);
    assert.match(
      errors.join("\n"),
      /"\/b" cannot be compared.*\n.*"\/d" cannot be compared: the directory has no subtree/,
    );
    assert.match(errors.join("\n"), /"\/a" cannot be compared/);
    await assert.rejects(compare(left, right), (error) => RepositoryError.is(error, "blob-missing"));
  });

  test("data blobs that no index file has are reported and not counted", async () => {
    const left = await tree([]);
    const right = await tree([fileNode("f", [idOf<BlobId>(Buffer.from("gone"))])]);
    const errors: string[] = [];
    const { added } = await compare(left, right, { onError: (error) => errors.push(error.message) });
    assert.equal(added.dataBlobs, 0);
    assert.match(errors.join(), /is in no index file/);
  });

  test("it ends with the signal", async () => {
    const root = await tree([fileNode("f", [])]);
    const signal = AbortSignal.abort();
    await assert.rejects(compare(root, await tree([]), { signal }), (error) => RepositoryError.is(error, "cancelled"));
  });

  test("hundreds of directories on both sides keep their order", async () => {
    const [one, two] = [await tree([fileNode("f", [blobs[0]])]), await tree([fileNode("f", [blobs[1]])])];
    const names = Array.from({ length: 600 }, (_, number) => `d${String(number).padStart(4, "0")}`);
    const left = await tree(names.map((name) => directoryNode(name, one)));
    const right = await tree(names.map((name, number) => directoryNode(name, number % 2 === 0 ? two : one)));
    const { changes, changedFiles } = await compare(left, right);
    const expected = names.filter((_, number) => number % 2 === 0).map((name) => `M? /${name}/f`);
    assert.deepEqual(changes, expected);
    assert.equal(changedFiles, 300);
  });
});
