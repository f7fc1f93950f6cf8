import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../../../../src/api/core.ts";
import { type PodObstacle, podObstacle } from "../../../../../../src/server/restore/volumes/pod-obstacle.ts";

const minute = 60_000;
const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "r", controller: true };

function podOf(change: { metadata?: object; spec?: object; status?: object } = {}): Pod {
  return {
    metadata: { name: "web", namespace: "app", uid: "u", ...change.metadata },
    spec: { nodeName: "n1", containers: [], initContainers: [{ name: "restore-wait" }], ...change.spec },
    ...(change.status === undefined ? {} : { status: change.status }),
  };
}

function obstacle(
  current: Pod | undefined,
  change: { wanted?: Pod; isClaimed?: boolean; patienceMs?: number } = {},
): PodObstacle | undefined {
  const facts = { wanted: podOf(), isClaimed: false, patienceMs: 10 * minute, agentNodes: new Set(["n1"]), ...change };
  return podObstacle({ ...facts, current });
}

function waitingFor(reason: string, message?: string): Pod {
  const waiting = { reason, ...(message === undefined ? {} : { message }) };
  return podOf({ status: { initContainerStatuses: [{ name: "restore-wait", state: { waiting } }] } });
}

describe("podObstacle()", () => {
  it("is none for a pod whose restore-wait runs, or is about to", () => {
    const running = { initContainerStatuses: [{ name: "restore-wait", state: { running: {} } }] };
    for (const pod of [podOf(), podOf({ status: running }), waitingFor("PodInitializing")])
      assert.equal(obstacle(pod), undefined);
  });

  it("is final for a pod that is gone, replaced, being deleted, at its end, or without restore-wait", () => {
    const wanted = podOf({ metadata: { ownerReferences: [owner] } });
    const cases: readonly (readonly [Pod | undefined, RegExp])[] = [
      [undefined, /^pod app\/web, whose controller is ReplicaSet web-1, was deleted before/],
      [podOf({ metadata: { uid: "another" } }), /^pod app\/web, whose controller .* was replaced before/],
      [podOf({ metadata: { deletionTimestamp: "now" } }), /is being deleted/],
      [
        podOf({ status: { phase: "Failed", reason: "Evicted", message: "disk" } }),
        /has ended \(Failed: Evicted: disk\)/,
      ],
      [podOf({ status: { phase: "Succeeded" } }), /has ended \(Succeeded\)/],
      [podOf({ spec: { initContainers: [] } }), /has no container restore-wait/],
    ];
    for (const [current, reason] of cases) {
      const found = obstacle(current, { wanted });
      assert.deepEqual([found?.kind, found?.patienceMs], ["over", 0]);
      assert.match(found?.reason ?? "", reason);
    }
    assert.match(obstacle(undefined)?.reason ?? "", /^pod app\/web was deleted before/);
  });

  it("is borne for a while when the pod is not scheduled, and has the scheduler's words", () => {
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no nodes" }];
    const found = obstacle(podOf({ spec: { nodeName: undefined }, status: { conditions } }));
    assert.deepEqual(found, {
      kind: "unscheduled",
      reason: "pod app/web is not scheduled: no nodes",
      patienceMs: 10 * minute,
    });
  });

  it("is borne for a minute where no agent runs, and longer once one has begun", () => {
    const elsewhere = podOf({ spec: { nodeName: "n2" } });
    const found = obstacle(elsewhere);
    assert.deepEqual([found?.kind, found?.patienceMs], ["no-agent", minute]);
    assert.match(found?.reason ?? "", /on node n2, where pod app\/web is/);
    assert.equal(obstacle(elsewhere, { isClaimed: true })?.patienceMs, 10 * minute);
    assert.equal(obstacle(elsewhere, { patienceMs: 5 })?.patienceMs, 5);
  });

  it("is borne for a while when restore-wait cannot start", () => {
    const found = obstacle(waitingFor("ImagePullBackOff", "not found"));
    assert.deepEqual([found?.kind, found?.patienceMs], ["stuck", 10 * minute]);
    assert.match(found?.reason ?? "", /does not start \(ImagePullBackOff: not found\)/);
    assert.match(obstacle(waitingFor("CreateContainerConfigError"))?.reason ?? "", /\(CreateContainerConfigError\)/);
  });
});
