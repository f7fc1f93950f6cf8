// Repairs of damaged repositories, of which each call to the store goes wrong in turn.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackedBlob } from "../../repo-format/format/blob.ts";
import { type BlobId, idOf, type PackId, type SnapshotId } from "../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../repo-format/format/index-file.ts";
import type { IndexedPack } from "../../repo-format/index/blob-index.ts";
import { migrate } from "../../repo-format/maintenance/migrate.ts";
import { recover } from "../../repo-format/maintenance/recover.ts";
import { repairIndex } from "../../repo-format/maintenance/repair-index.ts";
import { repairPacks } from "../../repo-format/maintenance/repair-packs.ts";
import { repairSnapshots } from "../../repo-format/maintenance/repair-snapshots.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../repo-format/storage/key-layout.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { assertTruthful, sweepFaults, sweepTimings, unlock } from "../support/fault-sweep.ts";
import { collect, createTestRepository, reopen, seededBytes, storedKeys } from "../support/memory-repository.ts";
import { directory, file, storeEntries } from "../support/restorer-fixture.ts";

const lock = { retryLockMs: 0, lockTimings: sweepTimings };

const contents = ["one", "two", "three"].map((name) => seededBytes(name, 2000));
const dataIds = contents.map((content) => idOf<BlobId>(content));

/** Two snapshots; the file of the first has three pieces, all in one pack. */
async function storePieces(): Promise<{ base: InMemoryStorage; repo: Repository; pack: IndexedPack }> {
  const base = new InMemoryStorage();
  const writer = await createTestRepository({ storage: base });
  await storeEntries(writer, [
    ["a", file(contents)],
    ["d", directory([["b", file(["b"])]])],
  ]);
  await storeEntries(writer, [["c", file(["c"])]]);
  const repo = await reopen(base);
  await repo.refreshIndex();
  const [pack] = [...repo.index.packs()].filter(({ blobs }) => blobs.some(({ id }) => id === dataIds[0]));
  return { base, repo, pack: pack as IndexedPack };
}

async function assertReadable(storage: ObjectStorage, ids: readonly (BlobId | undefined)[]): Promise<void> {
  const repo = await reopen(storage);
  await repo.refreshIndex();
  for (const id of ids) await repo.loadBlob({ type: "data", id: id as BlobId });
}

/** Three snapshots, each in packs and an index file of its own. */
async function storeBackups(): Promise<InMemoryStorage> {
  const base = new InMemoryStorage();
  const repo = await createTestRepository({ storage: base });
  for (const name of ["a", "b", "c"]) await storeEntries(repo, [[name, file([seededBytes(name, 3000)])]]);
  return base;
}

/** Every blob that the index files tell of, as somebody else reads them. */
async function indexedBlobs(storage: ObjectStorage): Promise<Set<BlobId>> {
  const repo = await reopen(storage);
  await repo.refreshIndex();
  return new Set([...repo.index.blobs()].map(({ id }) => id));
}

for (const readAllPacks of [false, true]) {
  const how = readAllPacks ? " from all packs" : "";
  test(`repair index${how}: whichever call goes wrong, no entry is lost, and the next repair completes the work`, async () => {
    const base = await storeBackups();
    const repo = await reopen(base);
    const [first = ""] = await storedKeys(base, "index/");
    await base.delete(first);
    const [gone, blob] = [idOf<PackId>(Buffer.from("gone")), idOf<BlobId>(Buffer.from("blob"))];
    const blobs = [{ type: "data", id: blob, offset: 0, length: 50, uncompressedLength: 0 } as const];
    await repo.saveUnpacked("index", encodeIndexFile([{ id: gone, blobs }]));
    const before = await indexedBlobs(base);
    before.delete(blob);
    await sweepFaults({
      base,
      run: async (storage, signal) => repairIndex(await reopen(storage), { ...lock, readAllPacks, signal }),
      judge: async ({ storage, isDone }) => {
        const after = await indexedBlobs(storage);
        for (const id of before) assert.ok(after.has(id), `${id} is in no index file any more`);
        if (isDone) await assertTruthful(storage);
        await repairIndex(await unlock(storage), { ...lock, readAllPacks });
        await assertTruthful(storage);
        assert.equal((await indexedBlobs(storage)).has(blob), false);
      },
    });
  });
}

