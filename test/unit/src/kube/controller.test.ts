import assert from "node:assert/strict";
import { test } from "node:test";
import { Controller, controllerMetrics, type Reconcile } from "../../../../src/kube/controller.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { Metrics } from "../../../../src/platform/metrics.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const backoff = { firstMs: 100, factor: 2, maxMs: 1000, jitter: 0 };

function start(reconcile: Reconcile, concurrency = 1) {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const controller = new Controller({
    ...{ name: "test", reconcile, concurrency, clock, backoff, log: silentLogger },
    metrics: controllerMetrics(metrics),
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal);
  const end = () => {
    stop.abort();
    return running;
  };
  return { clock, controller, metrics, end };
}

test("an error that may pass is tried again later, one that may not is given up", async () => {
  const calls: string[] = [];
  const { clock, controller, end } = start(async (name) => {
    calls.push(name);
    throw new KubeError(name === "passes" ? "unavailable" : "invalid", "no");
  });
  controller.enqueue("passes");
  controller.enqueue("stays");
  await clock.advance(350);
  await end();
  assert.deepEqual(calls, ["passes", "stays", "passes", "passes"]);
});

test("an error without a code is tried again", async () => {
  let calls = 0;
  const { clock, controller, end } = start(async () => {
    calls++;
    if (calls === 1) throw new Error("surprise");
  });
  controller.enqueue("a");
  await clock.advance(1000);
  await end();
  assert.equal(calls, 2);
});

test("requeueAfterMs brings the name back without an event", async () => {
  let calls = 0;
  const { clock, controller, end } = start(async () => (++calls < 3 ? { requeueAfterMs: 5000 } : undefined));
  controller.enqueue("a");
  await clock.advance(4999);
  assert.equal(calls, 1);
  await clock.advance(60_000);
  await end();
  assert.equal(calls, 3);
});

test("several names are worked on at the same time, one name never", async () => {
  const gates = new Map<string, () => void>();
  let running = 0;
  let most = 0;
  const { clock, controller, end } = start(async (name) => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => gates.set(name, resolve));
    running--;
  }, 3);
  for (const name of ["a", "b", "a", "a"]) controller.enqueue(name);
  await clock.advance(0);
  controller.enqueue("a");
  await clock.advance(0);
  assert.equal(most, 2);
  gates.get("a")?.();
  gates.get("b")?.();
  await clock.advance(0);
  gates.get("a")?.();
  await clock.advance(0);
  await end();
});

test("results are counted by controller and kind", async () => {
  const { clock, controller, metrics, end } = start(async (name) => {
    if (name === "bad") throw new KubeError("invalid", "no");
  });
  controller.enqueue("good");
  controller.enqueue("bad");
  await clock.advance(0);
  await end();
  const text = await metrics.text();
  assert.match(text, /stowage_reconcile_total\{controller="test",result="success"\} 1/);
  assert.match(text, /stowage_reconcile_total\{controller="test",result="terminal"\} 1/);
});
