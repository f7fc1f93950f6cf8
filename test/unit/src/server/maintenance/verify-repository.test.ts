import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PackId } from "../../../../../repo-format/format/id.ts";
import { type Repository, withLock } from "../../../../../repo-format/index.ts";
import { keyOf } from "../../../../../repo-format/storage/key-layout.ts";
import type { VerifyFacts } from "../../../../../src/server/backup-repository/repository-care.ts";
import { verifyRepository } from "../../../../../src/server/maintenance/verify-repository.ts";
import { FaultyStorage, unavailable } from "../../../../support/faulty-storage.ts";
import { createTestRepository, reopen, storedKeys, storeSnapshot } from "../../../../support/memory-repository.ts";
import { storeSampleTree } from "../../../../support/sample-trees.ts";

const { signal } = new AbortController();
const parts = 30;

async function soundRepository(): Promise<Repository> {
  const repo = await createTestRepository();
  const tree = await storeSampleTree(repo);
  await storeSnapshot(repo, tree, { tags: ["backup=nightly-1", "pod=db-0", "volume=data", "ns=shop"] });
  return repo;
}

/** As the next process would see it. */
const verify = async ({ storage }: Repository, part: number): Promise<VerifyFacts> =>
  verifyRepository(await reopen(storage), { part, parts }, signal);

async function packsOf(repo: Repository, type: "data" | "tree"): Promise<PackId[]> {
  await repo.refreshIndex();
  return [...repo.index.packs()].filter(({ blobs }) => blobs[0]?.type === type).map(({ id }) => id);
}

const partOf = (pack: PackId): number => (Number.parseInt(pack.slice(0, 2), 16) % parts) + 1;

describe("verifyRepository", () => {
  it("finds nothing in a sound repository, beside others who use it", async () => {
    const repo = await soundRepository();
    await withLock(await reopen(repo.storage), { exclusive: false }, async () => {
      assert.deepEqual(await verify(repo, 1), { structure: undefined, data: undefined });
    });
    assert.deepEqual(await storedKeys(repo.storage, "locks/"), []);
  });

  it("reads a data pack in its own part only", async () => {
    const repo = await soundRepository();
    const storage = new FaultyStorage(repo.storage);
    for (const pack of await packsOf(repo, "data")) {
      const readIn: number[] = [];
      for (const part of [partOf(pack), (partOf(pack) % parts) + 1]) {
        storage.calls.length = 0;
        await verifyRepository(await reopen(storage), { part, parts }, signal);
        if (storage.keysOf("getRange").includes(keyOf("pack", pack))) readIn.push(part);
      }
      assert.deepEqual(readIn, [partOf(pack)]);
    }
  });

  it("believes in damage only when it sees it twice", async () => {
    const repo = await soundRepository();
    const [pack] = await packsOf(repo, "data");
    assert.ok(pack !== undefined);
    const storage = new FaultyStorage(repo.storage);
    const other = await reopen(storage);
    let failures = 2;
    storage.plan = (call) => {
      // A check reads a pack with a problem twice itself.
      if (call.method === "getRange" && call.key === keyOf("pack", pack) && failures-- > 0) throw unavailable(call);
      return undefined;
    };
    const facts = await verifyRepository(other, { part: partOf(pack), parts }, signal);
    assert.deepEqual([failures < 0, facts], [true, { structure: undefined, data: undefined }]);
  });

  it("finds damage in the part that the pack belongs to, and names the snapshot as people know it", async () => {
    const repo = await soundRepository();
    const [pack] = await packsOf(repo, "data");
    assert.ok(pack !== undefined);
    const bytes = Buffer.from(await repo.storage.get(keyOf("pack", pack)));
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await repo.storage.put(keyOf("pack", pack), bytes);
    const { data } = await verify(repo, partOf(pack));
    assert.match(data?.firstProblem ?? "", new RegExp(pack));
    assert.equal(data?.snapshotCount, 1);
    assert.match(data?.snapshots[0] ?? "", /^[0-9a-f]{8} \(backup nightly-1, pod db-0, volume data\)$/);
    const elsewhere = await verify(repo, (partOf(pack) % parts) + 1);
    assert.equal(elsewhere.data, undefined);
  });

  it("finds a pack that is gone in every part, as damage of the structure", async () => {
    const repo = await soundRepository();
    const [pack] = await packsOf(repo, "data");
    assert.ok(pack !== undefined);
    await repo.storage.delete(keyOf("pack", pack));
    for (const part of [partOf(pack), (partOf(pack) % parts) + 1]) {
      const { structure } = await verify(repo, part);
      assert.ok((structure?.problems ?? 0) > 0);
      assert.equal(structure?.snapshotCount, 1);
    }
  });

  it("takes no store that does not answer for a damaged one", async () => {
    const repo = await soundRepository();
    const storage = new FaultyStorage(repo.storage);
    const other = await reopen(storage);
    storage.plan = (call) => {
      if (call.method === "list" && call.key.startsWith("data/")) throw unavailable(call);
      return undefined;
    };
    await assert.rejects(verifyRepository(other, { part: 1, parts }, signal), { code: "storage-unavailable" });
  });
});
