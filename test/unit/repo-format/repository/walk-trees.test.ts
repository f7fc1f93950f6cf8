import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, TreeId } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { type BlobUploader, withBlobUploader } from "../../../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { pathOfTree, usedBlobs, walkTrees } from "../../../../repo-format/repository/walk-trees.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes } from "../../../support/memory-repository.ts";

/** Names → file content or a further directory. */
interface Folder {
  readonly [name: string]: Buffer | Folder;
}

async function storeFolder(uploader: BlobUploader, folder: Folder): Promise<TreeId> {
  const nodes: Node[] = [];
  for (const name of Object.keys(folder).sort()) {
    const entry = folder[name] as Buffer | Folder;
    if (Buffer.isBuffer(entry)) {
      const { id } = await uploader.saveBlob("data", entry);
      nodes.push({ ...emptyNode(Buffer.from(name), "file"), content: [id] });
    } else nodes.push({ ...emptyNode(Buffer.from(name), "dir"), subtree: await storeFolder(uploader, entry) });
  }
  return (await uploader.saveBlob("tree", encodeTree(nodes))).id;
}

function store(repo: Repository, folder: Folder): Promise<TreeId> {
  return withBlobUploader(repo, {}, (uploader) => storeFolder(uploader, folder));
}

const sample: Folder = {
  a: { shared: { x: seededBytes("x", 10) }, y: seededBytes("y", 10) },
  b: { shared: { x: seededBytes("x", 10) } },
  z: seededBytes("z", 10),
};

test("walkTrees visits each tree once, with a path that leads to it, and its nodes in order", async () => {
  const repo = await createTestRepository();
  const root = await store(repo, sample);
  const paths: string[] = [];
  const nodes: string[] = [];
  await walkTrees(repo, [root, root], {
    tree: (tree) => paths.push(pathOfTree(tree)),
    node: (node, tree) => nodes.push(`${pathOfTree(tree)} ${node.name}`),
  });
  assert.equal(paths[0], "/");
  assert.deepEqual(paths.slice(1, 3).sort(), ["/a", "/b"]);
  assert.match(paths.slice(3).join(), /^.[ab].shared$/);
  assert.deepEqual(
    nodes.filter((node) => node.startsWith("/ ")),
    ["/ a", "/ b", "/ z"],
  );
  assert.equal(nodes.filter((node) => node.endsWith(" x")).length, 1);
});

test("walkTrees needs far fewer requests than there are trees", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const wide: Record<string, Folder> = {};
  for (let number = 0; number < 500; number++) wide[`dir ${number}`] = { file: seededBytes(number, 5) };
  const root = await store(repo, wide);
  storage.calls.length = 0;
  let count = 0;
  await walkTrees(repo, [root], { tree: () => count++ });
  assert.equal(count, 501);
  assert.ok(storage.calls.length < 30, `${storage.calls.length} requests`);
});

test("walkTrees goes as deep as the tree, without a call for each level", async () => {
  const repo = await createTestRepository();
  const root = await withBlobUploader(repo, {}, async (uploader) => {
    let subtree = (await uploader.saveBlob("tree", encodeTree([]))).id;
    for (let level = 0; level < 3000; level++) {
      const node = { ...emptyNode(Buffer.from(`${level}`), "dir"), subtree };
      subtree = (await uploader.saveBlob("tree", encodeTree([node]))).id;
    }
    return subtree;
  });
  let count = 0;
  await walkTrees(repo, [root], { tree: () => count++ });
  assert.equal(count, 3001);
});

test("walkTrees ends with the error of a tree that is missing or malformed, unless the visitor takes errors", async () => {
  const repo = await createTestRepository();
  const missing = "e".repeat(64) as TreeId;
  const root = await withBlobUploader(repo, {}, async (uploader) => {
    const broken = (await uploader.saveBlob("tree", Buffer.from('{"nodes":[{"name":'))).id;
    const nodes = [
      { ...emptyNode(Buffer.from("a"), "dir"), subtree: missing },
      { ...emptyNode(Buffer.from("b"), "dir"), subtree: broken },
      { ...emptyNode(Buffer.from("c"), "dir"), subtree: await storeFolder(uploader, sample) },
    ];
    return (await uploader.saveBlob("tree", encodeTree(nodes))).id;
  });
  await assert.rejects(walkTrees(repo, [root], {}), { code: "blob-missing" });
  const errors: string[] = [];
  let trees = 0;
  const error = ({ code }: { code: string }, tree: Parameters<typeof pathOfTree>[0]): void => {
    errors.push(`${code} ${pathOfTree(tree)}`);
  };
  await walkTrees(repo, [root], { error, tree: () => trees++ });
  assert.deepEqual(errors.sort(), ["blob-missing /a", "tree-malformed /b"]);
  assert.equal(trees, 6);
});

test("an error of the visitor ends the walk with that error", async () => {
  const repo = await createTestRepository();
  const root = await store(repo, sample);
  const failing = walkTrees(repo, [root], {
    node: () => {
      throw new Error("enough");
    },
  });
  await assert.rejects(failing, /enough/);
});

test("a cancelled walk ends as cancelled", async () => {
  const repo = await createTestRepository();
  const root = await store(repo, sample);
  const controller = new AbortController();
  const walk = walkTrees(repo, [root], { tree: () => controller.abort() }, { signal: controller.signal });
  await assert.rejects(walk, { code: "cancelled" });
});

test("usedBlobs finds every blob of every root and lists what the index lacks", async () => {
  const repo = await createTestRepository();
  const root = await store(repo, sample);
  const [other] = await Promise.all([store(repo, { unused: seededBytes("unused", 10) })]);
  const used = await usedBlobs(repo, [root]);
  // Trees: root, a, b, shared. Data: x, y, z.
  assert.equal(used.blobs.count, 7);
  assert.deepEqual([used.missing, used.missingCount], [[], 0]);
  assert.equal(used.blobs.has("tree", other), false);
  const gone = "d".repeat(64) as BlobId;
  const broken = await withBlobUploader(repo, {}, async (uploader) => {
    const nodes = [
      { ...emptyNode(Buffer.from("dir"), "dir"), subtree: gone },
      { ...emptyNode(Buffer.from("file"), "file"), content: [gone] },
    ];
    return (await uploader.saveBlob("tree", encodeTree(nodes))).id;
  });
  const incomplete = await usedBlobs(repo, [root, broken]);
  assert.deepEqual(
    [...incomplete.missing].sort((a, b) => a.type.localeCompare(b.type)),
    [
      { type: "data", id: gone, path: "/file" },
      { type: "tree", id: gone, path: "/dir" },
    ],
  );
});

test("usedBlobs works on an index that was read from the store", async () => {
  const repo = await createTestRepository();
  const root = await store(repo, sample);
  const reader = await reopen(repo.storage);
  await reader.refreshIndex();
  assert.equal((await usedBlobs(reader, [root])).blobs.count, 7);
});
