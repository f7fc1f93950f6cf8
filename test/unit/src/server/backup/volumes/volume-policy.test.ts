import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim, Volume } from "../../../../../../src/api/core.ts";
import {
  actionOf,
  type PolicyConditions,
  type VolumeFacts,
} from "../../../../../../src/server/backup/volumes/volume-policy.ts";

const claim = (changes: Partial<PersistentVolumeClaim> = {}): PersistentVolumeClaim => ({
  metadata: { name: "data", namespace: "shop", labels: { tier: "gold", app: "db" } },
  spec: { volumeName: "pv", storageClassName: "slow" },
  status: { phase: "Bound" },
  ...changes,
});

/** A pod's volume with a claim that is bound to a persistent volume. */
const bound = (spec: NonNullable<PersistentVolume["spec"]>): VolumeFacts => ({
  volume: { name: "data", persistentVolumeClaim: { claimName: "data" } },
  claim: claim(),
  persistentVolume: { metadata: { name: "pv" }, spec },
});

const inPod = (volume: Omit<Volume, "name">): VolumeFacts => ({
  volume: { name: "data", ...volume },
  claim: undefined,
  persistentVolume: undefined,
});

const matches = (conditions: PolicyConditions, facts: VolumeFacts): boolean =>
  actionOf({ entries: [{ conditions, action: "skip" }] }, facts) === "skip";

describe("actionOf", () => {
  it("takes the first entry whose conditions all hold, and none when no entry does", () => {
    const policy = {
      entries: [
        { conditions: { storageClass: ["fast"], volumeTypes: ["nfs"] }, action: "skip" },
        { conditions: { storageClass: ["fast"] }, action: "fs-backup" },
        { conditions: { storageClass: ["fast", "slow"] }, action: "snapshot" },
      ],
    } as const;
    const csi = { csi: { driver: "d" } };
    assert.equal(actionOf(policy, bound({ storageClassName: "fast", ...csi })), "fs-backup");
    assert.equal(actionOf(policy, bound({ storageClassName: "slow", ...csi })), "snapshot");
    assert.equal(actionOf(policy, bound({ storageClassName: "other", ...csi })), undefined);
    assert.equal(actionOf(policy, bound({ storageClassName: "fast", nfs: { server: "s", path: "/" } })), "skip");
  });

  it("matches everything without conditions", () => {
    assert.ok(matches({}, inPod({ emptyDir: {} })));
    assert.ok(matches({}, bound({})));
  });

  it("compares capacity with both ends included, open where one is absent", () => {
    const of = (storage: string): VolumeFacts => bound({ capacity: { storage } });
    const between = { lowest: 2 ** 30, highest: 2 ** 33 };
    for (const [size, isIn] of [
      ["1Gi", true],
      ["8Gi", true],
      ["1023Mi", false],
      ["8193Mi", false],
      ["5e9", true],
    ] as const)
      assert.equal(matches({ capacity: between }, of(size)), isIn, size);
    assert.ok(matches({ capacity: { lowest: 2 ** 30 } }, of("900Ti")));
    assert.ok(!matches({ capacity: { lowest: 2 ** 30 } }, of("1Mi")));
    assert.ok(matches({ capacity: { highest: 2 ** 30 } }, of("1Mi")));
  });

  it("counts a volume of unknown size as empty", () => {
    assert.ok(matches({ capacity: { highest: 1 } }, inPod({ emptyDir: {} })));
    assert.ok(!matches({ capacity: { lowest: 1 } }, inPod({ emptyDir: {} })));
  });

  it("takes the storage class of the persistent volume, of a claim that is not bound the one that it asks for", () => {
    assert.ok(matches({ storageClass: ["fast"] }, bound({ storageClassName: "fast" })));
    assert.ok(!matches({ storageClass: ["slow"] }, bound({ storageClassName: "fast" })));
    assert.ok(matches({ storageClass: ["slow"] }, { ...bound({}), persistentVolume: undefined }));
    assert.ok(!matches({ storageClass: ["slow"] }, inPod({ emptyDir: {} })));
  });

  it("compares NFS servers and paths where they are given", () => {
    const nfs = { server: "10.0.0.1", path: "/export" };
    for (const facts of [bound({ nfs }), inPod({ nfs })]) {
      assert.ok(matches({ nfs: {} }, facts));
      assert.ok(matches({ nfs: { server: "10.0.0.1" } }, facts));
      assert.ok(matches({ nfs: { path: "/export" } }, facts));
      assert.ok(matches({ nfs }, facts));
      assert.ok(!matches({ nfs: { server: "10.0.0.2", path: "/export" } }, facts));
      assert.ok(!matches({ nfs: { server: "10.0.0.1", path: "/other" } }, facts));
    }
    assert.ok(!matches({ nfs: {} }, bound({ csi: { driver: "d" } })));
  });

  it("compares CSI drivers and the attributes that are named", () => {
    const csi = { driver: "d", volumeAttributes: { protocol: "nfs", zone: "a" } };
    for (const facts of [bound({ csi }), inPod({ csi })]) {
      assert.ok(matches({ csi: {} }, facts));
      assert.ok(matches({ csi: { driver: "d" } }, facts));
      assert.ok(matches({ csi: { driver: "d", volumeAttributes: { zone: "a" } } }, facts));
      assert.ok(!matches({ csi: { driver: "e" } }, facts));
      assert.ok(!matches({ csi: { driver: "d", volumeAttributes: { zone: "b" } } }, facts));
      assert.ok(!matches({ csi: { driver: "d", volumeAttributes: { none: "" } } }, facts));
    }
    assert.ok(!matches({ csi: {} }, inPod({ emptyDir: {} })));
    assert.ok(!matches({ csi: { driver: "d", volumeAttributes: { a: "b" } } }, bound({ csi: { driver: "d" } })));
  });

  it("knows the type of a persistent volume, and of a volume in the pod", () => {
    assert.ok(matches({ volumeTypes: ["nfs", "csi"] }, bound({ csi: { driver: "d" } })));
    assert.ok(!matches({ volumeTypes: ["emptyDir"] }, bound({ csi: { driver: "d" } })));
    assert.ok(matches({ volumeTypes: ["emptyDir"] }, inPod({ emptyDir: {} })));
    const storageOs = bound({ storageos: {} } as unknown as PersistentVolume["spec"] & object);
    assert.ok(matches({ volumeTypes: ["storageOS"] }, storageOs));
  });

  it("finds a generic ephemeral volume by its own type and by that of its persistent volume", () => {
    const facts = { ...bound({ csi: { driver: "d" } }), volume: { name: "data", ephemeral: {} } };
    assert.ok(matches({ volumeTypes: ["ephemeral"] }, facts));
    assert.ok(matches({ volumeTypes: ["csi"] }, facts));
  });

  it("wants all labels of a claim that are named, and one of the phases", () => {
    assert.ok(matches({ pvcLabels: { tier: "gold" } }, bound({})));
    assert.ok(!matches({ pvcLabels: { tier: "gold", app: "web" } }, bound({})));
    assert.ok(!matches({ pvcLabels: { tier: "gold" } }, inPod({ emptyDir: {} })));
    assert.ok(matches({ pvcPhase: ["Lost", "Bound"] }, bound({})));
    assert.ok(!matches({ pvcPhase: ["Pending"] }, bound({})));
    assert.ok(!matches({ pvcPhase: ["Pending"] }, inPod({ emptyDir: {} })));
  });
});
