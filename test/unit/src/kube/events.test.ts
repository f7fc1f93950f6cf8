import assert from "node:assert/strict";
import { test } from "node:test";
import { EventRecorder } from "../../../../src/kube/events.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const object = { apiVersion: "v1", kind: "Pod", namespace: "ns", name: "web", uid: "u1" };
const text = { type: "Normal", reason: "Done", message: "all is well" } as const;

function recorder(patch: () => unknown = () => undefined) {
  const calls: string[] = [];
  const created: Record<string, unknown>[] = [];
  const client = {
    create: async (_: unknown, event: Record<string, unknown>) => {
      calls.push("create");
      created.push(event);
      return { metadata: { name: `event${created.length}` } };
    },
    mergePatch: async (_: unknown, address: { name: string }, change: { count: number }) => {
      calls.push(`patch ${address.name} ${change.count}`);
      return patch();
    },
  };
  const options = { client: client as unknown as TypedClient, log: silentLogger, component: "node-agent" };
  return { calls, created, events: new EventRecorder({ ...options, clock: new FakeClock() }) };
}

test("an event names its object, its source and its time", async () => {
  const { created, events } = recorder();
  events.record(object, text);
  await events.flush();
  const [event = {}] = created;
  assert.deepEqual(event.involvedObject, object);
  assert.equal(event.reason, "Done");
  assert.deepEqual(event.source, { component: "node-agent" });
  assert.equal(event.firstTimestamp, "2024-05-01T00:00:00Z");
});

test("a repetition raises the count of the first event, or makes a new one when that has expired", async () => {
  let isExpired = false;
  const { calls, events } = recorder(() => {
    if (isExpired) throw new KubeError("not-found", "gone");
  });
  for (const _ of [1, 2]) {
    events.record(object, text);
    await events.flush();
  }
  isExpired = true;
  events.record(object, text);
  await events.flush();
  assert.deepEqual(calls, ["create", "patch event1 2", "patch event1 3", "create"]);
});

test("long messages are cut to what the API server takes", async () => {
  const { created, events } = recorder();
  events.record(object, { ...text, message: "x".repeat(5000) });
  await events.flush();
  assert.equal(String(created[0]?.message).length, 1024);
});

test("an event that cannot be sent is no failure", async () => {
  const { events } = recorder();
  const client = { create: () => Promise.reject(new KubeError("forbidden", "no")) } as unknown as TypedClient;
  const failing = new EventRecorder({ client, log: silentLogger, component: "x" });
  failing.record(object, text);
  await failing.flush();
  await events.flush();
});
