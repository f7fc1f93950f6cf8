import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { emptyTreeId } from "../../../../repo-format/format/tree.ts";
import { newTags, type TagOptions, tagSnapshots } from "../../../../repo-format/maintenance/tag.ts";
import { findSnapshots } from "../../../../repo-format/repository/find-snapshots.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { createTestRepository, storedKeys, storeSnapshot } from "../../../support/memory-repository.ts";

const lockTimings = { settleMs: 0 };
const tag = (repo: Repository, options: TagOptions): ReturnType<typeof tagSnapshots> =>
  tagSnapshots(repo, { ...options, lockTimings });

test("newTags sets, adds and removes, and says when nothing changes", () => {
  assert.deepEqual(newTags(["a"], { set: ["x", "y"] }), ["x", "y"]);
  assert.deepEqual(newTags(["a"], { set: [""] }), []);
  assert.deepEqual(newTags(["a"], { add: ["b", "a", "b"] }), ["a", "b"]);
  assert.deepEqual(newTags(["a", "b"], { add: ["c"], remove: ["a"] }), ["b", "c"]);
  assert.equal(newTags(["a"], { add: ["a"], remove: ["z"] }), undefined);
});

describe("tagSnapshots", () => {
  test("tagSnapshots replaces the snapshot files, keeps everything else and remembers the original", async () => {
    const repo = await createTestRepository();
    const unknown = { label: "kept" };
    const id = await storeSnapshot(repo, emptyTreeId, { tags: ["a"], hostname: "h", unknown });
    const other = await storeSnapshot(repo, emptyTreeId, { tags: ["b"] });
    const [change] = await tag(repo, { tags: [["a"]], add: ["new"] });
    assert.equal(change?.oldId, id);
    const found = await findSnapshots(repo);
    assert.deepEqual(new Set(found.map((one) => one.id)), new Set([change?.newId, other]));
    const changed = await repo.loadSnapshot(change.newId);
    assert.deepEqual(
      [changed.tags, changed.original, changed.hostname, changed.unknown],
      [["a", "new"], id, "h", unknown],
    );
    const [second] = await tag(repo, { ids: [change.newId], set: [] });
    const again = await repo.loadSnapshot(second?.newId as never);
    assert.deepEqual([again.tags, again.original], [[], id], "the first of the chain");
  });

  test("tagSnapshots leaves snapshots alone that have the tags already", async () => {
    const repo = await createTestRepository();
    await storeSnapshot(repo, emptyTreeId, { tags: ["a"] });
    const keys = await storedKeys(repo.storage);
    assert.deepEqual(await tag(repo, { add: ["a"] }), []);
    assert.deepEqual(await storedKeys(repo.storage), keys);
  });

  test("tagSnapshots refuses to do nothing, and to set and add at once", async () => {
    const repo = await createTestRepository();
    for (const options of [{}, { add: [], remove: [] }, { set: ["a"], add: ["b"] }]) {
      await assert.rejects(tag(repo, options), (error) => RepositoryError.is(error, "argument-invalid"));
    }
  });

  test("tagSnapshots reports snapshots that it could not change and goes on", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const repo = await createTestRepository({ storage });
    const first = await storeSnapshot(repo, emptyTreeId, { time: "2024-01-01T00:00:00Z" });
    await storeSnapshot(repo, emptyTreeId, { time: "2024-01-02T00:00:00Z" });
    let isFirst = true;
    storage.plan = (call) => {
      if (call.method !== "put" || !call.key.startsWith("snapshots/") || !isFirst) return undefined;
      isFirst = false;
      throw unavailable(call);
    };
    const ignored: string[] = [];
    const changes = await tag(repo, { add: ["x"], onIgnored: (what) => ignored.push(what) });
    assert.deepEqual([changes.length, ignored], [1, [first]]);
    assert.equal((await findSnapshots(repo)).length, 2);
  });
});
