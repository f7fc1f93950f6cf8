// Repairs of damaged repositories, of which each call to the store goes wrong in turn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BlobId, idOf, type PackId } from "../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../repo-format/format/index-file.ts";
import { migrate } from "../../repo-format/maintenance/migrate.ts";
import { repairIndex } from "../../repo-format/maintenance/repair-index.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { assertTruthful, sweepFaults, sweepTimings, unlock } from "../support/fault-sweep.ts";
import { createTestRepository, reopen, seededBytes, storedKeys } from "../support/memory-repository.ts";
import { file, storeEntries } from "../support/restorer-fixture.ts";

const lock = { retryLockMs: 0, lockTimings: sweepTimings };

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
