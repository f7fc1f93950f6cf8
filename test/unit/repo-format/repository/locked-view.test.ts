import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnapshotId, TreeId } from "../../../../repo-format/format/id.ts";
import { viewUnderLock, withLock } from "../../../../repo-format/repository/lock.ts";
import { LockedView } from "../../../../repo-format/repository/locked-view.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import {
  collect,
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storeSnapshot,
} from "../../../support/memory-repository.ts";

/** A repository that two programs have open, and what the second remembers of it. */
async function setUp(options: { readonly maxSnapshots?: number } = {}) {
  const storage = new FaultyStorage(new InMemoryStorage());
  const other = await createTestRepository({ storage });
  const repo = await reopen(storage);
  const time = { ms: 0 };
  const view = new LockedView(repo, { monotonicClock: () => time.ms, ...options });
  /** A tree and its snapshot. */
  const addOther = async (seed: number): Promise<SnapshotId> => {
    const [tree] = await storeBlobs(other, "tree", [seededBytes(seed, 100)]);
    return await storeSnapshot(other, tree as TreeId);
  };
  const listings = (): number => storage.calls.splice(0).filter(({ method }) => method === "list").length;
  return { storage, repo, time, view, addOther, listings };
}

async function idsOf(view: LockedView): Promise<SnapshotId[]> {
  return (await collect(view.snapshots())).map(({ id }) => id).sort();
}

test("snapshots and index are listed together, and not again for two seconds", async () => {
  const { repo, time, view, addOther, listings } = await setUp();
  const first = await addOther(1);
  listings();
  await Promise.all([idsOf(view), idsOf(view)]);
  await view.refreshIndex();
  assert.equal(listings(), 2);
  const second = await addOther(2);
  listings();
  assert.deepEqual(await idsOf(view), [first]);
  time.ms = 1999;
  await view.refreshIndex();
  assert.equal(listings(), 0);
  time.ms = 2000;
  assert.deepEqual(await idsOf(view), [first, second].sort());
  assert.equal(listings(), 2);
  for (const { id, snapshot } of await collect(view.snapshots())) {
    assert.equal(repo.index.has("tree", snapshot.tree), true, id);
  }
});

test("what this process has stored is known at once, and still after the next look", async () => {
  const { repo, time, view, listings } = await setUp();
  assert.deepEqual(await idsOf(view), []);
  const [tree] = await storeBlobs(repo, "tree", [seededBytes(3, 100)]);
  const id = await storeSnapshot(repo, tree as TreeId);
  view.add(id, await repo.loadSnapshot(id));
  listings();
  assert.deepEqual(await idsOf(view), [id]);
  assert.deepEqual(view.idsBeginningWith(id.slice(0, 8)), [id]);
  assert.equal((await view.loadSnapshot(id)).tree, tree);
  assert.equal(listings(), 0);
  time.ms = 5000;
  assert.equal(view.idsBeginningWith(id.slice(0, 8)), undefined);
  assert.deepEqual(await idsOf(view), [id]);
});

test("what is stored while the store is looked at is known afterwards", async () => {
  const { storage, repo, view, addOther } = await setUp();
  const seen = await addOther(8);
  const snapshot = await repo.loadSnapshot(seen);
  storage.plan = ({ method, key }) => {
    if (method === "list" && key.startsWith("snapshots")) view.add("1".repeat(64) as SnapshotId, snapshot);
    return undefined;
  };
  assert.deepEqual(await idsOf(view), [seen, "1".repeat(64)].sort());
});

test("a snapshot of others that is asked for by its id brings the index up to date before it is used", async () => {
  const { repo, view, addOther } = await setUp();
  await idsOf(view);
  const id = await addOther(4);
  const { tree } = await view.loadSnapshot(id);
  assert.equal(repo.index.has("tree", tree), false);
  await view.refreshIndex();
  assert.equal(repo.index.has("tree", tree), true);
});

test("more snapshots than fit are not held, but listed each time", async () => {
  const { repo, view, addOther, listings } = await setUp({ maxSnapshots: 1 });
  const ids = [await addOther(5), await addOther(6)].sort();
  assert.deepEqual(await idsOf(view), ids);
  assert.equal(view.idsBeginningWith(""), undefined);
  await view.refreshIndex();
  for (const { snapshot } of await collect(view.snapshots())) {
    assert.equal(repo.index.has("tree", snapshot.tree), true);
  }
  listings();
  assert.deepEqual(await idsOf(view), ids);
  assert.equal(listings(), 1);
});

test("a look that is cancelled is no look: the next one asks the store", async () => {
  const { view, addOther } = await setUp();
  const id = await addOther(7);
  const cancelled = AbortSignal.abort(new Error("enough"));
  const both = await Promise.allSettled([collect(view.snapshots(cancelled)), idsOf(view)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
  assert.deepEqual(await idsOf(view), [id]);
});

test("what was seen ends with the lock under which it was seen", async () => {
  const { repo } = await setUp();
  const options = { exclusive: false, timings: { settleMs: 0 } };
  const views: unknown[] = [viewUnderLock(repo)];
  await withLock(repo, options, async () => {
    views.push(viewUnderLock(repo));
    await withLock(repo, options, async () => assert.equal(viewUnderLock(repo), views[1]));
  });
  await withLock(repo, options, async () => void views.push(viewUnderLock(repo)));
  await withLock(repo, { ...options, exclusive: true }, async () => assert.equal(viewUnderLock(repo), undefined));
  const [before, first, second] = views;
  assert.equal(before, undefined);
  assert.ok(first instanceof LockedView && second instanceof LockedView && first !== second);
});
