import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { CachedFiles } from "../../../../repo-format/storage/cache/cached-files.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../../../repo-format/storage/object-storage.ts";
import { withCache } from "../../../../repo-format/storage/with-cache.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { collect, seededBytes } from "../../../support/memory-repository.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const idOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const keyIn = (folder: string, bytes: Uint8Array): string =>
  folder === "data" ? `data/${idOf(bytes).slice(0, 2)}/${idOf(bytes)}` : `${folder}/${idOf(bytes)}`;

const treePack = { isTreePack: true };
const pack = seededBytes("pack", 300_000);
const packKey = keyIn("data", pack);
const index = seededBytes("index", 5000);
const indexKey = keyIn("index", index);

interface Rig {
  readonly directory: string;
  readonly store: FaultyStorage;
  /** A cached view of the store, as another process would have it. */
  readonly open: (options?: { maxBytes?: number; onWarning?: (message: string) => void }) => ObjectStorage;
  /** Requests that reached the store since the last time. */
  readonly asked: () => string[];
  /** Paths of all copies. */
  readonly copies: () => string[];
}

function rig(t: TestContext): Rig {
  const directory = temporaryDirectory(t);
  const store = new FaultyStorage(new InMemoryStorage());
  return {
    directory,
    store,
    open: (options = {}) => withCache(store, { directory, clock: () => Date.now(), ...options }),
    asked: () => store.calls.splice(0).map(({ method, key }) => `${method} ${key}`),
    copies: () =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== "CACHEDIR.TAG")
        .map((entry) => join(entry.parentPath, entry.name)),
  };
}

async function putDirectly({ store }: Rig, ...bodies: readonly (readonly [key: string, body: Buffer])[]) {
  for (const [key, body] of bodies) await store.beneath.put(key, body);
}

