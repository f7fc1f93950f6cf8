import assert from "node:assert/strict";
import { test } from "node:test";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { decodePackHeader } from "../../../../repo-format/format/pack-header.ts";
import type { SealedBlob } from "../../../../repo-format/pack/pack-writer.ts";
import { type BlobUploader, sealBlob, withBlobUploader } from "../../../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { settle } from "../../../support/manual-clock.ts";
import { collect, createTestRepository, reopen, seededBytes, storedKeys } from "../../../support/memory-repository.ts";

const mebibyte = 1024 * 1024;

interface Setup {
  readonly storage: FaultyStorage;
  readonly repo: Repository;
}

async function setUp(options: Parameters<typeof createTestRepository>[0] = {}): Promise<Setup> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage, packSizeBytes: 4 * mebibyte, ...options });
  storage.calls.length = 0;
  return { storage, repo };
}

function dataBlob(repo: Repository, seed: number | string, size: number): SealedBlob {
  const plain = seededBytes(seed, size);
  return sealBlob(repo, { type: "data", id: idOf<BlobId>(plain) }, plain);
}

/** Every stored pack with the types and ids that its header tells of. */
async function packsOf(repo: Repository): Promise<{ id: PackId; sizeBytes: number; blobs: string[] }[]> {
  const packs: { id: PackId; sizeBytes: number; blobs: string[] }[] = [];
  for (const { id, sizeBytes } of await collect(repo.list("pack"))) {
    const file = await repo.storage.get(`data/${id.slice(0, 2)}/${id}`);
    const headerLength = file.readUInt32LE(file.length - 4);
    const header = repo.sealer.open(file.subarray(file.length - 4 - headerLength, file.length - 4));
    packs.push({
      id: id as PackId,
      sizeBytes,
      blobs: decodePackHeader(header).map((blob) => `${blob.type} ${blob.id}`),
    });
  }
  return packs;
}

test("withBlobUploader stores packs first, then their index, and only then resolves", async () => {
  const { storage, repo } = await setUp();
  const ids = await withBlobUploader(repo, {}, async (uploader) => {
    const saved = [
      await uploader.saveBlob("data", seededBytes(1, 1000)),
      await uploader.saveBlob("tree", Buffer.from("{}")),
    ];
    return saved.map(({ id }) => id);
  });
  const puts = storage.keysOf("put").map((key) => key.split("/")[0]);
  assert.deepEqual(puts, ["data", "data", "index"]);
  const packs = await packsOf(repo);
  assert.deepEqual(packs.flatMap(({ blobs }) => blobs).sort(), [`data ${ids[0]}`, `tree ${ids[1]}`].sort());
  const reader = await reopen(storage);
  await reader.refreshIndex();
  assert.deepEqual(await reader.loadBlob({ type: "data", id: ids[0] as BlobId }), seededBytes(1, 1000));
});

test("a blob is stored once: within a run, in a second run, and by two uploaders at once", async () => {
  const { repo } = await setUp();
  const content = seededBytes(1, 5000);
  const save = (uploader: BlobUploader): Promise<{ isNew: boolean; storedBytes: number }> =>
    uploader.saveBlob("data", content);
  await withBlobUploader(repo, {}, async (uploader) => {
    const first = await save(uploader);
    assert.equal(first.isNew, true);
    assert.equal(uploader.has("data", idOf<BlobId>(content)), true);
    assert.deepEqual(await save(uploader), { ...first, isNew: false, storedBytes: 0 });
    assert.equal(await uploader.add(dataBlob(repo, 1, 5000)), false);
    await withBlobUploader(repo, {}, async (other) => assert.equal((await save(other)).isNew, false));
  });
  await withBlobUploader(repo, {}, async (uploader) => assert.equal((await save(uploader)).isNew, false));
  assert.equal((await packsOf(repo)).length, 1);
});

test("an uploader that relies on a blob of another one ends only when that blob is stored and indexed", async () => {
  const { storage, repo } = await setUp();
  const content = seededBytes(1, 5000);
  await withBlobUploader(repo, {}, async (first) => {
    await first.saveBlob("data", content);
    await withBlobUploader(repo, {}, async (second) => {
      assert.equal((await second.saveBlob("data", content)).isNew, false);
    });
    const reader = await reopen(storage);
    await reader.refreshIndex();
    assert.deepEqual(await reader.loadBlob({ type: "data", id: idOf<BlobId>(content) }), content);
  });
});

