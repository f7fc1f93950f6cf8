import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryError } from "../../repo-format/errors.ts";
import type { BlobId, PackId } from "../../repo-format/format/id.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import type { RestoreProgress } from "../../repo-format/restorer/restore-options.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../repo-format/storage/key-layout.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes } from "../support/memory-repository.ts";
import { blobIdOf, directory, fakeThreads, file, restoreInThread, storeEntries } from "../support/restorer-fixture.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const good = seededBytes("good", 5000);
const bad = seededBytes("bad", 6000);

function packOf(repo: Repository, id: BlobId): PackId {
  const [location] = repo.index.lookup({ type: "data", id });
  assert.ok(location);
  return location.packId;
}

/** Two snapshots so that the two contents lie in two packs; the second one needs both. */
async function twoPacks(storage = new InMemoryStorage()): Promise<{
  repo: Repository;
  snapshotId: Awaited<ReturnType<typeof storeEntries>>;
}> {
  const repo = await createTestRepository({ storage });
  await storeEntries(repo, [["x", file([good])]]);
  const snapshotId = await storeEntries(repo, [
    ["both", file([good, bad])],
    ["damaged", file([bad])],
    ["fine", file([good])],
    ["sub", directory([["fine too", file([good, "tail"])]])],
  ]);
  assert.notEqual(packOf(repo, blobIdOf(good)), packOf(repo, blobIdOf(bad)));
  return { repo, snapshotId };
}

test("a pack that is gone costs the files that need it: each is named with the pack and the store's answer", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const { repo, snapshotId } = await twoPacks();
  const pack = packOf(repo, blobIdOf(bad));
  // "tail" lies in the same pack.
  await repo.storage.delete(keyOf("pack", pack));
  writeFileSync(join(target, "damaged"), "what was there");
  const result = await restoreInThread(repo, { snapshotId, target });
  assert.ok(readFileSync(join(target, "fine")).equals(good));
  assert.deepEqual(result.warnings.map(({ path }) => path).toSorted(), ["/both", "/damaged", "/sub/fine too"]);
  for (const { message, code, kind, isError } of result.warnings) {
    assert.deepEqual([code, kind, isError], ["pack-missing", "data", true]);
    assert.ok(message.includes(pack), message);
    assert.match(message, /not in the store/);
  }
  assert.equal(result.failure?.code, "pack-missing");
  assert.equal(result.failure?.details.pack, pack);
  assert.match(result.failure?.message ?? "", /and 2 more errors/);
  // What could not be completed is not left behind looking complete; what was there is not taken for restored.
  assert.equal(existsSync(join(target, "both")), false);
  assert.notEqual(lstatSync(join(target, "damaged")).mtime.getFullYear(), 2020);
  assert.equal(lstatSync(join(target, "fine")).mtime.getFullYear(), 2020);
});

test("a flipped byte is found and named, nothing wrong is ever written", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const storage = new InMemoryStorage();
  const { repo, snapshotId } = await twoPacks(storage);
  const pack = packOf(repo, blobIdOf(bad));
  const body = Buffer.from(await storage.get(keyOf("pack", pack)));
  body[100] = (body[100] as number) ^ 1;
  await storage.delete(keyOf("pack", pack));
  await storage.put(keyOf("pack", pack), body);
  const result = await restoreInThread(repo, { snapshotId, target });
  assert.equal(result.failure?.code, "blob-damaged");
  assert.ok(result.failure.message.includes(pack));
  assert.ok(!readdirSync(target).includes("damaged"));
  assert.ok(readFileSync(join(target, "fine")).equals(good));
});

test("bytes that are damaged on the way are fetched once more", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const snapshotId = await storeEntries(repo, [["file", file([bad])]]);
  const key = keyOf("pack", packOf(repo, blobIdOf(bad)));
  let isFirst = true;
  storage.plan = (call) => {
    if (call.method !== "getRange" || call.key !== key || !isFirst) return undefined;
    isFirst = false;
    return (bytes) => Buffer.from(bytes).fill(0, 40, 50);
  };
  const result = await restoreInThread(repo, { snapshotId, target });
  assert.equal(result.failure, undefined);
  assert.ok(readFileSync(join(target, "file")).equals(bad));
});

test("a second copy of a blob stands in for one in a pack that is gone", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const storage = new InMemoryStorage();
  const first = await createTestRepository({ storage });
  const snapshotId = await storeEntries(first, [["file", file([bad])]]);
  const { packId } = first.index.lookup({ type: "data", id: blobIdOf(bad) })[0] as { packId: PackId };
  // A writer that has not read the index stores the same blob again.
  const second = await reopen(storage);
  await storeEntries(second, [["other", file([bad])]]);
  await first.refreshIndex();
  await storage.delete(keyOf("pack", packId));
  const result = await restoreInThread(first, { snapshotId, target });
  assert.equal(result.failure, undefined);
  assert.ok(readFileSync(join(target, "file")).equals(bad));
});

test("a directory whose tree is gone is named, the rest is restored, and nothing is removed in it", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["a", file([good])],
    ["sub", directory([["lost", file(["x"])]])],
  ]);
  await restoreInThread(repo, { snapshotId, target });
  writeFileSync(join(target, "sub", "extra"), "");
  const broken = withoutTrees(repo, ["lost"]);
  const result = await restoreInThread(broken, { snapshotId, target, delete: true });
  assert.equal(result.errorCount, 1);
  assert.deepEqual([result.warnings[0]?.kind, result.warnings[0]?.path], ["tree", "/sub"]);
  assert.equal(result.failure?.code, "blob-missing");
  assert.deepEqual(readdirSync(join(target, "sub")).toSorted(), ["extra", "lost"]);
});

