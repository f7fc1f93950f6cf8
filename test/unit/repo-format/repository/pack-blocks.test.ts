import assert from "node:assert/strict";
import { test } from "node:test";
import { TreesAhead } from "../../../../repo-format/archiver/trees-ahead.ts";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree, iterateTree } from "../../../../repo-format/format/tree.ts";
import { withBlobUploader } from "../../../../repo-format/repository/blob-uploader.ts";
import { type BlockView, PackBlocks } from "../../../../repo-format/repository/pack-blocks.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { walkTrees } from "../../../../repo-format/repository/walk-trees.ts";
import { TreePrefetch } from "../../../../repo-format/restorer/tree-prefetch.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { newStorageMeter, type StorageMeter } from "../../../../repo-format/storage/storage-meter.ts";
import { withMeter } from "../../../../repo-format/storage/with-meter.ts";
import { createTestRepository, reopen, seededBytes } from "../../../support/memory-repository.ts";

const pack = "ab".repeat(32) as PackId;
/** A pack of 5,050 bytes in which every byte tells its place, and what was read of it. */
function somePack() {
  const bytes = seededBytes("pack", 5050);
  const requests: string[] = [];
  const state = { fails: false, isCutShort: false };
  const read = async (_: PackId, offset: number, length: number): Promise<Buffer> => {
    requests.push(`${offset}+${length}`);
    if (state.fails) throw new Error("no answer");
    return Buffer.from(bytes.subarray(offset, offset + (state.isCutShort ? length / 2 : length)));
  };
  return { bytes, requests, state, read };
}

/** Blocks of a pack of 5,050 bytes. */
function someBlocks() {
  const blocks = new PackBlocks({ blockBytes: 100, maxBytes: 1000 });
  const { read, ...others } = somePack();
  const readAt = (offset: number, length: number): Promise<BlockView> =>
    blocks.read({ packId: pack, offset, length, blobs: [] }, read, 5050);
  return { blocks, readAt, ...others };
}

test("blocks are read whole and once, and nothing behind the pack's last blob", async () => {
  const { bytes, requests, readAt } = someBlocks();
  const view = await readAt(110, 360);
  assert.deepEqual(requests, ["100+400"]);
  assert.deepEqual(view.bytes(110, 20), bytes.subarray(110, 130));
  assert.deepEqual(view.bytes(350, 120), bytes.subarray(350, 470));
  await readAt(250, 30);
  await readAt(480, 200);
  await readAt(5001, 49);
  assert.deepEqual(requests.slice(1), ["500+200", "5000+50"]);
});

test("what lies between two blocks that are not there is read along with them", async () => {
  const { bytes, requests, readAt } = someBlocks();
  await readAt(210, 10);
  const view = await readAt(110, 250);
  assert.deepEqual(requests, ["200+100", "100+300"]);
  assert.deepEqual(view.bytes(110, 250), bytes.subarray(110, 360));
});

test("an answer that is shorter than what was asked for is damage, and nothing of it is kept", async () => {
  const { bytes, state, readAt } = someBlocks();
  state.isCutShort = true;
  await assert.rejects(readAt(110, 360), { code: "pack-damaged", message: /sent 200 of 400 bytes/ });
  state.isCutShort = false;
  assert.deepEqual((await readAt(110, 360)).bytes(110, 360), bytes.subarray(110, 470));
});

test("those who want a block that is on its way wait for it", async () => {
  const { bytes, requests, readAt } = someBlocks();
  const views = await Promise.all([1, 2, 3].map(() => readAt(10, 300)));
  assert.deepEqual(requests, ["0+400"]);
  for (const view of views) assert.deepEqual(view.bytes(10, 300), bytes.subarray(10, 310));
});

test("what is kept is bounded, and what was used last stays", async () => {
  const { bytes, blocks, requests, readAt } = someBlocks();
  const all = await readAt(0, 5050);
  assert.deepEqual(all.bytes(0, 5050), bytes, "also more than is kept");
  requests.length = 0;
  await readAt(4200, 10);
  for (let block = 0; block < 9; block++) await readAt(block * 300, 10);
  await readAt(4200, 10);
  assert.equal(requests.length, 9);
  assert.ok(blocks.has({ packId: pack, offset: 4250, length: 50 }));
  assert.ok(!blocks.has({ packId: pack, offset: 4250, length: 51 }));
});