test("data and trees never share a pack, and blobs go to one of two open packs", async () => {
  const { repo } = await setUp();
  await withBlobUploader(repo, {}, async (uploader) => {
    for (let seed = 0; seed < 12; seed++) {
      await uploader.add(dataBlob(repo, seed, mebibyte));
      await uploader.saveBlob("tree", Buffer.from(`{"nodes":[],"seed":${seed}}`));
    }
  });
  const packs = await packsOf(repo);
  for (const { blobs } of packs) assert.equal(new Set(blobs.map((blob) => blob.split(" ")[0])).size, 1);
  assert.equal(packs.filter(({ blobs }) => blobs[0]?.startsWith("tree")).length, 1, "small leftovers are merged");
});

test("packs are finished at the wanted size, and a blob of that size gets its own", async () => {
  const { repo } = await setUp();
  await withBlobUploader(repo, {}, async (uploader) => {
    for (let seed = 0; seed < 20; seed++) await uploader.add(dataBlob(repo, seed, mebibyte));
    await uploader.add(dataBlob(repo, "large", 5 * mebibyte));
  });
  const packs = await packsOf(repo);
  for (const { sizeBytes, blobs } of packs) {
    assert.ok(sizeBytes < 5 * mebibyte + 1000 || blobs.length === 1, `${sizeBytes} bytes in ${blobs.length} blobs`);
  }
  assert.equal(packs.filter(({ sizeBytes }) => sizeBytes > 5 * mebibyte).length, 1);
});

test("add waits while all connections are busy and a further pack waits", async () => {
  const { storage, repo } = await setUp();
  const gate = Promise.withResolvers<void>();
  storage.plan = ({ method }) => (method === "put" ? gate.promise : undefined);
  let nowMs = 0;
  const run = withBlobUploader(repo, { monotonicClock: () => nowMs }, async (uploader) => {
    for (let seed = 0; seed < 60; seed++) await uploader.add(dataBlob(repo, seed, mebibyte));
    return uploader.stats.waitedSeconds;
  });
  for (let turn = 0; turn < 30; turn++) await settle();
  const whileBlocked = storage.keysOf("put").length;
  nowMs = 5000;
  gate.resolve();
  assert.equal(await run, 5, "seconds that it waited");
  assert.equal(whileBlocked, storage.connections);
  assert.ok(storage.keysOf("put").length > whileBlocked);
});

test("the packs are reported as stored before the index is", async () => {
  const { storage, repo } = await setUp();
  let putsByThen: string[] = [];
  const onPacksStored = (): void => {
    putsByThen = [...storage.keysOf("put")];
  };
  await withBlobUploader(repo, { onPacksStored }, (uploader) => uploader.saveBlob("data", Buffer.from("text")));
  const isOf = (folder: string) => (key: string) => key.startsWith(folder);
  assert.deepEqual([putsByThen.filter(isOf("data/")).length, putsByThen.filter(isOf("index/")).length], [1, 0]);
  assert.equal(storage.keysOf("put").filter(isOf("index/")).length, 1);
});

test("the stats count new blobs of this uploader, before and after compression and sealing", async () => {
  const { repo } = await setUp();
  const text = Buffer.from("again and again ".repeat(1000));
  await withBlobUploader(repo, {}, async (uploader) => {
    const saved = await uploader.saveBlob("data", text);
    await uploader.saveBlob("data", text);
    const tree = await uploader.saveBlob("tree", Buffer.from('{"nodes":[]}\n'));
    assert.deepEqual(uploader.stats, {
      dataBlobs: 1,
      treeBlobs: 1,
      dataAddedBytes: text.length + 13,
      dataAddedPackedBytes: saved.storedBytes + tree.storedBytes,
      waitedSeconds: 0,
    });
    assert.ok(saved.storedBytes < 500);
  });
});

test("compression follows the version and the mode: never in version 1, trees always in version 2, nothing for no bytes", async () => {
  const text = Buffer.from("again and again ".repeat(100));
  const handle = { id: idOf<BlobId>(text) };
  const [v1, off, auto] = [
    await createTestRepository({ version: 1 }),
    await createTestRepository({ compression: "off" }),
    await createTestRepository(),
  ];
  assert.equal(sealBlob(v1, { type: "tree", ...handle }, text).uncompressedLength, 0);
  assert.equal(sealBlob(off, { type: "data", ...handle }, text).uncompressedLength, 0);
  assert.equal(sealBlob(off, { type: "tree", ...handle }, text).uncompressedLength, text.length);
  assert.equal(sealBlob(auto, { type: "data", ...handle }, text).uncompressedLength, text.length);
  const nothing = Buffer.alloc(0);
  assert.equal(sealBlob(auto, { type: "data", id: idOf<BlobId>(nothing) }, nothing).uncompressedLength, 0);
});

