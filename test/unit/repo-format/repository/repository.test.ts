import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeConfig } from "../../../../repo-format/format/config-file.ts";
import type { BlobId, SnapshotId, TreeId } from "../../../../repo-format/format/id.ts";
import { emptyTreeId } from "../../../../repo-format/format/tree.ts";
import { addKey } from "../../../../repo-format/repository/keys.ts";
import { initRepository, openRepository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import {
  cheapKdf,
  collect,
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
  storeSnapshot,
  testIdentity,
  testPassword,
} from "../../../support/memory-repository.ts";

const base = { password: testPassword, identity: testIdentity, kdf: cheapKdf };

for (const version of [1, 2] as const) {
  test(`a version ${version} repository opens again with what was stored in it`, async () => {
    const repo = await createTestRepository({ version });
    const contents = [seededBytes(1, 100_000), Buffer.from("words ".repeat(1000)), Buffer.alloc(0)];
    const ids = await storeBlobs(repo, "data", contents);
    const snapshotId = await storeSnapshot(repo, emptyTreeId as TreeId);
    const again = await reopen(repo.storage);
    assert.equal(again.id, repo.id);
    assert.equal(again.version, version);
    await again.refreshIndex();
    for (const [place, id] of ids.entries())
      assert.deepEqual(await again.loadBlob({ type: "data", id }), contents[place]);
    assert.equal((await again.loadSnapshot(snapshotId)).hostname, "host-1");
    const found = await collect(again.snapshots());
    assert.deepEqual(
      found.map(({ id }) => id),
      [snapshotId],
    );
  });
}

test("openRepository tells apart: no repository, a wrong password, a config that is damaged", async () => {
  const storage = new InMemoryStorage();
  await assert.rejects(openRepository({ ...base, storage }), { code: "repository-missing" });
  await createTestRepository({ storage });
  await assert.rejects(openRepository({ ...base, storage, password: "other" }), { code: "wrong-password" });
  await storage.put("config", seededBytes(1, 200));
  await assert.rejects(openRepository({ ...base, storage }), { code: "config-malformed" });
});

test("openRepository names the old layout that it does not read", async () => {
  const storage = new InMemoryStorage();
  await storage.put("key/abc", Buffer.from("{}"));
  await assert.rejects(openRepository({ ...base, storage }), { code: "repository-unsupported" });
});

test("openRepository refuses pack sizes out of bounds", async () => {
  await assert.rejects(createTestRepository({ packSizeBytes: 1000 }), { code: "argument-invalid" });
});

test("initRepository refuses a store with a repository, with snapshots, or with keys of another password", async () => {
  const storage = new InMemoryStorage();
  const repo = await createTestRepository({ storage });
  const refused = { code: "repository-exists" };
  await assert.rejects(initRepository({ ...base, storage }), refused);
  await storage.delete("config");
  await assert.rejects(initRepository({ ...base, storage, password: "other" }), refused);
  await storeSnapshot(repo, emptyTreeId as TreeId);
  await assert.rejects(initRepository({ ...base, storage }), refused);
});

test("initRepository completes what an earlier run with the same password has left off after its key", async () => {
  const storage = new InMemoryStorage();
  await createTestRepository({ storage });
  await storage.delete("config");
  const repo = await initRepository({ ...base, storage });
  assert.equal((await storedKeys(storage, "keys/")).length, 1);
  assert.equal((await reopen(storage)).id, repo.id);
});

test("of many processes that init at once all get the same repository, and its keys all open", async () => {
  for (let round = 0; round < 20; round++) {
    const storage = new FaultyStorage(new InMemoryStorage());
    // Answers come after different times, so that every order of steps comes up.
    storage.plan = ({ number }) => new Promise((resolve) => setTimeout(resolve, (number * 7 + round * 3) % 5));
    const repos = await Promise.all(Array.from({ length: 4 }, () => initRepository({ ...base, storage })));
    assert.equal(new Set(repos.map((repo) => repo.id)).size, 1);
    storage.plan = () => undefined;
    const keys = await storedKeys(storage, "keys/");
    assert.ok(keys.length >= 1);
    for (const key of keys) {
      const opened = await openRepository({ ...base, storage, keyHint: key.slice("keys/".length) });
      assert.equal(opened.keyId, key.slice("keys/".length));
      assert.equal(opened.id, repos[0]?.id);
    }
  }
});

test("a key that cannot be read is a warning when another one opens", async () => {
  const storage = new InMemoryStorage();
  const repo = await createTestRepository({ storage });
  const broken = `keys/${"0".repeat(64)}`;
  await storage.put(broken, Buffer.from("{}"));
  const warnings: string[] = [];
  const opened = await openRepository({ ...base, storage, onWarning: (message) => warnings.push(message) });
  assert.equal(opened.id, repo.id);
  assert.equal(warnings.length, 1);
  await storage.delete(`keys/${repo.keyId}`);
  await assert.rejects(openRepository({ ...base, storage }), { code: "file-damaged" });
});

test("a key of another repository that our password happens to open is passed over", async () => {
  const [storage, foreign] = [new InMemoryStorage(), new InMemoryStorage()];
  const repo = await createTestRepository({ storage });
  const other = await createTestRepository({ storage: foreign });
  const key = `keys/${other.keyId}`;
  await storage.put(key, await foreign.get(key));
  for (const keyHint of [undefined, other.keyId]) {
    const opened = await openRepository({ ...base, storage, keyHint });
    assert.equal(opened.keyId, repo.keyId);
  }
  await storage.delete(`keys/${repo.keyId}`);
  await assert.rejects(openRepository({ ...base, storage }), { code: "config-malformed" });
});

test("the hinted key is tried first", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const second = await addKey(repo, { password: testPassword, kdf: cheapKdf });
  for (const keyId of [repo.keyId, second]) {
    const opened = await openRepository({ ...base, storage, keyHint: keyId.slice(0, 10) });
    assert.equal(opened.keyId, keyId);
  }
});

