import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PackId } from "../../../../repo-format/format/id.ts";
import {
  listMigrations,
  type MigrateOptions,
  type MigrationOutcome,
  migrate,
} from "../../../../repo-format/maintenance/migrate.ts";
import { prune } from "../../../../repo-format/maintenance/prune.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { configKey, keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { assertTruthful, sweepTimings } from "../../../support/fault-sweep.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes, storedKeys } from "../../../support/memory-repository.ts";
import { file, storeEntries } from "../../../support/restorer-fixture.ts";

const names = ["upgrade_repo_v2"];
const lock = { retryLockMs: 0, lockTimings: sweepTimings };

async function ofVersion1(): Promise<{ repo: Repository; storage: FaultyStorage }> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage, version: 1 });
  await storeEntries(repo, [["a", file(["x".repeat(5000), seededBytes(1, 100)])]]);
  return { repo, storage };
}

async function run(repo: Repository, options: Partial<MigrateOptions> = {}): Promise<MigrationOutcome[]> {
  const kept: Buffer[] = [];
  const keepCopy = async (config: Buffer): Promise<string> => `place ${kept.push(config)}`;
  return await migrate(repo, { ...lock, names, keepCopy, ...options });
}

describe("migrate", () => {
  test("migrate takes version 1 to version 2, keeps everything else in the config, and data stay readable", async () => {
    const { repo, storage } = await ofVersion1();
    assert.deepEqual(
      listMigrations(repo).map(({ name, obstacle }) => [name, obstacle]),
      [[names[0], undefined]],
    );
    assert.deepEqual(await run(repo), [{ name: names[0], kind: "applied" }]);
    const migrated = await assertTruthful(storage);
    assert.deepEqual(migrated.config, { ...repo.config, version: 2 });
    await prune(migrated, { ...lock, repackUncompressed: true });
    const compressed = await assertTruthful(storage);
    assert.ok([...compressed.index.blobs()].every(({ uncompressedLength }) => uncompressedLength > 0));
    // A process that knows it as version 1 still reads what the new version writes.
    await repo.refreshIndex();
    for (const { type, id } of compressed.index.blobs()) await repo.loadBlob({ type, id });
  });

  test("migrate refuses what was done before, and names that it does not know; force fails and changes nothing", async () => {
    const { repo, storage } = await ofVersion1();
    await run(repo);
    const config = await storage.get(configKey);
    const again = await reopen(storage);
    assert.match(listMigrations(again)[0]?.obstacle ?? "", /version 2/);
    const outcomes = await run(again, { names: [...names, "nonsense"] });
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["refused", "unknown"],
    );
    assert.deepEqual(
      (await run(again, { force: true })).map(({ kind }) => kind),
      ["failed"],
    );
    // One that was opened before it was migrated does not do it twice.
    assert.deepEqual(
      (await run(repo)).map(({ kind }) => kind),
      ["failed"],
    );
    assert.deepEqual(await storage.get(configKey), config);
  });

  test("migrate changes nothing when the check finds errors, or no copy of the config can be kept", async () => {
    const { repo, storage } = await ofVersion1();
    const config = await storage.get(configKey);
    const full = new Error("no space left");
    assert.deepEqual(await run(repo, { keepCopy: () => Promise.reject(full) }), [
      { name: names[0], kind: "failed", error: full },
    ]);
    const [pack = ""] = await storedKeys(storage, "data/");
    await storage.delete(keyOf("pack", pack.slice(pack.lastIndexOf("/") + 1) as PackId));
    await assert.rejects(run(repo), { code: "repository-unsound" });
    assert.deepEqual(await storage.get(configKey), config);
  });

  test("migrate succeeds when only the answer of the store was lost", async () => {
    const { repo, storage } = await ofVersion1();
    storage.plan = ({ method, key }) => (method === "put" && key === configKey ? "after" : undefined);
    assert.deepEqual(await run(repo), [{ name: names[0], kind: "applied" }]);
  });

  test("migrate puts the old config back when the new one was not stored and the old one is gone", async () => {
    const { repo, storage } = await ofVersion1();
    const config = await storage.get(configKey);
    let puts = 0;
    storage.plan = (call) => {
      if (call.method !== "put" || call.key !== configKey || ++puts > 1) return undefined;
      return storage.beneath.delete(configKey).then(() => Promise.reject(unavailable(call)));
    };
    const [outcome] = await run(repo);
    assert.equal(outcome?.kind === "failed" && (outcome.error as { code: string }).code, "migration-failed");
    assert.deepEqual(await storage.get(configKey), config);
  });

  test("migrate says where the old config was kept when nothing can be stored any more", async () => {
    const { repo, storage } = await ofVersion1();
    let isBroken = false;
    storage.plan = (call) => {
      if (call.method === "put" && call.key === configKey) isBroken = true;
      if (isBroken && call.key === configKey) throw unavailable(call);
      return undefined;
    };
    const [outcome] = await run(repo);
    assert.match(outcome?.kind === "failed" ? String(outcome.error) : "", /kept in place 1/);
  });
});
