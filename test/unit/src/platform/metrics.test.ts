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

test("a sampled gauge shows what there is when somebody asks, and nothing where there is nothing", async () => {
  const metrics = new Metrics();
  const volumes = [{ labels: { volume: "a" }, value: 1 }];
  const total: { value: number }[] = [];
  metrics.sampledGauge("volume_size", "Size", ["volume"], () => volumes);
  metrics.sampledGauge("total_size", "Size", [], () => total);
  const shown = async (): Promise<string[]> =>
    (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(await shown(), ['volume_size{volume="a"} 1']);
  volumes.splice(0, 1, { labels: { volume: "b" }, value: 2 });
  total.push({ value: 2 });
  assert.deepEqual(await shown(), ['volume_size{volume="b"} 2', "total_size 2"]);
});

test("definitions tell of every metric what it is, also of one that has no series yet", () => {
  const metrics = new Metrics();
  metrics.counter("things_total", "Things", ["kind"]);
  metrics.histogram("took_seconds", "Time", { buckets: [1], labelNames: ["kind"] });
  assert.deepEqual(metrics.definitions, [
    { name: "things_total", help: "Things", type: "counter", labels: ["kind"] },
    { name: "took_seconds", help: "Time", type: "histogram", labels: ["kind"] },
  ]);
});

test("serveMetrics refuses an address that is none", async () => {
  await assert.rejects(serveMetrics({ address: "8085", metrics: new Metrics() }), { code: "address-unusable" });
  await assert.rejects(serveMetrics({ address: ":port", metrics: new Metrics() }), { code: "address-unusable" });
});