test("a file whose content does not match its name is read again once and then reported as damaged", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const id = await storeSnapshot(repo, emptyTreeId as TreeId);
  let damagedReads = 0;
  storage.plan = ({ method }) => {
    if (method !== "get" || damagedReads === 1) return undefined;
    damagedReads++;
    return (bytes) => Buffer.concat([bytes, Buffer.of(1)]);
  };
  await repo.loadSnapshot(id);
  assert.equal(damagedReads, 1);
  storage.plan = ({ method }) => (method === "get" ? (bytes) => bytes.subarray(1) : undefined);
  await assert.rejects(repo.loadSnapshot(id), (error: Error) => {
    assert.match(error.message, new RegExp(id));
    return (error as Error & { code: string }).code === "file-damaged";
  });
});

test("snapshots deleted between listing and reading are left out, an absent one is said to be missing", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const other = await createTestRepository({ storage });
  const first = await storeSnapshot(other, emptyTreeId as TreeId);
  const second = await storeSnapshot(other, emptyTreeId as TreeId, { hostname: "other" });
  const repo = await reopen(storage);
  storage.plan = ({ method, key }) => (method === "get" && key.endsWith(first) ? storage.delete(key) : undefined);
  const found = await collect(repo.snapshots());
  assert.deepEqual(
    found.map(({ id }) => id),
    [second],
  );
  await assert.rejects(repo.loadSnapshot("f".repeat(64) as SnapshotId), { code: "snapshot-missing" });
});

test("a snapshot is fetched once at most, not at all by whoever stored it, and forgotten when it is gone", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const other = await createTestRepository({ storage });
  const repo = await reopen(storage);
  const first = await storeSnapshot(other, emptyTreeId as TreeId);
  await collect(repo.snapshots());
  const second = await storeSnapshot(other, emptyTreeId as TreeId);
  const own = await storeSnapshot(repo, emptyTreeId as TreeId);
  storage.calls.length = 0;
  assert.equal((await collect(repo.snapshots())).length, 3);
  assert.deepEqual(storage.keysOf("get"), [`snapshots/${second}`]);
  await repo.remove("snapshot", own);
  await repo.remove("snapshot", first);
  const left = await collect(repo.snapshots());
  assert.deepEqual(
    left.map(({ id }) => id),
    [second],
  );
});

test("the compression that rustic put into the config counts where the caller asks for none", async () => {
  const storage = new InMemoryStorage();
  const repo = await createTestRepository({ storage });
  for (const [level, mode] of [
    [0, "off"],
    [1, "fastest"],
    [3, "auto"],
    [7, "better"],
    [19, "max"],
  ] as const) {
    await storage.put("config", repo.sealer.seal(encodeConfig({ ...repo.config, compressionLevel: level })));
    assert.equal((await reopen(storage)).options.compression, mode);
    assert.equal((await reopen(storage, { compression: "fastest" })).options.compression, "fastest");
  }
});

