import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../../../../src/api/core.ts";
import { type ClusterState, planVolumes } from "../../../../../../src/server/backup/volumes/plan-volumes.ts";
import type {
  PolicyAction,
  PolicyConditions,
  VolumePolicy,
} from "../../../../../../src/server/backup/volumes/volume-policy.ts";

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
  planVolumes(state(pods, changes), { mode: "opt-out" });

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
    const plan = planVolumes(state([pod({ phase: "Pending" })]), { mode: "opt-in" });
    assert.deepEqual([plan.volumes, plan.warnings, plan.errors], [[], [], []]);
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

  it("takes a shared claim through the next pod when the first one is not running", () => {
    const plan = planOf([pod({ name: "a", phase: "Pending" }), pod({ name: "b" })]);
    assert.deepEqual(
      plan.volumes.map((planned) => planned.pod.metadata.name),
      ["b"],
    );
    assert.equal(plan.warnings.length, 1);
  });

  it("says nothing about a pod that is not running when its only claim is taken already", () => {
    const plan = planOf([pod({ name: "a" }), pod({ name: "b", phase: "Succeeded" })]);
    assert.deepEqual([plan.warnings, plan.errors], [[], []]);
  });

  it("takes one claim once that a pod mounts under two names", () => {
    const mounts = ["data", "again"].map((name) => ({ name, mountPath: `/${name}` }));
    const volumes = ["data", "again"].map((name) => ({ name, persistentVolumeClaim: { claimName: "claim" } }));
    assert.equal(
      planOf([pod({ spec: { containers: [{ name: "c", volumeMounts: mounts }], volumes } })]).volumes.length,
      1,
    );
  });

  it("keeps to what an earlier try has made: the same pod again, no other pod for the same claim", () => {
    const earlier = [{ podUid: "uid-b", volume: "data", claimUid: "claim-uid" }];
    const plan = planVolumes(state([pod({ name: "a" }), pod({ name: "b" })]), { mode: "opt-out", earlier });
    assert.deepEqual(
      plan.volumes.map((planned) => planned.pod.metadata.name),
      ["b"],
    );
  });

  it("reports a missing claim before it looks at the pod, and the other volumes with the pod", () => {
    const volumes = [
      { name: "data", persistentVolumeClaim: { claimName: "gone" } },
      { name: "tmp", emptyDir: {} },
    ];
    const plan = planOf([pod({ phase: "Pending", spec: { volumes } })]);
    assert.match(plan.errors.join(), /claim gone does not exist/);
    assert.match(plan.warnings.join(), /not running \(phase Pending\); its volumes tmp are skipped/);
  });

  it("finds the claim of a generic ephemeral volume under the pod's name", () => {
    const own = { metadata: { name: "app-data", namespace: "shop", uid: "own" }, spec: { volumeName: "pv" } };
    const plan = planOf([pod({ spec: { volumes: [{ name: "data", ephemeral: {} }] } })], {
      claims: new Map([["shop/app-data", own]]),
    });
    assert.equal(plan.volumes[0]?.claim?.metadata.uid, "own");
  });
});

describe("planVolumes when pods opt in", () => {
  const listing = (names: string, changes: PodChanges = {}): Pod =>
    pod({ ...changes, metadata: { annotations: { "backup.velero.io/backup-volumes": names } } });
  const optIn = (one: Pod): ReturnType<typeof planVolumes> => planVolumes(state([one]), { mode: "opt-in" });

  it("warns of listed volumes that the pod does not have, and of kinds that are never backed up", () => {
    const spec = {
      volumes: [
        { name: "data", emptyDir: {} },
        { name: "node", hostPath: { path: "/x" } },
      ],
    };
    const plan = optIn(listing("data,node, data", { spec }));
    assert.equal(plan.volumes.length, 1);
    assert.deepEqual(plan.errors, []);
    assert.match(plan.warnings.join("\n"), /volume node of pod shop\/app is skipped: volumes of its kind are never/);
    assert.match(plan.warnings.join("\n"), /volume {2}data of pod shop\/app is skipped: .*the pod has no such volume/);
  });

  it("judges the pod first: one message for all that is listed", () => {
    const plan = optIn(listing("data,absent", { phase: "Pending" }));
    assert.deepEqual(plan.errors, []);
    assert.equal(plan.warnings.length, 1);
    assert.match(plan.warnings[0] ?? "", /its volumes data, absent are skipped/);
  });
});