/** The repository, but that trees with one of these names in them cannot be had. */
function withoutTrees(repo: Repository, names: readonly string[]): Repository {
  const broken = Object.create(repo, {
    loadTree: {
      value: async (...values: Parameters<Repository["loadTree"]>) => {
        const tree = await repo.loadTree(...values);
        if (!names.some((name) => tree.includes(`"${name}"`))) return tree;
        throw new RepositoryError("blob-missing", `the tree blob ${values[0]} is in no index file`);
      },
    },
  });
  for (const key of ["loadSnapshot", "loadBlob", "receivePackRange"] as const) {
    Object.defineProperty(broken, key, { value: repo[key].bind(repo) });
  }
  return broken as Repository;
}

test("a store that does not answer ends the restore with its error, and no descriptor stays open", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const storage = new FaultyStorage(new InMemoryStorage());
  const { repo, snapshotId } = await twoPacks(storage as unknown as InMemoryStorage);
  await restoreInThread(repo, { snapshotId, target: join(target, "first") });
  const open = readdirSync("/proc/self/fd").length;
  storage.plan = (call) => {
    if (call.method === "getRange" && call.key.startsWith("data/")) throw unavailable(call);
    return undefined;
  };
  const restoring = restoreInThread(repo, { snapshotId, target: join(target, "second") });
  await assert.rejects(restoring, { code: "storage-unavailable" });
  assert.equal(readdirSync("/proc/self/fd").length, open);
});

test("a full disk ends the restore at once, says so and names the file", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const { repo, snapshotId } = await twoPacks();
  const threads = fakeThreads(repo);
  threads.intercept = (task) => {
    if (task.kind !== "write") return undefined;
    const error = new RepositoryError("target-full", "write 5 bytes at offset 0: ENOSPC: no space left on device");
    return { kind: "written", failures: [{ blob: 0, write: 0, isMade: true, error: error.toJSON() }], unfinished: [] };
  };
  await assert.rejects(restoreInThread(repo, { snapshotId, target, pool: threads }), (error: unknown) => {
    assert.ok(RepositoryError.is(error, "target-full"));
    assert.match(error.message, /ENOSPC/);
    assert.match(error.message, /\/(both|fine|sub)/);
    return true;
  });
  assert.equal(threads.budget.usedBytes, 0);
});

test("a restore that is cancelled leaves the snapshot's time on complete files alone, and the next one completes it", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const { repo, snapshotId } = await twoPacks();
  const abort = new AbortController();
  const threads = fakeThreads(repo);
  threads.intercept = () => {
    abort.abort(new Error("stop"));
    return undefined;
  };
  const open = readdirSync("/proc/self/fd").length;
  const restoring = restoreInThread(repo, { snapshotId, target, pool: threads, signal: abort.signal });
  await assert.rejects(restoring, { code: "cancelled" });
  assert.equal(readdirSync("/proc/self/fd").length, open);
  assert.equal(threads.budget.usedBytes, 0);
  for (const name of readdirSync(target, { recursive: true, encoding: "utf8" })) {
    const stat = lstatSync(join(target, name));
    const isComplete = stat.isFile() && readFileSync(join(target, name)).equals(good);
    if (isComplete && name === "fine") continue;
    assert.notEqual(stat.mtime.getFullYear(), 2020, name);
    if (stat.isFile()) assert.equal(stat.mode & 0o777, 0o600);
  }
  const result = await restoreInThread(repo, { snapshotId, target, overwrite: "if-changed" });
  assert.equal(result.failure, undefined);
  assert.ok(readFileSync(join(target, "both")).equals(Buffer.concat([good, bad])));
});

test("verification finds what was changed after it was written, and that file gets no metadata", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const { repo, snapshotId } = await twoPacks();
  const threads = fakeThreads(repo);
  let isChanged = false;
  threads.intercept = (task) => {
    if (task.kind === "compare" && !isChanged) {
      isChanged = true;
      writeFileSync(join(target, "fine"), Buffer.from(good).fill("x", 100, 110));
    }
    return undefined;
  };
  const result = await restoreInThread(repo, { snapshotId, target, pool: threads, verify: true });
  assert.equal(result.filesVerified, 3);
  assert.deepEqual(
    result.warnings.map(({ kind, path }) => [kind, path]),
    [["verify", "/fine"]],
  );
  assert.equal(existsSync(join(target, "fine")), false);
});

test("progress only grows and ends with everything done", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const { repo, snapshotId } = await twoPacks();
  const seen: RestoreProgress[] = [];
  const result = await restoreInThread(repo, { snapshotId, target, verify: true, onProgress: (p) => seen.push(p) });
  for (const [index, progress] of seen.entries()) {
    const before = seen[index - 1];
    if (before === undefined) continue;
    for (const key of ["totalBytes", "bytesRestored", "filesRestored", "filesVerified"] as const) {
      assert.ok(progress[key] >= before[key], key);
    }
  }
  assert.deepEqual(new Set(seen.map(({ phase }) => phase)), new Set(["plan", "data", "verify", "metadata"]));
  assert.equal(seen.at(-1)?.bytesRestored, result.totalBytes);
  assert.equal(seen.at(-1)?.filesRestored, result.totalFiles);
});