test("repair packs: whichever call goes wrong, the intact blobs can be read, and the next repair completes the work", async () => {
  const { base, pack } = await storePieces();
  const key = keyOf("pack", pack.id);
  const damaged = pack.blobs.find(({ id }) => id === dataIds[1]) as PackedBlob;
  const bytes = Buffer.from(await base.get(key));
  await base.put(key, bytes.fill(1, damaged.offset + 20, damaged.offset + 40));
  const keepCopy = async (_: PackId, parts: AsyncIterable<Buffer>): Promise<void> => void (await collect(parts));
  const repair = async (repo: Repository, signal?: AbortSignal): Promise<unknown> =>
    repairPacks(repo, [pack.id], { ...lock, keepCopy, signal });
  const intact = [dataIds[0], dataIds[2]];
  await sweepFaults({
    base,
    run: async (storage, signal) => repair(await reopen(storage), signal),
    judge: async ({ storage, isDone }) => {
      await assertReadable(storage, intact);
      const isThere = (await storedKeys(storage)).includes(key);
      if (isDone && !isThere) return;
      const next = await unlock(storage);
      if (isThere) await repair(next);
      await assertReadable(storage, intact);
      await repairSnapshots(next, { ...lock, forget: true });
      await assertTruthful(storage);
    },
  });
});

for (const forget of [false, true]) {
  test(`repair snapshots${forget ? " with forget" : ""}: whichever call goes wrong, what was whole stays, and the next repair completes the work`, async () => {
    const { base, repo, pack } = await storePieces();
    await base.delete(keyOf("pack", pack.id));
    await repairIndex(repo, lock);
    const before = await storedKeys(base, "snapshots/");
    await sweepFaults({
      base,
      run: async (storage, signal) => repairSnapshots(await reopen(storage), { ...lock, forget, signal }),
      judge: async ({ storage }) => {
        const after = await storedKeys(storage, "snapshots/");
        assert.ok(after.length >= before.length, "a damaged snapshot went before the whole one was there");
        const next = await unlock(storage);
        await repairSnapshots(next, { ...lock, forget: true });
        await assertTruthful(storage);
      },
    });
  });
}

test("recover: whichever call goes wrong, the snapshots stay whole, and the next recovery completes the work", async () => {
  const { base, repo } = await storePieces();
  const [first] = await collect(repo.snapshots());
  await repo.remove("snapshot", first?.id as SnapshotId);
  const options = { ...lock, programVersion: "stowage test" };
  await sweepFaults({
    base,
    run: async (storage, signal) => recover(await reopen(storage), { ...options, signal }),
    judge: async ({ storage }) => {
      await assertTruthful(storage);
      await recover(await unlock(storage), options);
      const found = (await collect((await assertTruthful(storage)).snapshots())).map(({ snapshot }) => snapshot.tags);
      assert.ok(found.some((tags) => tags.includes("recovered")));
    },
  });
});

test("migrate: whichever call goes wrong, the repository opens with all its data, and the next migration completes the work", async () => {
  const base = new InMemoryStorage();
  const writer = await createTestRepository({ storage: base, version: 1 });
  for (const name of ["a", "b"]) await storeEntries(writer, [[name, file([seededBytes(name, 3000)])]]);
  const options = { ...lock, names: ["upgrade_repo_v2"], keepCopy: async () => "memory" };
  const blobs = await indexedBlobs(base);
  await sweepFaults({
    base,
    run: async (storage, signal) => {
      const [outcome] = await migrate(await reopen(storage), { ...options, signal });
      if (outcome?.kind === "failed") throw outcome.error;
    },
    judge: async ({ storage, isDone }) => {
      const repo = await assertTruthful(storage);
      assert.deepEqual(await indexedBlobs(storage), blobs);
      if (isDone) assert.equal(repo.version, 2);
      await migrate(await unlock(storage), options);
      assert.equal((await assertTruthful(storage)).version, 2);
    },
  });
});
