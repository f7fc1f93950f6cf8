import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { SnapshotId } from "../../../../repo-format/format/id.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { type ForgetOptions, forget } from "../../../../repo-format/maintenance/forget.ts";
import { emptyPolicy } from "../../../../repo-format/maintenance/forget-policy.ts";
import { parseGroupBy } from "../../../../repo-format/repository/group-snapshots.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../../../repo-format/storage/object-storage.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { createTestRepository, storeBlobs, storedKeys, storeSnapshot } from "../../../support/memory-repository.ts";

const keepOne: ForgetOptions = {
  policy: { ...emptyPolicy, last: 1 },
  groupBy: parseGroupBy("host,paths"),
  lockTimings: { settleMs: 0 },
};
const nowMs = Date.parse("2024-06-01T00:00:00Z");

/** Three snapshots of host a, one of host b. */
async function repositoryOfFour(
  storage: ObjectStorage = new InMemoryStorage(),
): Promise<{ repo: Repository; ids: SnapshotId[] }> {
  const repo = await createTestRepository({ storage, clock: () => nowMs });
  const [tree] = await storeBlobs(repo, "tree", [encodeTree([])]);
  const ids: SnapshotId[] = [];
  for (const [hostname, day] of [
    ["a", 1],
    ["a", 2],
    ["a", 3],
    ["b", 4],
  ] as const) {
    ids.push(await storeSnapshot(repo, tree as never, { hostname, time: `2024-05-0${day}T10:00:00Z` }));
  }
  return { repo, ids };
}

const left = async (repo: Repository): Promise<string[]> =>
  (await storedKeys(repo.storage, "snapshots/")).map((key) => key.slice(10)).sort();

describe("forget", () => {
  test("forget applies the policy to each group and removes the rest", async () => {
    const { repo, ids } = await repositoryOfFour();
    const removed: string[] = [];
    const result = await forget(repo, { ...keepOne, onRemoved: (id) => removed.push(id) });
    assert.deepEqual(
      result.groups.map(({ key, keep, remove }) => [key.hostname, keep.length, remove.length]),
      [
        ["a", 1, 2],
        ["b", 1, 0],
      ],
    );
    assert.deepEqual(removed.sort(), ids.slice(0, 2).sort());
    assert.deepEqual(await left(repo), ids.slice(2).sort());
    assert.deepEqual(await storedKeys(repo.storage, "locks/"), []);
  });

  test("forget as a dry run decides the same and removes nothing", async () => {
    const { repo, ids } = await repositoryOfFour();
    const result = await forget(repo, { ...keepOne, dryRun: true, prune: {} });
    assert.equal(result.remove.length, 2);
    assert.ok(result.prune?.isDryRun);
    assert.deepEqual(await left(repo), [...ids].sort());
  });

  test("forget by id removes exactly these, whatever the policy says", async () => {
    const { repo, ids } = await repositoryOfFour();
    const ignored: string[] = [];
    const wanted = [ids[3] as string, "no such id"];
    const result = await forget(repo, {
      ...keepOne,
      policy: emptyPolicy,
      ids: wanted,
      onIgnored: (what) => ignored.push(what),
    });
    assert.deepEqual([result.groups, ignored], [[], ["no such id"]]);
    assert.deepEqual(await left(repo), ids.slice(0, 3).sort());
  });

  test("forget refuses an empty policy, unless removing all is allowed and a filter is given", async () => {
    const { repo, ids } = await repositoryOfFour();
    const isInvalid = (error: unknown): boolean => RepositoryError.is(error, "argument-invalid");
    await assert.rejects(forget(repo, { ...keepOne, policy: emptyPolicy }), isInvalid);
    await assert.rejects(forget(repo, { ...keepOne, policy: emptyPolicy, unsafeAllowRemoveAll: true }), isInvalid);
    assert.equal((await left(repo)).length, 4);
    await forget(repo, { ...keepOne, policy: emptyPolicy, unsafeAllowRemoveAll: true, hosts: ["a"] });
    assert.deepEqual(await left(repo), ids.slice(3));
  });

  test("forget refuses a policy that would keep no snapshot of a group, and then removes none of any group", async () => {
    const { repo } = await repositoryOfFour();
    const policy = { ...emptyPolicy, tags: [["never used"]] };
    await assert.rejects(forget(repo, { ...keepOne, policy }), (error) => RepositoryError.is(error, "removal-refused"));
    assert.equal((await left(repo)).length, 4);
  });

  test("forget reports removals that fail, does not prune then, and goes on with the others", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { repo, ids } = await repositoryOfFour(storage);
    storage.plan = (call) => {
      if (call.method === "delete" && call.key === `snapshots/${ids[0]}`) throw unavailable(call);
      return undefined;
    };
    const result = await forget(repo, { ...keepOne, prune: {} });
    assert.deepEqual(
      result.failed.map(({ id }) => id),
      [ids[0]],
    );
    assert.equal(result.prune, undefined);
    assert.deepEqual(await left(repo), [ids[0], ids[2], ids[3]].sort());
  });

  test("forget leaves snapshots that cannot be read alone", async () => {
    const { repo } = await repositoryOfFour();
    await repo.storage.put(`snapshots/${"1".repeat(64)}`, Buffer.from("junk"));
    const ignored: string[] = [];
    await forget(repo, { ...keepOne, onIgnored: (what) => ignored.push(what) });
    assert.deepEqual(ignored, ["1".repeat(64)]);
    assert.ok((await left(repo)).includes("1".repeat(64)));
  });

  test("forget keeps snapshots that rustic marked, forever or until a time", async () => {
    const { repo } = await repositoryOfFour();
    const [tree] = await storeBlobs(repo, "tree", [encodeTree([])]);
    const mark = async (mark: unknown): Promise<SnapshotId> =>
      storeSnapshot(repo, tree as never, { hostname: "a", time: "2024-04-01T00:00:00Z", unknown: { delete: mark } });
    const never = await mark("Never");
    const later = await mark({ After: "2024-07-01T00:00:00Z" });
    const past = await mark({ After: "2024-05-01T00:00:00Z" });
    const notSet = await mark("NotSet");
    const { groups } = await forget(repo, keepOne);
    const kept = await left(repo);
    assert.deepEqual(
      [never, later, past, notSet].map((id) => kept.includes(id)),
      [true, true, false, false],
    );
    assert.deepEqual(groups[0]?.reasons.at(-1)?.matches, ["marked as not to be deleted"]);
  });

  test("forget with prune frees the data under the same lock", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { repo } = await repositoryOfFour(storage);
    const [other] = await storeBlobs(repo, "tree", [Buffer.from('{"nodes":[]} \n')]);
    await storeSnapshot(repo, other as never, { hostname: "a", time: "2024-01-01T00:00:00Z" });
    storage.calls.length = 0;
    const result = await forget(repo, { ...keepOne, prune: {} });
    assert.equal(result.prune?.plan.remove.length, 1);
    assert.equal(storage.keysOf("put").filter((key) => key.startsWith("locks/")).length, 1);
  });
});
