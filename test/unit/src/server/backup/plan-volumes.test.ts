import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../../../src/api/core.ts";
import { type ClusterState, planVolumes } from "../../../../../src/server/backup/plan-volumes.ts";

interface PodChanges {
  readonly name?: string;
  readonly phase?: string;
  readonly node?: string;
  readonly metadata?: Partial<Pod["metadata"]>;
  readonly spec?: Partial<NonNullable<Pod["spec"]>>;
}

function pod({ name = "app", phase = "Running", node = "n1", metadata, spec }: PodChanges = {}): Pod {
  return {
    metadata: { name, namespace: "shop", uid: `uid-${name}`, ...metadata },
    spec: {
      nodeName: node,
      containers: [{ name: "main", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "claim" } }],
      ...spec,
    },
    status: { phase },
  };
}

const claim: PersistentVolumeClaim = {
  metadata: { name: "claim", namespace: "shop", uid: "claim-uid" },
  spec: { volumeName: "pv" },
};
const volume = (spec: PersistentVolume["spec"] = {}): PersistentVolume => ({ metadata: { name: "pv" }, spec });

function state(pods: readonly Pod[], changes: Partial<ClusterState> = {}): ClusterState {
  return {
    pods,
    claims: new Map([["shop/claim", claim]]),
    persistentVolumes: new Map([["pv", volume()]]),
    agentNodes: new Set(["n1"]),
    ...changes,
  };
}

const planOf = (pods: readonly Pod[], changes: Partial<ClusterState> = {}): ReturnType<typeof planVolumes> =>
  planVolumes(state(pods, changes), "opt-out");

describe("planVolumes", () => {
  it("plans a mounted volume of a running pod on a node with an agent", () => {
    const plan = planOf([pod()]);
    assert.deepEqual([plan.warnings, plan.errors], [[], []]);
    assert.equal(plan.volumes.length, 1);
    assert.equal(plan.volumes[0]?.node, "n1");
    assert.equal(plan.volumes[0]?.claim, claim);
  });

  it("warns about pods that are not running, on no node or being deleted, and skips their volumes", () => {
    for (const skipped of [
      pod({ phase: "Pending" }),
      pod({ node: "" }),
      pod({ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }),
    ]) {
      const plan = planOf([skipped]);
      assert.deepEqual([plan.volumes.length, plan.warnings.length, plan.errors.length], [0, 1, 0]);
      assert.match(plan.warnings[0] ?? "", /shop\/app.*data/);
    }
  });

  it("says nothing of pods without chosen volumes", () => {
    const plan = planVolumes(state([pod({ phase: "Pending" })]), "opt-in");
    assert.deepEqual(plan, { volumes: [], warnings: [], errors: [] });
  });

  it("leaves out pods that are labelled out", () => {
    assert.equal(
      planOf([pod({ metadata: { labels: { "velero.io/exclude-from-backup": "true" } } })]).volumes.length,
      0,
    );
  });

  it("reports an error where no node agent is running", () => {
    const plan = planOf([pod({ node: "n2" })]);
    assert.deepEqual([plan.volumes.length, plan.warnings.length, plan.errors.length], [0, 0, 1]);
    assert.match(plan.errors[0] ?? "", /no node-agent.*n2/);
  });

  it("reports an error for a claim that does not exist and goes on with the other volumes", () => {
    const two = pod({
      spec: {
        containers: [
          {
            name: "c",
            volumeMounts: [
              { name: "data", mountPath: "/d" },
              { name: "tmp", mountPath: "/t" },
            ],
          },
        ],
        volumes: [
          { name: "data", persistentVolumeClaim: { claimName: "gone" } },
          { name: "tmp", emptyDir: {} },
        ],
      },
    });
    const plan = planOf([two]);
    assert.deepEqual(
      plan.volumes.map((planned) => planned.volume.name),
      ["tmp"],
    );
    assert.match(plan.errors[0] ?? "", /claim gone does not exist/);
  });

  it("skips hostPath persistent volumes, block devices and volumes that nothing mounts, with a warning each", () => {
    const hostPath = planOf([pod()], { persistentVolumes: new Map([["pv", volume({ hostPath: { path: "/x" } })]]) });
    const block = planOf([
      pod({ spec: { containers: [{ name: "c", volumeDevices: [{ name: "data", devicePath: "/dev/x" }] }] } }),
    ]);
    const unmounted = planOf([pod({ spec: { containers: [{ name: "c" }] } })]);
    for (const [plan, words] of [
      [hostPath, /hostPath/],
      [block, /block/],
      [unmounted, /no container mounts/],
    ] as const) {
      assert.equal(plan.volumes.length, 0);
      assert.match(plan.warnings[0] ?? "", words);
    }
  });

  it("takes a claim that two pods share once, with the first pod", () => {
    const plan = planOf([pod({ name: "a" }), pod({ name: "b" })]);
    assert.deepEqual(
      plan.volumes.map((planned) => planned.pod.metadata.name),
      ["a"],
    );
    assert.deepEqual([plan.warnings, plan.errors], [[], []]);
  });
});