describe("planVolumes tells why a volume is not taken", () => {
  const names = ["data", "tmp", "keys", "node"];
  const many = (changes: PodChanges = {}): Pod =>
    pod({
      ...changes,
      spec: {
        containers: [{ name: "c", volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })) }],
        volumes: [
          { name: "data", persistentVolumeClaim: { claimName: "claim" } },
          { name: "tmp", emptyDir: {} },
          { name: "keys", secret: {} },
          { name: "node", hostPath: { path: "/x" } },
        ],
        ...changes.spec,
      },
    });
  const reasons = ({ skipped }: ReturnType<typeof planVolumes>): Record<string, string> =>
    Object.fromEntries(
      skipped.map(({ pod: owner, volume: name, reason }) => [`${owner?.metadata.name}/${name}`, reason]),
    );

  it("when pods opt in: what the annotation does not list, and hostPath; not what the API server holds", () => {
    const annotations = { "backup.velero.io/backup-volumes": "data" };
    const plan = planVolumes(state([many({ metadata: { annotations } })]), { mode: "opt-in" });
    assert.deepEqual(
      plan.volumes.map((planned) => planned.volume.name),
      ["data"],
    );
    assert.deepEqual(reasons(plan), {
      "app/tmp": "the pod's annotation backup.velero.io/backup-volumes does not list it",
      "app/node": "volumes of its kind are never backed up (hostPath)",
    });
    assert.deepEqual([plan.warnings, plan.errors], [[], []]);
  });

  it("when pods opt out, with claim and persistent volume", () => {
    const annotations = { "backup.velero.io/backup-volumes-excludes": "data" };
    const plan = planOf([many({ metadata: { annotations } })]);
    const [skipped] = plan.skipped;
    assert.equal(skipped?.reason, "the pod's annotation backup.velero.io/backup-volumes-excludes lists it");
    assert.deepEqual([skipped?.claim, skipped?.persistentVolume?.metadata.name], [claim, "pv"]);
    assert.deepEqual(plan.warnings, []);
  });

  it("when the pod or the volume cannot be taken, beside the warning or error", () => {
    assert.deepEqual(reasons(planOf([many({ phase: "Pending" })])), {
      "app/data": "its pod could not be backed up: it is not running (phase Pending)",
      "app/tmp": "its pod could not be backed up: it is not running (phase Pending)",
      "app/node": "volumes of its kind are never backed up (hostPath)",
    });
    assert.equal(reasons(planOf([many()], { claims: new Map() }))["app/data"], "its claim claim does not exist");
    const persistentVolumes = new Map([["pv", volume({ hostPath: { path: "/x" } })]]);
    assert.match(reasons(planOf([many()], { persistentVolumes }))["app/data"] ?? "", /volume pv is a hostPath/);
    const unmounted = reasons(planOf([many({ spec: { containers: [{ name: "c" }] } })]));
    assert.match(unmounted["app/tmp"] ?? "", /no container mounts it/);
  });

  it("not of a claim that is taken through another pod, before or after", () => {
    const skippedOf = (plan: ReturnType<typeof planVolumes>): string[] => Object.keys(reasons(plan));
    const own = { metadata: { annotations: { "backup.velero.io/backup-volumes": "data" } } };
    assert.deepEqual(skippedOf(planOf([pod({ name: "a", phase: "Pending" }), pod({ name: "b" })])), []);
    assert.deepEqual(skippedOf(planOf([pod({ name: "a" }), pod({ name: "b", phase: "Pending" })])), []);
    const optIn = planVolumes(state([pod({ name: "a" }), pod({ name: "b", ...own })]), { mode: "opt-in" });
    assert.deepEqual([optIn.volumes.length, skippedOf(optIn)], [1, []]);
    assert.deepEqual(skippedOf(planVolumes(state([pod({ name: "a" })]), { mode: "opt-in" })), ["a/data"]);
  });

  it("when the Backup leaves claims out, whatever the annotation lists", () => {
    const annotations = { "backup.velero.io/backup-volumes": "data,tmp" };
    const one = many({ metadata: { annotations } });
    const plan = planVolumes(state([one]), { mode: "opt-in", withoutClaims: true });
    assert.deepEqual(
      plan.volumes.map((planned) => planned.volume.name),
      ["tmp"],
    );
    assert.equal(reasons(plan)["app/data"], "the Backup leaves out persistentvolumeclaims");
    assert.equal(plan.warnings.length, 1);
    assert.equal(planVolumes(state([many()]), { mode: "opt-out", withoutClaims: true }).warnings.length, 0);
  });
});

