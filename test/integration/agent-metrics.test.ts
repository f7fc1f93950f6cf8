// The HTTP server of the agent and the server: metrics for Prometheus, health and readiness for the kubelet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics, serveMetrics } from "../../src/platform/metrics.ts";

test("/metrics, /healthz and /readyz answer, the last two by their checks", async (t) => {
  const metrics = new Metrics({ processMetrics: true });
  metrics.counter("things_total", "Things").add(1);
  let isReady = false;
  const server = await serveMetrics({ address: "127.0.0.1:0", metrics, isReady: () => isReady });
  t.after(() => server.close());
  const get = async (path: string) => await fetch(`http://127.0.0.1:${server.port}${path}`);
  const answer = await get("/metrics");
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  assert.match(text, /^things_total 1$/m);
  assert.match(text, /^process_resident_memory_bytes /m);
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await get("/readyz")).status, 503);
  isReady = true;
  assert.equal((await get("/readyz")).status, 200);
  assert.equal((await get("/other")).status, 404);
});

test("an address that is taken is refused with the reason", async (t) => {
  const first = await serveMetrics({ address: "127.0.0.1:0", metrics: new Metrics() });
  t.after(() => first.close());
  const address = `127.0.0.1:${first.port}`;
  await assert.rejects(serveMetrics({ address, metrics: new Metrics() }), {
    code: "address-unusable",
    message: /EADDRINUSE/,
  });
});