test("names that are no ids are not listed", async () => {
  const repo = await createTestRepository();
  for (const key of ["index/README", "snapshots/x", `data/ab/${"a".repeat(63)}`, "data/x"]) {
    await repo.storage.put(key, Buffer.from("not ours"));
  }
  for (const kind of ["index", "snapshot", "pack"] as const) assert.deepEqual(await collect(repo.list(kind)), []);
  await repo.refreshIndex();
});

test("a refresh of an unchanged index costs one listing", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  await storeBlobs(repo, "data", [seededBytes(1, 100)]);
  const other = await reopen(storage);
  await other.refreshIndex();
  storage.calls.length = 0;
  await other.refreshIndex();
  await repo.refreshIndex();
  assert.deepEqual(
    storage.calls.map(({ method }) => method),
    ["list", "list"],
  );
});

test("a refresh finds what others stored, forgets what they removed, and lists anew when a file vanishes under it", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const [writer, reader] = [await createTestRepository({ storage }), await reopen(storage)];
  const [id] = (await storeBlobs(writer, "data", [seededBytes(1, 100)])) as [BlobId];
  const [indexKey] = await storedKeys(storage, "index/");
  const json = await writer.loadUnpacked("index", indexKey?.slice("index/".length) as BlobId);
  storage.plan = ({ method, key }) => {
    if (method !== "get" || key !== indexKey) return undefined;
    storage.plan = () => undefined;
    return writer.saveUnpacked("index", json).then(() => storage.delete(key));
  };
  await reader.refreshIndex();
  assert.equal(reader.index.has("data", id), true);
  for (const key of await storedKeys(storage, "index/")) await storage.delete(key);
  await reader.refreshIndex();
  assert.equal(reader.index.has("data", id), false);
});

test("a refresh does not take an index file for gone that was saved while it listed", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const listing = Promise.withResolvers<void>();
  // The listing begins before the file is saved and does not show it.
  storage.list = async function* (): AsyncGenerator<never> {
    await listing.promise;
    yield* [];
  };
  const refresh = repo.refreshIndex();
  const [id] = (await storeBlobs(repo, "data", [seededBytes(1, 100)])) as [BlobId];
  listing.resolve();
  await refresh;
  assert.equal(repo.index.has("data", id), true);
});

test("an index file that cannot be decoded is named, and nothing of it counts", async () => {
  const repo = await createTestRepository();
  const json = '{"packs":[{"id":"ID","blobs":[{"id":"ID","type":"data","offset":0,"length":50},{"id":7}]}]}';
  const id = await repo.saveUnpacked("index", Buffer.from(json.replaceAll("ID", "a".repeat(64))));
  await assert.rejects(repo.refreshIndex(), (error: Error) => {
    assert.match(error.message, new RegExp(id));
    return (error as Error & { code: string }).code === "index-malformed";
  });
  assert.equal(repo.index.blobCount, 0);
});

test("a cancelled call reads nothing", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const [id] = (await storeBlobs(repo, "tree", [Buffer.from('{"nodes":[]}\n')])) as [BlobId];
  const signal = AbortSignal.abort();
  const cancelled = { code: "cancelled" };
  await assert.rejects(repo.loadTree(id, signal), cancelled);
  await assert.rejects(repo.loadBlob({ type: "tree", id }, signal), cancelled);
  await assert.rejects(repo.refreshIndex(signal), cancelled);
  await assert.rejects(collect(repo.snapshots(signal)), cancelled);
});

test("trees that were read lately are not fetched again, and prefetching reads neighbours with one request", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const writer = await createTestRepository({ storage });
  const trees = Array.from({ length: 20 }, (_, number) => Buffer.from(`{"nodes":[],"number":${number}}`));
  const ids = await storeBlobs(writer, "tree", trees);
  const repo = await reopen(storage);
  await repo.refreshIndex();
  storage.calls.length = 0;
  await repo.prefetchTrees(ids);
  assert.equal(storage.calls.length, 1);
  for (const [place, id] of ids.entries()) assert.deepEqual(await repo.loadTree(id), trees[place]);
  assert.equal(storage.calls.length, 1);
});

test("prefetching leaves failures to the reader", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const [id] = (await storeBlobs(repo, "tree", [Buffer.from("{}")])) as [BlobId];
  storage.plan = (call) => {
    throw unavailable(call);
  };
  await repo.prefetchTrees([id, "c".repeat(64) as BlobId]);
  await assert.rejects(repo.loadTree(id), { code: "storage-unavailable" });
});