describe("planVolumes with a volume policy", () => {
  const entry = (action: PolicyAction, conditions: PolicyConditions = {}): VolumePolicy => ({
    entries: [{ action, conditions }],
  });
  const withPolicy = (policy: VolumePolicy, mode: "opt-in" | "opt-out", one: Pod = pod()) =>
    planVolumes(state([one]), { mode, policy });
  const listed = { metadata: { annotations: { "backup.velero.io/backup-volumes": "data" } } };

  it("takes a volume that no annotation lists, when the policy says fs-backup", () => {
    assert.equal(withPolicy(entry("fs-backup"), "opt-in").volumes.length, 1);
    const optedOut = pod({ metadata: { annotations: { "backup.velero.io/backup-volumes-excludes": "data" } } });
    assert.equal(withPolicy(entry("fs-backup"), "opt-out", optedOut).volumes.length, 1);
  });

  it("leaves out a volume that an annotation lists, when the policy says skip or custom", () => {
    for (const action of ["skip", "custom"] as const) {
      const plan = withPolicy(entry(action), "opt-in", pod(listed));
      assert.deepEqual([plan.volumes, plan.warnings, plan.errors], [[], [], []]);
      assert.match(plan.skipped[0]?.reason ?? "", /its volume policy/);
    }
  });

  it("reports an error for each volume of which the policy wants a snapshot", () => {
    const plan = withPolicy(entry("snapshot"), "opt-out");
    assert.equal(plan.volumes.length, 0);
    assert.match(
      plan.errors.join(),
      /^volume data of pod shop\/app is skipped: .* wants a snapshot, and this server takes none/,
    );
  });

  it("falls back to the annotations where no entry matches", () => {
    const other = entry("skip", { storageClass: ["other"] });
    assert.equal(withPolicy(other, "opt-in").volumes.length, 0);
    assert.equal(withPolicy(other, "opt-in", pod(listed)).volumes.length, 1);
    assert.equal(withPolicy(other, "opt-out").volumes.length, 1);
  });

  it("judges a claim by its persistent volume, and without one by what the claim asks for", () => {
    const csi = entry("skip", { volumeTypes: ["csi"] });
    const persistentVolumes = new Map([["pv", volume({ csi: { driver: "d" } })]]);
    assert.equal(
      planVolumes(state([pod()], { persistentVolumes }), { mode: "opt-out", policy: csi }).volumes.length,
      0,
    );
    const unbound: PersistentVolumeClaim = { ...claim, spec: { storageClassName: "slow" } };
    const claims = new Map([["shop/claim", unbound]]);
    const slow = entry("skip", { storageClass: ["slow"] });
    assert.equal(planVolumes(state([pod()], { claims }), { mode: "opt-out", policy: slow }).volumes.length, 0);
  });

  it("never takes what is never backed up, even when the policy says fs-backup", () => {
    const volumes = [
      { name: "data", hostPath: { path: "/x" } },
      { name: "keys", secret: {} },
    ];
    const plan = withPolicy(entry("fs-backup"), "opt-out", pod({ spec: { volumes } }));
    assert.deepEqual([plan.volumes, plan.warnings], [[], []]);
  });
});
