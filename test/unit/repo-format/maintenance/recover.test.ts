import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PackId, SnapshotId, TreeId } from "../../../../repo-format/format/id.ts";
import { ls } from "../../../../repo-format/inspect/ls.ts";
import { type RecoverOptions, type RecoverResult, recover } from "../../../../repo-format/maintenance/recover.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { assertTruthful, sweepTimings } from "../../../support/fault-sweep.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { collect, createTestRepository, reopen, storedKeys } from "../../../support/memory-repository.ts";
import { directory, file, storeEntries } from "../../../support/restorer-fixture.ts";

async function run(repo: Repository, options: Partial<RecoverOptions> = {}): Promise<RecoverResult> {
  const lock = { retryLockMs: 0, lockTimings: sweepTimings };
  return await recover(await reopen(repo.storage), { ...lock, programVersion: "stowage test", ...options });
}

async function paths(repo: Repository, id: SnapshotId | undefined): Promise<string[]> {
  const { tree } = await repo.loadSnapshot(id as SnapshotId);
  await repo.refreshIndex();
  return (await collect(ls(repo, tree))).map(({ path }) => path.toString());
}

/** A snapshot that stays, and the roots of two that are forgotten. */
async function withForgotten(repo: Repository): Promise<TreeId[]> {
  const entries = [["d", directory([["a", file(["one"])]])]] as const;
  await storeEntries(repo, entries);
  const roots: TreeId[] = [];
  for (const name of ["b", "c"]) {
    const id = await storeEntries(repo, [...entries.map(() => [name, file([name])] as const), ...entries]);
    roots.push((await repo.loadSnapshot(id)).tree);
    await repo.remove("snapshot", id);
  }
  return roots.sort();
}

describe("recover", () => {
  test("recover finds nothing where every directory belongs to a snapshot", async () => {
    const repo = await createTestRepository();
    await storeEntries(repo, [["d", directory([["a", file(["one"])]])]]);
    assert.deepEqual(await run(repo), { roots: [], snapshotId: undefined });
  });

  test("recover makes one snapshot of the roots of removed snapshots, and then finds nothing more", async () => {
    const repo = await createTestRepository();
    const roots = await withForgotten(repo);
    const result = await run(repo);
    assert.deepEqual(result.roots, roots);
    const names = roots.map((root) => `/${root.slice(0, 8)}`);
    const found = await paths(repo, result.snapshotId);
    assert.deepEqual(
      found.filter((path) => path.length === 9),
      names,
    );
    assert.deepEqual(
      found.filter((path) => path.endsWith("/d/a")),
      names.map((name) => `${name}/d/a`),
    );
    const { tags, paths: places, hostname, programVersion } = await repo.loadSnapshot(result.snapshotId as SnapshotId);
    assert.deepEqual([tags, places, hostname, programVersion], [["recovered"], ["/recover"], "host-1", "stowage test"]);
    await assertTruthful(repo.storage);
    assert.deepEqual((await run(repo)).roots, []);
  });

  test("recover reads packs that no index file tells of", async () => {
    const repo = await createTestRepository();
    const roots = await withForgotten(repo);
    for (const key of await storedKeys(repo.storage, "index/")) await repo.storage.delete(key);
    const kinds: string[] = [];
    assert.deepEqual((await run(repo, { onIndexChange: ({ kind }) => kinds.push(kind) })).roots, roots);
    assert.ok(kinds.length > 0 && kinds.every((kind) => kind === "pack-added"));
  });

  test("recover passes over directories that cannot be read: the new snapshot is sound", async () => {
    const repo = await createTestRepository();
    const [first, second] = await withForgotten(repo);
    await repo.refreshIndex();
    const [lost] = [...repo.index.packs()].filter(({ blobs }) => blobs.some(({ id }) => id === first));
    const key = keyOf("pack", lost?.id as PackId);
    await repo.storage.put(key, (await repo.storage.get(key)).fill(1, 0, 40));
    const ignored: string[] = [];
    const result = await run(repo, { onIgnored: (what) => ignored.push(what) });
    assert.ok(ignored.includes(`tree ${first}`));
    assert.deepEqual(result.roots, [second]);
  });

  test("recover ends with the error when the store does not answer", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const repo = await createTestRepository({ storage });
    await withForgotten(repo);
    storage.plan = (call) => {
      if (call.method === "getRange") throw unavailable(call);
      return undefined;
    };
    await assert.rejects(run(repo), { code: "storage-unavailable" });
    assert.equal((await storedKeys(storage, "snapshots/")).length, 1);
  });
});
