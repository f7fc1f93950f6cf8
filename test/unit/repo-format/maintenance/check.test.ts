// What each kind of damage is reported as. Damage that other writers leave behind is in test/interop.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PackedBlob } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../../../repo-format/format/index-file.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { type CheckOptions, type CheckResult, check } from "../../../../repo-format/maintenance/check.ts";
import { withLock } from "../../../../repo-format/repository/lock.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import {
  createTestRepository,
  reopen,
  storeBlobs,
  storedKeys,
  storeSnapshot,
} from "../../../support/memory-repository.ts";
import { directoryNode, fileNode, storeSampleTree } from "../../../support/sample-trees.ts";

const lockTimings = { settleMs: 0 };
const nullId = "0".repeat(64) as BlobId;
const absentId = "ab".repeat(32) as BlobId;

/** A second program's look, so that nothing comes from memory. */
async function checkAnew(repo: Repository, options: CheckOptions = {}): Promise<CheckResult> {
  return await check(await reopen(repo.storage), { lockTimings, ...options });
}

const codes = (result: CheckResult): string[] => result.findings.map(({ code }) => code).sort();

async function soundRepository(): Promise<Repository> {
  const repo = await createTestRepository();
  await storeSnapshot(repo, await storeSampleTree(repo));
  return repo;
}

async function firstPack(repo: Repository): Promise<PackId> {
  for await (const { id } of repo.list("pack")) return id as PackId;
  throw new Error("no pack");
}

/** Findings about a snapshot of one tree with this content. */
async function codesOfTree(json: Buffer): Promise<string[]> {
  const repo = await createTestRepository();
  const [tree] = await storeBlobs(repo, "tree", [json]);
  await storeSnapshot(repo, tree as BlobId);
  return codes(await checkAnew(repo));
}

describe("check of sound repositories", () => {
  test("check finds nothing, reports its progress and gives the lock back", async () => {
    const repo = await soundRepository();
    const steps = new Set<string>();
    const result = await checkAnew(repo, {
      readData: { kind: "all" },
      findUnused: true,
      onProgress: ({ step, done, total }) => done === total && steps.add(step),
    });
    assert.deepEqual(result.findings, []);
    assert.ok(result.isSound);
    assert.deepEqual([...steps], ["index", "snapshots", "data"]);
    assert.deepEqual(await storedKeys(repo.storage, "locks/"), []);
  });

  test("check of an empty repository finds nothing", async () => {
    assert.deepEqual((await checkAnew(await createTestRepository())).findings, []);
  });

  test("check waits for nobody when it is told to take no lock, and is refused otherwise", async () => {
    const repo = await soundRepository();
    await withLock(repo, { exclusive: false, timings: lockTimings }, async () => {
      assert.ok((await checkAnew(repo, { lock: false })).isSound);
      await assert.rejects(checkAnew(repo, { retryLockMs: 0 }), { code: "lock-held" });
    });
  });

  test("check reads each tree once, however many snapshots share it", async () => {
    const repo = await soundRepository();
    const [tree] = (await Promise.all([...(await snapshotTrees(repo))])) as [BlobId];
    for (let number = 0; number < 5; number++) await storeSnapshot(repo, tree);
    const counted = new FaultyStorage(repo.storage);
    await check(await reopen(counted), { lockTimings });
    const reads = counted.keysOf("getRange").length;
    const lone = new FaultyStorage((await soundRepository()).storage);
    await check(await reopen(lone), { lockTimings });
    assert.equal(reads, lone.keysOf("getRange").length);
  });
});

async function snapshotTrees(repo: Repository): Promise<BlobId[]> {
  const trees: BlobId[] = [];
  for await (const { snapshot } of repo.snapshots()) trees.push(snapshot.tree);
  return trees;
}

