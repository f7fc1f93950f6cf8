import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Repository, type SnapshotId, withLock } from "../../../../../repo-format/index.ts";
import { forgetSnapshots } from "../../../../../src/server/maintenance/forget-snapshots.ts";
import { FaultyStorage, unavailable } from "../../../../support/faulty-storage.ts";
import { createTestRepository, reopen, storedKeys, storeSnapshot } from "../../../../support/memory-repository.ts";
import { storeSampleTree } from "../../../../support/sample-trees.ts";

const { signal } = new AbortController();

async function repositoryOf(...uids: readonly string[]): Promise<{ repo: Repository; ids: SnapshotId[] }> {
  const repo = await createTestRepository();
  const tree = await storeSampleTree(repo);
  const ids: SnapshotId[] = [];
  for (const [index, uid] of uids.entries()) {
    const tags = uid === "" ? [] : ["backup=nightly", `backup-uid=${uid}`];
    ids.push(await storeSnapshot(repo, tree, { tags, time: `2024-05-01T10:00:${10 + index}Z` }));
  }
  return { repo, ids };
}

const left = async (repo: Repository): Promise<string[]> =>
  (await storedKeys(repo.storage, "snapshots/")).map((key) => key.slice("snapshots/".length)).sort();

describe("forgetSnapshots", () => {
  it("removes what is named by its first digits, and nothing else", async () => {
    const { repo, ids } = await repositoryOf("u-1", "u-1", "u-2");
    const wanted = ids.slice(0, 2).map((id) => ({ id: id.slice(0, 8), backupUid: "u-1" }));
    assert.deepEqual(await forgetSnapshots(repo, wanted, signal), []);
    assert.deepEqual(await left(repo), ids.slice(2));
    assert.deepEqual(await storedKeys(repo.storage, "locks/"), []);
  });

  it("counts what is gone as removed, and needs no lock for it", async () => {
    const { repo, ids } = await repositoryOf("u-1");
    await withLock(await reopen(repo.storage), { exclusive: true }, async () => {
      assert.deepEqual(await forgetSnapshots(repo, [{ id: "01234567", backupUid: "u-1" }], signal), []);
    });
    assert.deepEqual(await left(repo), ids);
  });

  it("leaves a snapshot alone whose tags say that it belongs to another backup", async () => {
    const { repo, ids } = await repositoryOf("u-1", "u-2");
    const wanted = ids.map((id) => ({ id: id.slice(0, 8), backupUid: "u-1" }));
    const [problem = "", ...others] = await forgetSnapshots(repo, wanted, signal);
    assert.deepEqual(others, []);
    assert.match(problem, /^snapshot [0-9a-f]{8} belongs to another backup \(backup=nightly, backup-uid=u-2\)/);
    assert.deepEqual(await left(repo), ids.slice(1), "the other one is removed nevertheless");
  });

  it("believes the id alone where the tags or the request say nothing", async () => {
    const { repo, ids } = await repositoryOf("", "u-2");
    const [untagged = "", tagged = ""] = ids;
    const wanted = [
      { id: untagged, backupUid: "u-1" },
      { id: tagged, backupUid: undefined },
    ];
    assert.deepEqual(await forgetSnapshots(repo, wanted, signal), []);
    assert.deepEqual(await left(repo), []);
  });

  it("refuses digits that fit several snapshots", async () => {
    const { repo, ids } = await repositoryOf(...Array.from({ length: 17 }, () => "u-1"));
    const digits = ids.map((id) => id[0]).find((digit, index, all) => all.indexOf(digit) !== index) ?? "";
    const [problem = ""] = await forgetSnapshots(repo, [{ id: digits, backupUid: "u-1" }], signal);
    assert.match(problem, /snapshots' ids begin with/);
    assert.equal((await left(repo)).length, ids.length);
  });

  it("is told when others hold the repository for too long", async () => {
    const { repo, ids } = await repositoryOf("u-1");
    const other = await reopen(repo.storage);
    await withLock(other, { exclusive: false }, async () => {
      const wanted = [{ id: ids[0] ?? "", backupUid: "u-1" }];
      await assert.rejects(forgetSnapshots(repo, wanted, signal, { lockWaitMs: 0 }), { code: "lock-held" });
    });
    assert.deepEqual(await left(repo), ids);
  });

  it("says which snapshot could not be removed", async () => {
    const { repo, ids } = await repositoryOf("u-1", "u-1");
    const storage = new FaultyStorage(repo.storage);
    storage.plan = (call) => {
      if (call.method === "delete" && call.key.includes(ids[0] ?? "")) throw unavailable(call);
      return undefined;
    };
    const wanted = ids.map((id) => ({ id, backupUid: "u-1" }));
    const problems = await forgetSnapshots(await reopen(storage), wanted, signal);
    assert.match(problems.join(), new RegExp(`^snapshot ${ids[0]?.slice(0, 8)}: the test let delete`));
    assert.deepEqual(await left(repo), ids.slice(0, 1));
  });
});
