// Damage is done to the store; which snapshots are named must be exactly those that a restore would miss something of.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PackId, SnapshotId } from "../../../../repo-format/format/id.ts";
import { affectedSnapshots, DamageLog } from "../../../../repo-format/maintenance/affected-snapshots.ts";
import { check } from "../../../../repo-format/maintenance/check.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { createTestRepository, reopen, storedKeys } from "../../../support/memory-repository.ts";
import { directory, file, storeEntries } from "../../../support/restorer-fixture.ts";

interface Fixture {
  readonly repo: Repository;
  /** Has the file shared/s. */
  readonly first: SnapshotId;
  /** Has the files b and shared/s. */
  readonly second: SnapshotId;
  /** Has the file c. */
  readonly third: SnapshotId;
  /** The packs that the snapshot with this number brought, data first. */
  readonly packsOf: readonly (readonly PackId[])[];
}

async function threeSnapshots(): Promise<Fixture> {
  const repo = await createTestRepository();
  const shared = directory([["s", file(["shared"])]]);
  const known = new Set<string>();
  const packsOf: PackId[][] = [];
  const store = async (entries: Parameters<typeof storeEntries>[1]): Promise<SnapshotId> => {
    const id = await storeEntries(repo, entries);
    const other = await reopen(repo.storage);
    await other.refreshIndex();
    const packs = [...other.index.packs()].filter((pack) => !known.has(pack.id));
    for (const pack of packs) known.add(pack.id);
    const isData = ({ blobs }: (typeof packs)[number]): boolean => blobs[0]?.type === "data";
    packsOf.push(packs.sort((a, b) => Number(isData(b)) - Number(isData(a))).map((pack) => pack.id));
    return id;
  };
  const first = await store([["shared", shared]]);
  const second = await store([
    ["b", file(["b"])],
    ["shared", shared],
  ]);
  const third = await store([["c", file(["c"])]]);
  return { repo, first, second, third, packsOf };
}

/** What a check of everything finds, and the snapshots that are named for it. */
async function named(repo: Repository): Promise<{ damage: DamageLog; ids: SnapshotId[] }> {
  const other = await reopen(repo.storage);
  const damage = new DamageLog();
  await check(other, { lock: false, readData: { kind: "all" }, onFinding: damage.add });
  return { damage, ids: (await affectedSnapshots(other, damage)).map(({ id }) => id) };
}

const sorted = (ids: readonly string[]): string[] => [...ids].sort();

/** Flips a bit of a pack; from the end with a negative place. */
async function damagePack({ storage }: Repository, pack: PackId, place: number): Promise<void> {
  const key = keyOf("pack", pack);
  const bytes = Buffer.from(await storage.get(key));
  const at = place < 0 ? bytes.length + place : place;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await storage.put(key, bytes);
}

describe("affectedSnapshots", () => {
  test("affectedSnapshots names nobody in a sound repository", async () => {
    const { repo } = await threeSnapshots();
    const { damage, ids } = await named(repo);
    assert.deepEqual([damage.errors, ids], [0, []]);
  });

  test("affectedSnapshots names the one snapshot whose data pack is gone", async () => {
    const { repo, third, packsOf } = await threeSnapshots();
    await repo.storage.delete(keyOf("pack", packsOf[2]?.[0] as PackId));
    assert.deepEqual((await named(repo)).ids, [third]);
  });

  test("affectedSnapshots names every snapshot that shares what is gone, and no other", async () => {
    const { repo, first, second, packsOf } = await threeSnapshots();
    await repo.storage.delete(keyOf("pack", packsOf[0]?.[0] as PackId));
    assert.deepEqual(sorted((await named(repo)).ids), sorted([first, second]));
  });

  test("affectedSnapshots names a snapshot whose trees are gone", async () => {
    const { repo, second, packsOf } = await threeSnapshots();
    await repo.storage.delete(keyOf("pack", packsOf[1]?.[1] as PackId));
    assert.deepEqual((await named(repo)).ids, [second]);
  });

  test("affectedSnapshots names the snapshot of one damaged blob, of data or of a tree", async () => {
    for (const place of [0, 1]) {
      const { repo, third, packsOf } = await threeSnapshots();
      await damagePack(repo, packsOf[2]?.[place] as PackId, 5);
      const { damage, ids } = await named(repo);
      assert.ok(damage.errors > 0);
      assert.deepEqual(ids, [third], `pack ${place}`);
    }
  });

  test("affectedSnapshots names nobody when only the end of a pack is damaged, which no restore needs", async () => {
    const { repo, packsOf } = await threeSnapshots();
    await damagePack(repo, packsOf[2]?.[0] as PackId, -10);
    const { damage, ids } = await named(repo);
    assert.ok(damage.errors > 0);
    assert.deepEqual(ids, []);
  });

  test("affectedSnapshots names a snapshot whose own file cannot be read", async () => {
    const { repo, first } = await threeSnapshots();
    await repo.storage.put(keyOf("snapshot", first), Buffer.from("nothing of sense, but long enough to be something"));
    const other = await reopen(repo.storage);
    const damage = new DamageLog();
    await check(other, { lock: false, onFinding: damage.add });
    assert.deepEqual(await affectedSnapshots(other, damage), [{ id: first, snapshot: undefined }]);
  });

  test("affectedSnapshots names nobody when the index is damaged: then nothing is known", async () => {
    const { repo } = await threeSnapshots();
    const [key] = await storedKeys(repo.storage, "index/");
    await repo.storage.put(key ?? "", Buffer.from("no index"));
    const { damage, ids } = await named(repo);
    assert.equal(damage.isIndexDamaged, true);
    assert.deepEqual(ids, []);
  });

  test("affectedSnapshots takes a store that does not answer for what it is, and not for damage", async () => {
    const { repo } = await threeSnapshots();
    const storage = new FaultyStorage(repo.storage);
    const other = await reopen(storage);
    await other.refreshIndex();
    storage.plan = (call) => {
      if (call.method === "getRange") throw unavailable(call);
      return undefined;
    };
    await assert.rejects(affectedSnapshots(other, new DamageLog()), { code: "storage-unavailable" });
  });
});