describe("check of damaged index files, packs and snapshots", () => {
  test("check reports an index file that cannot be read, and stops there", async () => {
    const repo = await soundRepository();
    await repo.storage.put(`index/${"1".repeat(64)}`, Buffer.from("junk"));
    const result = await checkAnew(repo);
    assert.deepEqual(codes(result), ["index-unreadable"]);
    assert.ok(result.suggestRepairIndex && !result.isSound);
  });

  test("check hints at packs in several index files and reports files that contradict each other", async () => {
    const repo = await soundRepository();
    const [pack] = [...repo.index.packs()];
    if (pack === undefined) throw new Error("no pack");
    await repo.saveUnpacked("index", encodeIndexFile([pack]));
    const twice = await checkAnew(repo);
    assert.deepEqual(codes(twice), ["index-duplicate-pack"]);
    assert.ok(twice.isSound && twice.suggestRepairIndex);
    const blobs: PackedBlob[] = pack.blobs.map((blob) => ({
      ...blob,
      uncompressedLength: blob.uncompressedLength + 1,
    }));
    await repo.saveUnpacked("index", encodeIndexFile([{ id: pack.id, blobs }]));
    const contrary = await checkAnew(repo);
    assert.ok(codes(contrary).includes("index-conflict") && !contrary.isSound);
    assert.deepEqual(contrary.brokenPacks, [pack.id]);
  });

  test("check reports compressed blobs in the index of a version 1 repository", async () => {
    const repo = await createTestRepository({ version: 1 });
    await storeSnapshot(repo, await storeSampleTree(repo));
    const blob: PackedBlob = { type: "data", id: absentId, offset: 0, length: 40, uncompressedLength: 50 };
    await repo.saveUnpacked("index", encodeIndexFile([{ id: absentId as string as PackId, blobs: [blob] }]));
    assert.deepEqual(codes(await checkAnew(repo)), ["index-unreadable"]);
  });

  test("check reports packs that are missing, of a wrong size, or not in the index", async () => {
    const repo = await soundRepository();
    const pack = await firstPack(repo);
    const bytes = await repo.storage.get(keyOf("pack", pack));
    await repo.storage.put(keyOf("pack", pack), bytes.subarray(1));
    const short = await checkAnew(repo);
    assert.deepEqual([short.findings[0]?.code, short.findings[0]?.packId], ["pack-size", pack]);
    assert.deepEqual(short.brokenPacks, [pack]);
    await repo.storage.delete(keyOf("pack", pack));
    assert.equal((await checkAnew(repo)).findings[0]?.code, "pack-missing");
    await repo.storage.put(keyOf("pack", pack), bytes);
    await repo.storage.put(keyOf("pack", idOf(Buffer.from("x"))), Buffer.from("x"));
    const extra = await checkAnew(repo);
    assert.deepEqual(codes(extra), ["pack-unreferenced"]);
    assert.ok(extra.isSound && extra.suggestPrune);
  });

  test("check reports snapshots that cannot be read, and ids that name none", async () => {
    const repo = await soundRepository();
    await repo.storage.put(`snapshots/${"1".repeat(64)}`, Buffer.from("junk"));
    const [finding] = (await checkAnew(repo)).findings;
    assert.deepEqual([finding?.code, finding?.snapshotId], ["snapshot-unreadable", "1".repeat(64)]);
    assert.deepEqual(codes(await checkAnew(repo, { ids: ["abcdef"] })), ["snapshot-unreadable"]);
  });

  test("check of some snapshots reads their packs only", async () => {
    const repo = await soundRepository();
    const [other] = await storeBlobs(repo, "tree", [encodeTree([])]);
    const id = await storeSnapshot(repo, other as BlobId);
    const totals: number[] = [];
    const onProgress: CheckOptions["onProgress"] = ({ step, total }) => step === "data" && totals.push(total);
    await checkAnew(repo, { ids: [id], readData: { kind: "all" }, onProgress });
    assert.deepEqual(totals, [1]);
  });

  test("check hands every finding out and keeps a thousand", async () => {
    const missing = Array.from({ length: 1200 }, (_, number) => idOf<BlobId>(Buffer.from(String(number))));
    const repo = await createTestRepository();
    const [tree] = await storeBlobs(repo, "tree", [encodeTree([fileNode("f", missing)])]);
    await storeSnapshot(repo, tree as BlobId);
    let heard = 0;
    const result = await checkAnew(repo, { onFinding: () => heard++ });
    assert.deepEqual([heard, result.counts.error, result.findings.length], [1200, 1200, 1000]);
  });
});