describe("withCache", () => {
  it("asks the store once for an index file and a snapshot, by however many processes", async (t) => {
    const { open, asked, ...rest } = rig(t);
    const snapshot = seededBytes("snapshot", 300);
    await putDirectly({ open, asked, ...rest }, [indexKey, index], [keyIn("snapshots", snapshot), snapshot]);
    for (const storage of [open(), open(), open()]) {
      assert.deepEqual(await storage.get(indexKey), index);
      assert.deepEqual(await storage.get(keyIn("snapshots", snapshot)), snapshot);
    }
    assert.deepEqual(asked(), [`get ${indexKey}`, `get ${keyIn("snapshots", snapshot)}`]);
  });

  it("fetches a tree pack whole with its first part, once for all who want one, and answers the rest itself", async (t) => {
    const one = rig(t);
    await putDirectly(one, [packKey, pack]);
    const first = one.open();
    const parts = [
      [0, 1],
      [65_535, 2],
      [131_072, 65_536],
      [299_999, 1],
      [100_000, 200_000],
      [7, 0],
    ] as const;
    const read = (storage: ObjectStorage): Promise<Buffer[]> =>
      Promise.all(parts.map(([offset, length]) => storage.getRange(packKey, offset, length, treePack)));
    const wanted = parts.map(([offset, length]) => Buffer.from(pack.subarray(offset, offset + length)));
    assert.deepEqual(await read(first), wanted);
    assert.deepEqual(await read(first), wanted);
    assert.deepEqual(await read(one.open()), wanted);
    assert.deepEqual(one.asked(), [`get ${packKey}`]);
    for (const storage of [first, one.open()]) {
      const beyond = storage.getRange(packKey, 299_999, 2, treePack);
      await assert.rejects(beyond, (error) => RepositoryError.is(error, "range-invalid"));
    }
  });

  it("leaves data packs, headers, keys, locks and the config to the store", async (t) => {
    const one = rig(t);
    const keys = ["config", keyIn("keys", index), keyIn("locks", index)];
    await putDirectly(one, [packKey, pack], ...keys.map((key) => [key, index] as const));
    const storage = one.open();
    for (const key of keys) for (let turn = 0; turn < 2; turn++) await storage.get(key);
    await storage.getRange(packKey, 10, 10);
    await storage.getRange(packKey, -10, 10, treePack);
    await storage.get(packKey);
    assert.equal(one.asked().length, 9);
    assert.deepEqual(one.copies(), []);
  });

  it("keeps what it stores, but only under a name that is its hash", async (t) => {
    const one = rig(t);
    const storage = one.open();
    await storage.put(indexKey, [index.subarray(0, 10), index.subarray(10)], { sha256: idOf(index) });
    await storage.put(packKey, pack, { sha256: idOf(pack), isTreePack: true });
    await storage.put(keyIn("data", index), index, { sha256: idOf(index) });
    await storage.put("index/readme", index, { sha256: idOf(index) });
    one.asked();
    assert.equal(one.copies().length, 2);
    assert.deepEqual(await one.open().get(indexKey), index);
    assert.deepEqual(await one.open().getRange(packKey, 5, 5, treePack), pack.subarray(5, 10));
    assert.deepEqual(one.asked(), []);
  });

  it("takes a damaged copy for none: whatever was done to it costs one download", async (t) => {
    const harms: ((path: string, bytes: Buffer) => void)[] = [
      (path, bytes) => writeFileSync(path, Buffer.concat([bytes, Buffer.from("x")])),
      (path, bytes) => truncateSync(path, bytes.length - 1),
      (path) => truncateSync(path, 0),
      (path, bytes) => writeFileSync(path, bytes.fill(bytes.at(-1) === 0 ? 1 : 0, bytes.length - 1)),
      (path, bytes) => writeFileSync(path, bytes.fill(~(bytes[70_000] ?? bytes[0] ?? 0), 0, 1)),
    ];
    for (const harm of harms) {
      const one = rig(t);
      await putDirectly(one, [packKey, pack], [indexKey, index]);
      const [before, later] = [one.open(), one.open()];
      // The second time it comes from the copy, which is known to be good then.
      for (let turn = 0; turn < 2; turn++) await before.getRange(packKey, 0, 10, treePack);
      await before.get(indexKey);
      one.asked();
      for (const path of one.copies()) harm(path, readFileSync(path));
      // To the one the copy was good a moment ago, to the other it is new.
      for (const storage of [before, later]) {
        assert.deepEqual(await storage.getRange(packKey, 0, pack.length, treePack), pack);
        assert.deepEqual(await storage.get(indexKey), index);
      }
      // Bytes behind the end are only seen by who reads all.
      assert.deepEqual(one.asked().sort(), [`get ${packKey}`, `get ${indexKey}`]);
    }
  });

  it("keeps nothing that was damaged on its way, and lets the caller judge it", async (t) => {
    const one = rig(t);
    await putDirectly(one, [packKey, pack], [indexKey, index]);
    one.store.plan = () => (bytes) => bytes.fill(0, 0, 1);
    const storage = one.open();
    assert.notDeepEqual(await storage.get(indexKey), index);
    assert.notDeepEqual(await storage.getRange(packKey, 0, 10, treePack), pack.subarray(0, 10));
    assert.deepEqual(one.copies(), []);
    one.store.plan = () => undefined;
    assert.deepEqual(await storage.get(indexKey), index);
    assert.deepEqual(await storage.getRange(packKey, 0, 10, treePack), pack.subarray(0, 10));
  });

  it("drops copies whose original is gone: by its own deletion, by a listing, by what the index says", async (t) => {
    const one = rig(t);
    const other = seededBytes("other", 100);
    await putDirectly(one, [packKey, pack], [indexKey, index], [keyIn("index", other), other]);
    const storage = one.open();
    await storage.getRange(packKey, 0, 10, treePack);
    for (const key of [indexKey, keyIn("index", other)]) await storage.get(key);
    assert.equal(one.copies().length, 3);
    await one.store.beneath.delete(keyIn("index", other));
    for await (const _ of storage.list("index/")) break;
    assert.equal(one.copies().length, 3, "a listing that broke off says nothing");
    assert.equal((await collect(storage.list("index/"))).length, 1);
    assert.equal((await collect(storage.list("locks/"))).length, 0);
    assert.equal(one.copies().length, 2);
    await storage.retain?.("data/", (key) => key === packKey);
    assert.equal(one.copies().length, 2);
    await storage.retain?.("data/", () => false);
    assert.equal(one.copies().length, 1);
    await storage.delete(indexKey);
    assert.deepEqual(one.copies(), []);
    await assert.rejects(storage.get(indexKey), (error) => RepositoryError.is(error, "object-missing"));
  });

  it("works without a place, with one that fills up, and with one that it cannot write", async (t) => {
    for (const break_ of ["no place", "no room", "read-only"]) {
      const one = rig(t);
      await putDirectly(one, [packKey, pack], [indexKey, index]);
      const warnings: string[] = [];
      const onWarning = (message: string): void => void warnings.push(message);
      if (break_ === "no place") writeFileSync(join(one.directory, "file"), "");
      if (break_ === "read-only") chmodSync(one.directory, 0o500);
      const storage =
        break_ === "no place"
          ? withCache(one.store, { directory: join(one.directory, "file"), onWarning, clock: () => Date.now() })
          : one.open({ onWarning, ...(break_ === "no room" ? { maxBytes: 100 } : {}) });
      for (let turn = 0; turn < 4; turn++) {
        assert.deepEqual(await storage.get(indexKey), index);
        assert.deepEqual(await storage.getRange(packKey, 3, 10, treePack), pack.subarray(3, 13));
      }
      assert.ok(one.asked().filter((request) => request === `get ${packKey}`).length <= 2, break_);
      if (break_ === "no place") assert.equal(warnings.length, 1);
      chmodSync(one.directory, 0o700);
    }
  });

  it("a failure of the store is that of the request, and the next one tries again", async (t) => {
    const one = rig(t);
    await putDirectly(one, [packKey, pack]);
    one.store.plan = (call) => {
      throw unavailable(call);
    };
    const storage = one.open();
    const failed = storage.getRange(packKey, 0, 10, treePack);
    await assert.rejects(failed, (error) => RepositoryError.is(error, "storage-unavailable"));
    one.store.plan = () => undefined;
    assert.deepEqual(await storage.getRange(packKey, 0, 10, treePack), pack.subarray(0, 10));
    assert.equal(one.copies().length, 1);
  });

  it("who waits for a pack that another one has cancelled gets it all the same", async (t) => {
    const one = rig(t);
    await putDirectly(one, [packKey, pack]);
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    one.store.plan = ({ method }) => {
      if (method !== "get") return undefined;
      started.resolve();
      return new Promise((_, reject) => {
        controller.signal.addEventListener("abort", () => reject(new RepositoryError("cancelled", "cancelled")));
      });
    };
    const storage = one.open();
    const cancelled = storage.getRange(packKey, 0, 10, { ...treePack, signal: controller.signal });
    await started.promise;
    const patient = storage.getRange(packKey, 10, 10, treePack);
    // The second one has found out that the pack is on its way.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    controller.abort();
    await assert.rejects(cancelled, (error) => RepositoryError.is(error, "cancelled"));
    assert.deepEqual(await patient, pack.subarray(10, 20));
  });

  it("a signal that has fired ends requests that the cache could answer", async (t) => {
    const one = rig(t);
    const storage = one.open();
    await storage.put(indexKey, index, { sha256: idOf(index) });
    const signal = AbortSignal.abort();
    await assert.rejects(storage.get(indexKey, { signal }), (error) => RepositoryError.is(error, "cancelled"));
    await assert.rejects(storage.get(indexKey, { maxBytes: 10 }), (error) =>
      RepositoryError.is(error, "object-too-large"),
    );
  });
});

describe("CachedFiles", () => {
  it("only takes keys that name what they hold", () => {
    const id = "a".repeat(64);
    for (const key of [`index/${id}`, `snapshots/${id}`, `data/aa/${id}`]) assert.ok(CachedFiles.isCacheable(key), key);
    for (const key of [
      "config",
      `keys/${id}`,
      `locks/${id}`,
      `data/bb/${id}`,
      `data/${id}`,
      "index/x",
      `index/../${id}`,
    ])
      assert.ok(!CachedFiles.isCacheable(key), key);
  });
});
