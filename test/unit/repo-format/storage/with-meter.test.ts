import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { newStorageMeter, withMeter } from "../../../../repo-format/storage/with-meter.ts";

describe("withMeter", () => {
  it("counts every request by its method, and the bytes of those that succeeded", async () => {
    const meter = newStorageMeter();
    const storage = withMeter(new InMemoryStorage(), meter);
    await storage.prepare();
    await storage.put("config", [Buffer.alloc(10), Buffer.alloc(5)]);
    await storage.get("config");
    await storage.getRange("config", 0, 4);
    await storage.stat("config");
    for await (const _ of storage.list("")) assert.ok(true);
    await storage.listFolders("");
    await storage.delete("config");
    await assert.rejects(storage.get("config"));
    assert.deepEqual(meter, {
      requests: { prepare: 1, put: 1, get: 2, getRange: 1, stat: 1, list: 1, listFolders: 1, delete: 1 },
      failures: 1,
      bytesSent: 15,
      bytesReceived: 19,
    });
  });
});
