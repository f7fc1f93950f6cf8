import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { findNames, type NameQuery } from "../../../../repo-format/inspect/find-names.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeBlobs } from "../../../support/memory-repository.ts";
import { directoryNode, fileNode, storeSampleTree } from "../../../support/sample-trees.ts";

describe("findNames", () => {
  let repo: Repository;
  let root: BlobId;

  before(async () => {
    repo = await createTestRepository();
    root = await storeSampleTree(repo);
  });

  async function paths(query: Partial<NameQuery>, treeId: BlobId = root): Promise<string[]> {
    const found: string[] = [];
    for await (const { path } of findNames(repo, treeId, { patterns: [], ...query }))
      found.push(path.toString("latin1"));
    return found;
  }

  test("a name is found wherever it is, a path from the root only there", async () => {
    assert.deepEqual(await paths({ patterns: ["l*"] }), ["/etc/deep/leaf", "/etc/long", "/link-1", "/link-2"]);
    assert.deepEqual(await paths({ patterns: ["/etc/l*", "deep/leaf"] }), ["/etc/deep/leaf", "/etc/long"]);
    assert.deepEqual(await paths({ patterns: ["/l*"] }), ["/link-1", "/link-2"]);
    assert.deepEqual(await paths({ patterns: ["/**/leaf"] }), ["/etc/deep/leaf"]);
    assert.deepEqual(await paths({ patterns: ["/etc/none"] }), []);
  });

  test("a directory that matches comes with all that is in it", async () => {
    assert.deepEqual(await paths({ patterns: ["/etc"] }), ["/etc", "/etc/deep", "/etc/deep/leaf", "/etc/long"]);
    assert.equal((await paths({ patterns: [""] })).length, 9);
  });

  test("the case of letters counts unless it is to be ignored", async () => {
    assert.deepEqual(await paths({ patterns: ["LEAF"] }), []);
    assert.deepEqual(await paths({ patterns: ["LEAF"], ignoreCase: true }), ["/etc/deep/leaf"]);
  });

  test("a sign that takes back elsewhere says nothing here", async () => {
    assert.deepEqual(await paths({ patterns: ["!leaf"] }), ["/etc/deep/leaf"]);
  });

  test("both ends of a span of time belong to it", async () => {
    const file = (name: string, mtime: string): ReturnType<typeof fileNode> => fileNode(name, [], { mtime });
    const nodes = [
      file("a", "2024-01-01T00:00:00Z"),
      file("b", "2024-01-02T00:00:00.5Z"),
      file("c", "2024-01-03T00:00:00Z"),
    ];
    const [id] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    const instant = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;
    const second = instant("2024-01-02T00:00:00.500Z");
    assert.deepEqual(await paths({ patterns: ["*"], oldestNs: second }, id), ["/b", "/c"]);
    assert.deepEqual(await paths({ patterns: ["*"], newestNs: second }, id), ["/a", "/b"]);
    assert.deepEqual(await paths({ patterns: ["*"], oldestNs: second + 1n }, id), ["/c"]);
    assert.deepEqual(await paths({ patterns: ["*"], newestNs: second - 1n }, id), ["/a"]);
  });

  test("a directory that cannot be read is reported and passed over, one that is not needed not even read", async () => {
    const missing = idOf<BlobId>(Buffer.from("not stored"));
    const nodes = [directoryNode("bad", missing), fileNode("good", [])];
    const [id = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    await assert.rejects(paths({ patterns: ["good"] }, id), (error) => RepositoryError.is(error, "blob-missing"));
    const errors: string[] = [];
    const onError = (_: RepositoryError, path: Buffer): void => void errors.push(path.toString());
    const found = await Array.fromAsync(findNames(repo, id, { patterns: ["good"] }, { onError }));
    assert.equal(found.length, 1);
    assert.deepEqual(errors, ["/bad"]);
    assert.deepEqual(await paths({ patterns: ["/good"] }, id), ["/good"]);
  });

  test("a pattern that is none is refused", async () => {
    await assert.rejects(paths({ patterns: ["[a"] }), (error) => RepositoryError.is(error, "pattern-malformed"));
  });
});
