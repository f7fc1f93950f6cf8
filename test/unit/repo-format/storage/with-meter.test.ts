import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { describe, it } from "node:test";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { newStorageMeter } from "../../../../repo-format/storage/storage-meter.ts";
import { withMeter } from "../../../../repo-format/storage/with-meter.ts";

describe("withMeter", () => {
  it("counts every request by its method, and the bytes of those that succeeded", async () => {
    const meter = newStorageMeter();
    const sizeBytes = statSync(import.meta.filename).size;
    const storage = withMeter(new InMemoryStorage(), meter);
    await storage.prepare();
    await storage.put("config", [Buffer.alloc(10), Buffer.alloc(5)]);
    assert.equal(await storage.putFile("config", import.meta.filename), sizeBytes);
    await storage.put("config", Buffer.alloc(15));
    await storage.get("config");
    await storage.getRange("config", 0, 4);
    await storage.stat("config");
    for await (const _ of storage.list("")) assert.ok(true);
    await storage.listFolders("");
    await storage.delete("config");
    await assert.rejects(storage.get("config"));
    assert.deepEqual(meter, {
      requests: { prepare: 1, put: 3, get: 2, getRange: 1, stat: 1, list: 1, listFolders: 1, delete: 1 },
      outcomes: {
        ...{ prepare: { ok: 1 }, put: { ok: 3 }, get: { ok: 1, "object-missing": 1 }, getRange: { ok: 1 } },
        ...{ stat: { ok: 1 }, list: { ok: 1 }, listFolders: { ok: 1 }, delete: { ok: 1 } },
      },
      files: { config: 8, key: 0, lock: 0, snapshot: 0, index: 0, pack: 0, other: 3 },
      answers: 9,
      failures: 1,
      retries: 0,
      bytesSent: 30 + sizeBytes,
      bytesReceived: 19,
    });
    assert.equal(storage.meter, meter);
  });

  it("says what kind of file each request was about", async () => {
    const meter = newStorageMeter();
    const storage = withMeter(new InMemoryStorage(), meter);
    const id = "ab".repeat(32);
    for (const key of [`keys/${id}`, `data/ab/${id}`, `index/${id}`, `snapshots/${id}`, `locks/${id}`, "data2"])
      await storage.put(key, Buffer.alloc(1));
    for await (const _ of storage.list("data/")) assert.ok(true);
    assert.deepEqual(meter.files, { config: 0, key: 1, lock: 1, snapshot: 1, index: 1, pack: 2, other: 1 });
    assert.equal(meter.answers, 5, "a lock that is refreshed is no sign of work");
  });
});
