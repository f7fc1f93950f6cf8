import assert from "node:assert/strict";
import { test } from "node:test";
import { hasDoneWaiting, restoreWaitState } from "../../../../agent/pod-volume-restore/restore-wait.ts";
import type { Pod } from "../../../../src/api/core.ts";

function pod(initContainers: string[], state?: object, rest: Partial<Pod> = {}): Pod {
  const status = state === undefined ? {} : { initContainerStatuses: [{ name: "restore-wait", state }] };
  return {
    metadata: { name: "web" },
    spec: { containers: [], initContainers: initContainers.map((name) => ({ name })) },
    status,
    ...rest,
  };
}

test("only a container that runs and is named restore-wait counts, at whatever place it stands", () => {
  assert.equal(restoreWaitState(pod(["restore-wait"], { running: {} })), "running");
  assert.equal(restoreWaitState(pod(["setup", "restore-wait"], { running: {} })), "running");
  assert.equal(restoreWaitState(pod(["restic-wait"], { running: {} })), "absent");
  assert.equal(restoreWaitState(pod([])), "absent");
  assert.equal(restoreWaitState(pod(["restore-wait"])), "waiting");
  assert.equal(restoreWaitState(pod(["restore-wait"], { waiting: {} })), "waiting");
});

test("a try that failed is waiting for the next one, a good one has succeeded", () => {
  assert.equal(restoreWaitState(pod(["restore-wait"], { terminated: { exitCode: 1 } })), "waiting");
  assert.equal(restoreWaitState(pod(["restore-wait"], { terminated: { exitCode: 0 } })), "succeeded");
});

test("nobody reads the markers after success, in a pod that is over, or in one that is being deleted", () => {
  assert.equal(hasDoneWaiting(pod(["restore-wait"], { running: {} })), false);
  assert.equal(hasDoneWaiting(pod(["restore-wait"], { terminated: { exitCode: 1 } })), false);
  assert.equal(hasDoneWaiting(pod(["restore-wait"], { terminated: { exitCode: 0 } })), true);
  assert.equal(hasDoneWaiting(pod(["restore-wait"], undefined, { status: { phase: "Failed" } })), true);
  const deleted = { metadata: { name: "web", deletionTimestamp: "2024-01-01T00:00:00Z" } };
  assert.equal(hasDoneWaiting(pod(["restore-wait"], { running: {} }, deleted)), true);
});
