import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { newStorageMeter, trafficOf } from "../../../../repo-format/storage/storage-meter.ts";
import { withMeter } from "../../../../repo-format/storage/with-meter.ts";

describe("trafficOf", () => {
  it("sums methods of one kind and gives what came after an earlier look", async () => {
    const meter = newStorageMeter();
    const storage = withMeter(new InMemoryStorage(), meter);
    await storage.prepare();
    await storage.put("config", Buffer.alloc(10));
    const earlier = trafficOf(meter);
    await storage.get("config");
    await storage.getRange("config", 0, 4);
    await storage.listFolders("");
    await storage.stat("config");
    await storage.delete("config");
    await assert.rejects(storage.get("config"));
    meter.retries += 1;
    assert.deepEqual(earlier.requests, { get: 0, put: 1, list: 0, delete: 0, stat: 1 });
    assert.deepEqual(trafficOf(meter, earlier), {
      requests: { get: 3, put: 0, list: 1, delete: 1, stat: 1 },
      outcomes: {
        get: { ok: 2, "object-missing": 1 },
        put: { ok: 0 },
        list: { ok: 1 },
        delete: { ok: 1 },
        stat: { ok: 1 },
      },
      files: { config: 5, key: 0, lock: 0, snapshot: 0, index: 0, pack: 0, other: 1 },
      bytesSent: 0,
      bytesReceived: 14,
      failures: 1,
      retries: 1,
    });
  });
});
