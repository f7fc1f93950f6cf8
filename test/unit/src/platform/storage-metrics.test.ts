import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../../../src/platform/metrics.ts";
import { serveStorageCounts } from "../../../../src/platform/storage-metrics.ts";

test("requests to stores are shown by verb and code as they are when somebody asks", async () => {
  const metrics = new Metrics();
  const get = { ok: 4, "404": 1 };
  serveStorageCounts(metrics, () => ({ outcomes: { get, put: {} }, bytesSent: 10, bytesReceived: 20, retries: 6 }));
  await metrics.text();
  get.ok = 7;
  const lines = (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(lines, [
    'stowage_storage_requests_total{method="get",code="404"} 1',
    'stowage_storage_requests_total{method="get",code="ok"} 7',
    'stowage_storage_requests_total{method="put",code="ok"} 0',
    'stowage_storage_bytes_total{direction="sent"} 10',
    'stowage_storage_bytes_total{direction="received"} 20',
    "stowage_storage_retries_total 6",
  ]);
});
