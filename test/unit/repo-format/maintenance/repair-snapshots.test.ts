import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type BlobId, idOf, type PackId, type SnapshotId, type TreeId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../../../repo-format/format/index-file.ts";
import { emptyTreeId, iterateTree } from "../../../../repo-format/format/tree.ts";
import { ls } from "../../../../repo-format/inspect/ls.ts";
import { check } from "../../../../repo-format/maintenance/check.ts";
import { type RepairSnapshotsOptions, repairSnapshots } from "../../../../repo-format/maintenance/repair-snapshots.ts";
import type { TreeDamage } from "../../../../repo-format/maintenance/repair-trees.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { sweepTimings } from "../../../support/fault-sweep.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { collect, createTestRepository, reopen, storedKeys } from "../../../support/memory-repository.ts";
import { directory, file, other, storeEntries } from "../../../support/restorer-fixture.ts";

const lock = { retryLockMs: 0, lockTimings: sweepTimings };

/** Makes the index forget these blobs, as if their packs were gone and the index repaired. */
async function lose(repo: Repository, ...lost: readonly string[]): Promise<void> {
  const other = await reopen(repo.storage);
  await other.refreshIndex();
  const packs = [...other.index.packs()].map(({ id, blobs }) => ({
    id,
    blobs: blobs.filter((blob) => !lost.includes(blob.id)),
  }));
  for (const key of await storedKeys(repo.storage, "index/")) await repo.storage.delete(key);
  await repo.saveUnpacked("index", encodeIndexFile(packs));
}

const idOfText = (text: string): BlobId => idOf<BlobId>(Buffer.from(text));

async function treeOf(repo: Repository, id: SnapshotId, path = "/"): Promise<TreeId> {
  const { tree } = await repo.loadSnapshot(id);
  if (path === "/") return tree;
  await repo.refreshIndex();
  const nodes = [...iterateTree(await repo.loadTree(tree))];
  return nodes.find(({ name }) => `/${name}` === path)?.subtree as TreeId;
}

/** "path size" of everything, as somebody else sees it. */
async function listing(repo: Repository, id: SnapshotId): Promise<string[]> {
  const other = await reopen(repo.storage);
  await other.refreshIndex();
  const { tree } = await other.loadSnapshot(id);
  return (await collect(ls(other, tree))).map(({ path, node }) => `${path} ${node.size}`);
}

const run = async (
  repo: Repository,
  options: RepairSnapshotsOptions = {},
): Promise<{ repairs: Awaited<ReturnType<typeof repairSnapshots>>; damages: TreeDamage[] }> => {
  const damages: TreeDamage[] = [];
  const onDamage = (_: SnapshotId, damage: TreeDamage): unknown => damages.push(damage);
  return { repairs: await repairSnapshots(repo, { ...lock, onDamage, ...options }), damages };
};

const kindsOf = (damages: readonly TreeDamage[]): string[] => damages.map(({ kind, path }) => `${kind} ${path}`);

async function assertSound(repo: Repository): Promise<void> {
  // The packs still hold what the index was made to forget.
  const result = await check(await reopen(repo.storage), { lock: false });
  assert.deepEqual(
    result.findings.filter(({ severity, code }) => severity === "error" && code !== "pack-size"),
    [],
  );
}