test("extra verification refuses to store a blob that does not open as what it is called", async () => {
  const repo = await createTestRepository();
  const wrongId = idOf<BlobId>(Buffer.from("something else"));
  assert.throws(() => sealBlob(repo, { type: "data", id: wrongId }, Buffer.from("text")), { code: "self-test-failed" });
  const careless = await createTestRepository({ extraVerify: false });
  assert.ok(sealBlob(careless, { type: "data", id: wrongId }, Buffer.from("text")));
});

test("index files are saved while the run goes on", async () => {
  const { storage, repo } = await setUp();
  await withBlobUploader(repo, { tuning: { indexMaxBlobs: 3 } }, async (uploader) => {
    for (let seed = 0; seed < 16; seed++) await uploader.add(dataBlob(repo, seed, 3 * mebibyte));
    for (let turn = 0; turn < 10; turn++) await settle();
    assert.ok(storage.keysOf("put").some((key) => key.startsWith("index/")));
  });
});

test("after an error of the work, what it added is stored and indexed, and the error comes back", async () => {
  const { storage, repo } = await setUp();
  const failing = withBlobUploader(repo, {}, async (uploader) => {
    await uploader.add(dataBlob(repo, 1, 1000));
    throw new Error("the disk is gone");
  });
  await assert.rejects(failing, /the disk is gone/);
  const reader = await reopen(storage);
  await reader.refreshIndex();
  assert.equal(reader.index.blobCount, 1);
  assert.equal(repo.index.blobCount, 1);
});

test("a cancel ends the run with the index of what is stored", async () => {
  const { storage, repo } = await setUp();
  const controller = new AbortController();
  const run = withBlobUploader(repo, { signal: controller.signal }, async (uploader) => {
    await uploader.add(dataBlob(repo, 1, 5 * mebibyte));
    await settle();
    controller.abort();
    await uploader.add(dataBlob(repo, 2, 1000));
  });
  await assert.rejects(run, { code: "cancelled" });
  const reader = await reopen(storage);
  await reader.refreshIndex();
  assert.equal(reader.index.blobCount, 1);
});

test("a store that hangs delays the end after a cancel only for the time given, and nothing half known stays behind", async () => {
  const { storage, repo } = await setUp();
  const controller = new AbortController();
  storage.plan = ({ method }) => (method === "put" ? new Promise(() => undefined) : undefined);
  const run = withBlobUploader(repo, { signal: controller.signal, tuning: { salvageMs: 5 } }, async (uploader) => {
    await uploader.add(dataBlob(repo, 1, 1000));
    controller.abort();
  });
  await assert.rejects(run, { code: "cancelled" });
  assert.equal(repo.index.blobCount, 0);
  storage.plan = () => undefined;
  await withBlobUploader(repo, {}, async (uploader) => assert.equal(await uploader.add(dataBlob(repo, 1, 1000)), true));
});

test("a failed upload fails every uploader, once, with the store's answer; the next run starts afresh", async () => {
  const { storage, repo } = await setUp();
  storage.plan = (call) => {
    if (call.method === "put" && call.key.startsWith("data/")) throw unavailable(call);
    return undefined;
  };
  const run = (): Promise<void> =>
    withBlobUploader(repo, {}, async (uploader) => {
      for (let seed = 0; seed < 10; seed++) await uploader.add(dataBlob(repo, seed, 3 * mebibyte));
    });
  const results = await Promise.allSettled([run(), run()]);
  for (const result of results) {
    assert.equal(result.status, "rejected");
    assert.equal((result as PromiseRejectedResult).reason.code, "storage-unavailable");
  }
  assert.equal(repo.index.blobCount, 0);
  storage.plan = () => undefined;
  await run();
  assert.equal(repo.index.blobCount, 10);
});

test("packs whose index could not be saved do not count as known", async () => {
  const { storage, repo } = await setUp();
  storage.plan = (call) => {
    if (call.method === "put" && call.key.startsWith("index/")) throw unavailable(call);
    return undefined;
  };
  await assert.rejects(
    withBlobUploader(repo, {}, (uploader) => uploader.add(dataBlob(repo, 1, 1000))),
    { code: "storage-unavailable" },
  );
  assert.equal((await storedKeys(storage, "data/")).length, 1);
  assert.equal(repo.index.blobCount, 0);
});

test("storeKnown stores blobs again that the index knows", async () => {
  const { repo } = await setUp();
  await withBlobUploader(repo, {}, (uploader) => uploader.add(dataBlob(repo, 1, 1000)));
  await withBlobUploader(repo, { storeKnown: true }, async (uploader) => {
    assert.equal(uploader.has("data", dataBlob(repo, 1, 1000).id), false);
    assert.equal(await uploader.add(dataBlob(repo, 1, 1000)), true);
  });
  assert.equal(repo.index.lookup(dataBlob(repo, 1, 1000)).length, 2);
});
