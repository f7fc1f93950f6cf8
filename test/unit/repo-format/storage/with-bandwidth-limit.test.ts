import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { LocalDirectoryStorage } from "../../../../repo-format/storage/local-directory.ts";
import type { ObjectStorage } from "../../../../repo-format/storage/object-storage.ts";
import { TokenBucket } from "../../../../repo-format/storage/token-bucket.ts";
import { withBandwidthLimit } from "../../../../repo-format/storage/with-bandwidth-limit.ts";
import { ManualClock, settle } from "../../../support/manual-clock.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** A store on a clock that only goes where somebody sleeps to. */
function limited(store: ObjectStorage, upload: number | undefined, download: number | undefined) {
  let nowMs = 0;
  const sleep = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
    const dueMs = nowMs + ms;
    await settle();
    signal?.throwIfAborted();
    nowMs = Math.max(nowMs, dueMs);
  };
  const limits = { uploadBytesPerSecond: upload, downloadBytesPerSecond: download, sleep };
  return { storage: withBandwidthLimit(store, { ...limits, monotonicClock: () => nowMs }), now: () => nowMs };
}

describe("withBandwidthLimit", () => {
  it("holds back what is sent and what is received, each by its own rate and over all requests", async (t) => {
    const directory = temporaryDirectory(t);
    const file = join(directory, "file-to-send");
    writeFileSync(file, Buffer.alloc(100_000));
    for (const store of [new InMemoryStorage(), new LocalDirectoryStorage(directory)]) {
      const { now, storage } = limited(store, 100_000, 10_000);
      await Promise.all(["a", "b", "c"].map((key) => storage.put(key, Buffer.alloc(40_000))));
      assert.equal(now(), 200);
      await storage.putFile("file", file);
      assert.equal(now(), 1200);
      await Promise.all([storage.get("a"), storage.getRange("b", 5, 10_000)]);
      assert.equal(now(), 5200);
    }
  });

  it("shares a bucket between stores, and leaves bodies whole while the bucket has no rate", async () => {
    const clock = new ManualClock(0);
    const bucket = new TokenBucket({ bytesPerSecond: 1000, monotonicClock: clock.now, sleep: clock.sleep });
    const inner = new InMemoryStorage();
    const [one, other] = [inner, new InMemoryStorage()].map((s) => withBandwidthLimit(s, { uploadBucket: bucket }));
    await one?.put("a", Buffer.alloc(1000));
    let isStored = false;
    const put = other?.put("a", Buffer.alloc(1000)).then(() => {
      isStored = true;
    });
    await clock.advance(999);
    assert.equal(isStored, false);
    await clock.advance(1);
    await put;
    bucket.setRate(Number.POSITIVE_INFINITY);
    await one?.put("b", Buffer.alloc(100_000));
    assert.equal(clock.now(), 1000);
  });

  it("leaves what has no limit alone, and locks", async () => {
    const store = new InMemoryStorage();
    assert.equal(withBandwidthLimit(store, {}), store);
    const { now, storage } = limited(store, 1, undefined);
    const lock = `locks/${"a".repeat(64)}`;
    await storage.put(lock, Buffer.alloc(5000));
    await store.put("large", Buffer.alloc(100_000));
    assert.equal((await storage.get("large")).length, 100_000);
    assert.equal((await storage.get(lock)).length, 5000);
    assert.equal(now(), 0);
  });

  it("a request that waits for its turn can be cancelled, and stores nothing", async () => {
    const store = new InMemoryStorage();
    const { storage } = limited(store, 1, undefined);
    const controller = new AbortController();
    const put = storage.put("a", Buffer.alloc(1000), { signal: controller.signal });
    controller.abort();
    await assert.rejects(put, (error) => RepositoryError.is(error, "cancelled"));
    await assert.rejects(store.get("a"), (error) => RepositoryError.is(error, "object-missing"));
  });
});
