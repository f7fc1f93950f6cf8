// One byte of one stored object is wrong: every way of reading gives an error or the right data, and a check that reads
// the data finds it, whichever byte it was.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../repo-format/errors.ts";
import { type BlobId, idOf } from "../../repo-format/format/id.ts";
import { emptyNode } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { ls } from "../../repo-format/inspect/ls.ts";
import { collectStats } from "../../repo-format/inspect/stats.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { findSnapshots } from "../../repo-format/repository/find-snapshots.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
  storeSnapshot,
} from "../support/memory-repository.ts";

const fileContent = seededBytes("file", 100);

async function buildStore(version: 1 | 2): Promise<{ storage: InMemoryStorage; treeId: BlobId }> {
  const storage = new InMemoryStorage();
  const repo = await createTestRepository({ storage, version });
  await storeBlobs(repo, "data", [fileContent]);
  const file = { ...emptyNode(Buffer.from("file"), "file"), content: [idOf<BlobId>(fileContent)], size: 100 };
  const inner = encodeTree([file]);
  const directory = { ...emptyNode(Buffer.from("directory"), "dir"), subtree: idOf<BlobId>(inner) };
  const [, treeId] = await storeBlobs(repo, "tree", [inner, encodeTree([directory])]);
  await storeSnapshot(repo, treeId as BlobId);
  return { storage, treeId: treeId as BlobId };
}

/** Everything that reading tells, as text; the same for every sound copy of the repository. */
async function readAll(repo: Repository): Promise<string> {
  const found = await findSnapshots(repo);
  await repo.refreshIndex();
  const lines = [repo.id, repo.version, JSON.stringify(found)];
  for (const { snapshot } of found) {
    for await (const { path, node } of ls(repo, snapshot.tree)) {
      lines.push(path.toString(), node.type);
      for (const id of node.content ?? []) lines.push((await repo.loadBlob({ type: "data", id })).toString("hex"));
    }
  }
  lines.push(JSON.stringify(await collectStats(repo, found, { mode: "raw-data" })));
  return lines.join("\n");
}

for (const version of [1, 2] as const) {
  test(`every flipped byte of a version ${version} repository is an error or harmless, and check finds it`, async () => {
    const { storage } = await buildStore(version);
    const expected = await readAll(await reopen(storage));
    assert.ok((await check(await reopen(storage), { lock: false, readData: { kind: "all" } })).isSound);
    for (const key of await storedKeys(storage)) {
      const original = await storage.get(key);
      for (let at = 0; at < original.length; at++) {
        const damaged = Buffer.from(original);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        await storage.put(key, damaged);
        const place = `byte ${at} of ${key}`;
        assert.equal(await resultOf(async () => readAll(await reopen(storage)), expected), expected, place);
        const isSound = await resultOf(
          async () => (await check(await reopen(storage), { lock: false, readData: { kind: "all" } })).isSound,
          false,
        );
        // Keys are JSON in the clear; only what the password opens is protected (a flip in a user name is harmless).
        if (!key.startsWith("keys/")) assert.equal(isSound, false, `check did not find ${place}`);
      }
      await storage.put(key, original);
    }
  });
}

/** What the work answers, or `fallback` when it fails as it should. */
async function resultOf<T>(work: () => Promise<T>, fallback: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    return fallback;
  }
}

test("prune of a repository with a flipped byte keeps the file readable, or refuses", async () => {
  const { storage } = await buildStore(2);
  for (const key of await storedKeys(storage, "data/")) {
    const original = await storage.get(key);
    for (let at = 0; at < original.length; at += 7) {
      const damaged = Buffer.from(original);
      damaged[at] = (damaged[at] ?? 0) ^ 0x80;
      await storage.put(key, damaged);
      await resultOf(async () => {
        await prune(await reopen(storage), { lockTimings: { settleMs: 0 } });
      }, undefined);
      await storage.put(key, original);
      const result = await check(await reopen(storage), { lock: false, readData: { kind: "all" } });
      assert.deepEqual(result.findings, [], `byte ${at} of ${key}`);
    }
  }
});