describe("check of trees", () => {
  const cases: readonly { title: string; tree: Buffer; expected: string[] }[] = [
    { title: "a tree that is no JSON", tree: Buffer.from("{"), expected: ["tree-malformed"] },
    {
      title: "a file without content",
      tree: withoutContent(fileNode("f", [])),
      expected: ["file-without-content"],
    },
    { title: "a file with a null blob", tree: encodeTree([fileNode("f", [nullId])]), expected: ["file-null-blob"] },
    {
      title: "a file with an unknown blob",
      tree: encodeTree([fileNode("f", [absentId])]),
      expected: ["blob-not-indexed"],
    },
    { title: "a file of a wrong size", tree: encodeTree([fileNode("f", [], { size: 3 })]), expected: ["file-size"] },
    {
      title: "a directory without subtree",
      tree: encodeTree([emptyNode(Buffer.from("d"), "dir")]),
      expected: ["directory-without-subtree"],
    },
    {
      title: "a directory with an unknown subtree",
      tree: encodeTree([directoryNode("d", absentId)]),
      expected: ["blob-not-indexed"],
    },
    {
      title: "a node of an unknown type",
      tree: encodeTree([emptyNode(Buffer.from("x"), "irregular")]),
      expected: ["node-type"],
    },
    { title: "a name that comes twice", tree: twoNodes("a", "a"), expected: ["tree-disorder"] },
    { title: "names out of order", tree: twoNodes("b", "a"), expected: ["tree-disorder"] },
    { title: "an empty name", tree: twoNodes("", "a"), expected: ["node-without-name"] },
  ];
  for (const { title, tree, expected } of cases) {
    test(`check reports ${title}`, async () => {
      assert.deepEqual(await codesOfTree(tree), expected);
    });
  }

  test("check reports a root tree that is in no index file, and one that cannot be read", async () => {
    const repo = await soundRepository();
    await storeSnapshot(repo, absentId);
    const [finding] = (await checkAnew(repo)).findings;
    assert.deepEqual([finding?.code, finding?.blobId], ["blob-not-indexed", absentId]);
    const damaged = await soundRepository();
    const [tree] = await snapshotTrees(damaged);
    const [location] = damaged.index.lookup({ type: "tree", id: tree as BlobId });
    const key = keyOf("pack", location?.packId as PackId);
    const bytes = await damaged.storage.get(key);
    const at = (location?.offset ?? 0) + 20;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await damaged.storage.put(key, bytes);
    assert.ok(codes(await checkAnew(damaged)).includes("tree-unreadable"));
  });

  test("check tells data and trees of the same id apart", async () => {
    const repo = await createTestRepository();
    const json = encodeTree([]);
    const [asData] = await storeBlobs(repo, "data", [json]);
    await storeSnapshot(repo, asData as BlobId);
    assert.deepEqual(codes(await checkAnew(repo)), ["blob-not-indexed"]);
  });
});

function withoutContent(node: Node): Buffer {
  return Buffer.from(encodeTree([node]).toString().replace('"content":[]', '"content":null'));
}

function twoNodes(first: string, second: string): Buffer {
  const nodes = [first, second].map((name) => {
    const [, json = ""] = /\[(.*)\]/s.exec(encodeTree([emptyNode(Buffer.from(name || "?"), "fifo")]).toString()) ?? [];
    return name === "" ? json.replace('"?"', '""') : json;
  });
  return Buffer.from(`{"nodes":[${nodes.join(",")}]}\n`);
}
