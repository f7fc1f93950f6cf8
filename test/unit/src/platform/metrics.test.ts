import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics, serveMetrics } from "../../../../src/platform/metrics.ts";

test("counters, gauges and histograms appear in the text with their labels", async () => {
  const metrics = new Metrics();
  metrics.counter("things_total", "Things", ["kind"]).add(2, { kind: "a" });
  const gauge = metrics.gauge("level", "Level", ["kind"]);
  gauge.set(5, { kind: "b" });
  gauge.set(6, { kind: "c" });
  gauge.remove({ kind: "b" });
  metrics.histogram("took_seconds", "Time", { buckets: [1, 10] }).observe(3);
  const text = await metrics.text();
  assert.match(text, /^things_total\{kind="a"\} 2$/m);
  assert.match(text, /^level\{kind="c"\} 6$/m);
  assert.doesNotMatch(text, /kind="b"/);
  assert.match(text, /^took_seconds_bucket\{le="10"\} 1$/m);
});

test("serveMetrics refuses an address that is none", async () => {
  await assert.rejects(serveMetrics({ address: "8085", metrics: new Metrics() }), { code: "address-unusable" });
  await assert.rejects(serveMetrics({ address: ":port", metrics: new Metrics() }), { code: "address-unusable" });
});