test("a read that failed fails those who waited for it, and the next one asks again", async () => {
  const { blocks, state, requests, readAt } = someBlocks();
  state.fails = true;
  const results = await Promise.allSettled([readAt(0, 10), readAt(0, 10)]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  state.fails = false;
  await readAt(0, 10);
  blocks.drop({ packId: pack, offset: 5, length: 1 });
  await readAt(0, 10);
  assert.deepEqual(requests, ["0+100", "0+100", "0+100"]);
});

/** 4,681 directories that are stored as a backup stores them, each behind what it holds. */
async function storeWideTree(repo: Repository): Promise<BlobId> {
  return withBlobUploader(repo, {}, async (uploader) => {
    const store = async (path: string, depth: number): Promise<BlobId> => {
      // Hardly compresses, so that there is more of it than is kept.
      const linkTarget = Buffer.from(seededBytes(path, 3700).toString("hex"));
      const nodes: Node[] = [{ ...emptyNode(Buffer.from("a-link"), "symlink"), linkTarget }];
      for (let child = 0; depth > 0 && child < 8; child++) {
        const subtree = await store(`${path}/${child}`, depth - 1);
        nodes.push({ ...emptyNode(Buffer.from(`d${child}`), "dir"), subtree });
      }
      return (await uploader.saveBlob("tree", encodeTree(nodes))).id;
    };
    return store("", 4);
  });
}

function subtreesIn(tree: Buffer): BlobId[] {
  return [...iterateTree(tree)].flatMap(({ subtree }) => (subtree === undefined ? [] : [subtree]));
}

/** As an unchanged backup reads the trees of its parent. */
async function readAsBackup(repo: Repository, root: BlobId): Promise<number> {
  const ahead = new TreesAhead(repo, undefined);
  const visit = async (id: BlobId): Promise<number> => {
    let count = 1;
    for (const subtree of subtreesIn(await ahead.take(id))) count += await visit(subtree);
    return count;
  };
  return visit(root);
}

/** As a restore reads the trees of its snapshot. */
async function readAsRestore(repo: Repository, root: BlobId): Promise<number> {
  const prefetch = new TreePrefetch(repo, undefined);
  const stack = [root];
  let count = 0;
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    const current = id;
    prefetch.expect((wanted) => [current, ...stack.slice(-wanted).reverse()].slice(0, wanted));
    stack.push(...subtreesIn(await prefetch.take(id)).reverse());
    count++;
  }
  return count;
}

/** As check and prune do. */
async function readAsCheck(repo: Repository, root: BlobId): Promise<number> {
  let count = 0;
  await walkTrees(repo, [root], { tree: () => void count++ });
  return count;
}

test("the trees of a snapshot are read about once, whoever walks them, although they lie in the order of their ends", async () => {
  const storage = new InMemoryStorage();
  const root = await storeWideTree(await createTestRepository({ storage }));
  const walks = [
    { walk: readAsBackup, most: 1.5, mostRequests: 200 },
    { walk: readAsRestore, most: 1.5, mostRequests: 250 },
    { walk: readAsCheck, most: 2, mostRequests: 300 },
  ];
  for (const { walk, most, mostRequests } of walks) {
    const meter: StorageMeter = newStorageMeter();
    const repo = await reopen(withMeter(storage, meter));
    await repo.refreshIndex();
    let treeBytes = 0;
    for (const { length } of repo.index.blobs()) treeBytes += length;
    assert.ok(treeBytes > 2 * 8 * 1024 * 1024, `${treeBytes} bytes fit into what is kept, which shows nothing`);
    const before = { ...meter, requests: { ...meter.requests } };
    assert.equal(await walk(repo, root), 4681);
    const share = (meter.bytesReceived - before.bytesReceived) / treeBytes;
    const requests = meter.requests.getRange - before.requests.getRange;
    assert.ok(share < most, `${walk.name} read ${share.toFixed(2)} times the trees' bytes`);
    assert.ok(requests < mostRequests, `${walk.name} made ${requests} requests`);
  }
});
