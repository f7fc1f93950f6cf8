// Which requests count as writes, in the API server's own metrics.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sumOfWrites } from "../../../../bench/through-agent/api-writes.ts";

test("requests that change something are added up, but for the API server's own leases", () => {
  const metrics = [
    "# TYPE apiserver_request_total counter",
    'apiserver_request_total{code="201",group="velero.io",resource="podvolumebackups",verb="POST"} 3',
    'apiserver_request_total{code="200",group="velero.io",resource="podvolumebackups",verb="PATCH"} 4',
    'apiserver_request_total{code="200",group="velero.io",resource="podvolumebackups",verb="WATCH"} 50',
    'apiserver_request_total{code="200",group="",resource="events",verb="POST"} 2',
    'apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",verb="PUT"} 70',
    'apiserver_request_duration_seconds_count{verb="POST"} 9',
  ];
  assert.equal(sumOfWrites(metrics.join("\n")), 9);
});