describe("repairSnapshots", () => {
  test("repairSnapshots leaves a sound snapshot alone, also one with fields that we do not know", async () => {
    const repo = await createTestRepository();
    await storeEntries(repo, [
      ["a", file(["one"])],
      ["d", directory([["b", file(["two"])]])],
    ]);
    assert.deepEqual(await run(repo), { repairs: [], damages: [] });
  });

  test("repairSnapshots takes the lost pieces out of a file, and says so once for two snapshots", async () => {
    const repo = await createTestRepository();
    const entries = [
      ["d", directory([["a", file(["one", "two", "three"])]])],
      ["kept", file(["four"])],
    ] as const;
    const ids = [await storeEntries(repo, entries), await storeEntries(repo, entries)];
    await lose(repo, idOfText("two"));
    const { repairs, damages } = await run(repo, { ids });
    assert.deepEqual(kindsOf(damages), ["file-shortened /d/a"]);
    assert.deepEqual(
      repairs.map(({ oldId }) => oldId),
      ids,
    );
    for (const { oldId, newId } of repairs) {
      assert.deepEqual(await listing(repo, newId as SnapshotId), ["/d 0", "/d/a 8", "/kept 4"]);
      const { tags, original } = await repo.loadSnapshot(newId as SnapshotId);
      assert.deepEqual([tags, original], [["repaired"], oldId]);
      await repo.loadSnapshot(oldId);
    }
    assert.deepEqual((await run(repo, { ids: repairs.map(({ newId }) => newId as SnapshotId) })).repairs, []);
  });

  test("repairSnapshots with forget removes the damaged snapshot and sets no tag; the repository is sound then", async () => {
    const repo = await createTestRepository();
    const id = await storeEntries(repo, [["a", file(["one", "two"])]]);
    await lose(repo, idOfText("two"));
    const { repairs } = await run(repo, { forget: true });
    await assert.rejects(repo.loadSnapshot(id), { code: "snapshot-missing" });
    assert.deepEqual((await repo.loadSnapshot(repairs[0]?.newId as SnapshotId)).tags, []);
    await assertSound(repo);
  });

  test("repairSnapshots empties directories that cannot be read, and puts a wrong size right", async () => {
    const repo = await createTestRepository();
    const id = await storeEntries(repo, [
      ["a", file(["one"], { size: 7 })],
      ["lost", directory([["b", file(["two"])]])],
      ["none", directory([], { subtree: undefined })],
      ["odd", other("irregular")],
    ]);
    await lose(repo, await treeOf(repo, id, "/lost"));
    const { repairs, damages } = await run(repo, { forget: true });
    assert.deepEqual(kindsOf(damages), ["file-size /a", "tree-lost /lost", "tree-lost /none", "node-removed /odd"]);
    assert.deepEqual(await listing(repo, repairs[0]?.newId as SnapshotId), ["/a 3", "/lost 0", "/none 0"]);
    await assertSound(repo);
  });

  test("repairSnapshots stores the empty directory anew when that is what was damaged", async () => {
    const repo = await createTestRepository();
    const id = await storeEntries(repo, [["empty", directory([])]]);
    await repo.refreshIndex();
    const gone = { id: idOf<PackId>(Buffer.from("gone")), blobs: [...repo.index.blobs()] };
    await lose(repo, emptyTreeId);
    gone.blobs = gone.blobs.filter((blob) => blob.id === emptyTreeId);
    await repo.saveUnpacked("index", encodeIndexFile([gone]));
    const { repairs, damages } = await run(repo);
    assert.deepEqual(kindsOf(damages), ["tree-lost /empty"]);
    assert.deepEqual(repairs, [], "the snapshot is whole as it is");
    const reader = await reopen(repo.storage);
    await reader.refreshIndex();
    assert.equal((await reader.loadTree(emptyTreeId)).length, 13);
    assert.deepEqual(await listing(repo, id), ["/empty 0"]);
  });

  test("repairSnapshots brings the names of a damaged directory into order and keeps the first of two", async () => {
    const repo = await createTestRepository();
    await storeEntries(repo, [
      ["b", file(["one", "lost"])],
      ["a", file(["two"])],
      ["a", file(["three"])],
    ]);
    await lose(repo, idOfText("lost"));
    const { repairs } = await run(repo, { forget: true });
    assert.deepEqual(await listing(repo, repairs[0]?.newId as SnapshotId), ["/a 3", "/b 3"]);
  });

  test("repairSnapshots removes a snapshot whose root is lost", async () => {
    const repo = await createTestRepository();
    const id = await storeEntries(repo, [["a", file(["one"])]]);
    await lose(repo, await treeOf(repo, id));
    const { repairs } = await run(repo);
    assert.deepEqual(repairs, [{ oldId: id, newId: undefined, isEmpty: true }]);
    assert.deepEqual(await storedKeys(repo.storage, "snapshots/"), []);
  });

  test("repairSnapshots with dryRun says the same and changes nothing", async () => {
    const repo = await createTestRepository();
    const id = await storeEntries(repo, [
      ["a", file(["one", "two"])],
      ["d", directory([["b", file(["three"])]])],
    ]);
    await lose(repo, idOfText("two"), await treeOf(repo, id, "/d"));
    const before = await storedKeys(repo.storage);
    const { repairs, damages } = await run(repo, { dryRun: true, forget: true, lock: false });
    assert.deepEqual(kindsOf(damages), ["file-shortened /a", "tree-lost /d"]);
    assert.deepEqual(repairs, [{ oldId: id, newId: undefined, isEmpty: false }]);
    assert.deepEqual(await storedKeys(repo.storage), before);
  });

  test("repairSnapshots gives nothing up when the store does not answer", async () => {
    const storage = new FaultyStorage((await createTestRepository()).storage);
    const writer = await reopen(storage);
    await storeEntries(writer, [["d", directory([["b", file(["two"])]])]]);
    const repo = await reopen(storage);
    storage.plan = (call) => {
      if (call.method === "getRange") throw unavailable(call);
      return undefined;
    };
    await assert.rejects(run(repo, { forget: true }), { code: "storage-unavailable" });
    storage.plan = () => undefined;
    await assertSound(repo);
  });
});
