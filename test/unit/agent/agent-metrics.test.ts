import assert from "node:assert/strict";
import { test } from "node:test";
import { serveTraffic } from "../../../agent/agent-metrics.ts";
import { Metrics } from "../../../src/platform/metrics.ts";

test("requests to stores are shown as they are when somebody asks", async () => {
  const metrics = new Metrics();
  const requests = { get: 4, put: 3, list: 2, delete: 0, stat: 1 };
  const files = { config: 0, key: 0, lock: 2, snapshot: 2, index: 2, pack: 4, other: 0 };
  serveTraffic(metrics, () => ({ requests, files, bytesSent: 10, bytesReceived: 20, failures: 5, retries: 6 }));
  await metrics.text();
  requests.get = 7;
  const lines = (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(lines, [
    'stowage_storage_requests_total{method="get"} 7',
    'stowage_storage_requests_total{method="put"} 3',
    'stowage_storage_requests_total{method="list"} 2',
    'stowage_storage_requests_total{method="delete"} 0',
    'stowage_storage_requests_total{method="stat"} 1',
    'stowage_storage_bytes_total{direction="sent"} 10',
    'stowage_storage_bytes_total{direction="received"} 20',
    'stowage_storage_failures_total{kind="failed"} 5',
    'stowage_storage_failures_total{kind="repeated"} 6',
  ]);
});
