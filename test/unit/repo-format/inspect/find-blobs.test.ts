import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { emptyTreeId, encodeTree } from "../../../../repo-format/format/tree.ts";
import { findBlobs, locateBlobs } from "../../../../repo-format/inspect/find-blobs.ts";
import { type WantedBlobs, WantedIds } from "../../../../repo-format/inspect/wanted-ids.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeBlobs } from "../../../support/memory-repository.ts";
import { directoryNode, fileNode, longFile, storeSampleTree } from "../../../support/sample-trees.ts";

describe("findBlobs and locateBlobs", () => {
  let repo: Repository;
  let root: BlobId;
  const long = idOf<BlobId>(longFile[1] as Buffer);
  const small = idOf<BlobId>(Buffer.from("small"));

  before(async () => {
    repo = await createTestRepository();
    root = await storeSampleTree(repo);
  });

  async function places(wanted: WantedBlobs, treeId: BlobId = root): Promise<string[]> {
    const found = await Array.fromAsync(findBlobs(repo, treeId, wanted));
    return found.map(({ type, path }) => `${type} ${path.toString()}`);
  }

  test("a data blob is found in each file that has it, by its id or the first digits, with the tree of the file", async () => {
    const found = await Array.fromAsync(findBlobs(repo, root, { data: new WantedIds([small.slice(0, 8), long]) }));
    assert.deepEqual(
      found.map(({ path, id }) => `${path.toString()} ${id}`),
      [`/etc/deep/leaf ${small}`, `/etc/long ${long}`, `/link-1 ${small}`, `/link-2 ${small}`],
    );
    assert.equal(found.at(-1)?.parentTree, root);
  });

  test("trees are found once each, the root first; then nothing more is read", async () => {
    const [empty] = await storeBlobs(repo, "tree", [encodeTree([])]);
    assert.equal(empty, emptyTreeId);
    const missing = idOf<BlobId>(Buffer.from("not stored"));
    const nodes = [directoryNode("a", emptyTreeId), directoryNode("b", emptyTreeId), directoryNode("c", missing)];
    const [id = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    assert.deepEqual(await places({ tree: new WantedIds([emptyTreeId]) }, id), ["tree /a"]);
    assert.deepEqual(await places({ tree: new WantedIds([id, emptyTreeId.slice(0, 9)]) }, id), ["tree /", "tree /a"]);
    // Found again and again, one tree does not stand for another one.
    const wanted = { tree: new WantedIds([emptyTreeId, missing]) };
    assert.deepEqual(await places(wanted, id), ["tree /a", "tree /b", "tree /c"]);
  });

  test("with data blobs wanted, too, all trees are looked through", async () => {
    const [inner = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree([fileNode("f", [small, small])])]);
    const nodes = [directoryNode("a", inner), directoryNode("b", inner)];
    const [id = "" as BlobId] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    const wanted = { tree: new WantedIds([inner]), data: new WantedIds([small]) };
    const file = (name: string): string[] => [`tree /${name}`, `data /${name}/f`, `data /${name}/f`];
    assert.deepEqual(await places(wanted, id), [...file("a"), ...file("b")]);
  });

  test("the index says where blobs lie, each once; of those that it does not know it says nothing", () => {
    const unknown = idOf<BlobId>(Buffer.from("not stored"));
    const wanted = { data: new WantedIds([long, long.slice(0, 10), unknown]), tree: new WantedIds([root]) };
    const located = [...locateBlobs(repo, wanted)];
    assert.deepEqual(
      located.map(({ type, id, pack }) => [type, id, pack !== undefined]),
      [
        ["data", long, true],
        ["data", unknown, false],
        ["tree", root, true],
      ],
    );
    const [location] = repo.index.lookup({ type: "data", id: long });
    assert.equal(located[0]?.pack, location?.packId);
    assert.equal(located[0]?.length, location?.length);
  });
});
