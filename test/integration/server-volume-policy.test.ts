// Volume policies on the real control plane: which volumes a Backup takes and what it says of the others.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";
import { StoredBackup } from "../support/stored-backup.ts";

describe("a Backup with a volume policy", { timeout: 120_000 }, () => {
  let rig: ServerRig;

  const makePolicy = async (name: string, text: string): Promise<void> =>
    void (await rig.controlPlane.must("POST", "/api/v1/namespaces/velero/configmaps", {
      metadata: { name },
      data: { policy: text },
    }));

  before(async () => {
    rig = await startServerRig();
    await rig.makeLocation("default", { default: true });
    await rig.makeAgentPod("node-1");
    for (const [name, storageClassName, storage] of [
      ["small", "fast", "1Gi"],
      ["big", "fast", "200Gi"],
      ["slow", "slow", "1Gi"],
    ] as const) {
      const spec = { csi: { driver: "test.csi", volumeHandle: name }, storageClassName, capacity: { storage } };
      await rig.makeClaim({ namespace: "shop", name, volume: spec });
    }
    const volumes = [
      ...["small", "big", "slow"].map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
      { name: "cache", emptyDir: {} },
      { name: "share", nfs: { server: "10.0.0.1", path: "/export" } },
    ];
    // The list asks for less, and for more, than the policy lets it have.
    await rig.makePod({
      ...{ namespace: "shop", name: "web", volumes },
      annotations: { "backup.velero.io/backup-volumes": "cache,share" },
    });
    await rig.startServer();
  });

  after(async () => await rig?.stop());

  it("takes what the policy says, then what annotations list, and tells why the others are left", async () => {
    await makePolicy(
      "by-size",
      `
version: v1
volumePolicies:
- conditions: { volumeTypes: [emptyDir] }
  action: { type: skip }
- conditions: { capacity: "100Gi,", storageClass: [fast] }
  action: { type: snapshot }
- conditions: { storageClass: [fast], csi: { driver: test.csi } }
  action: { type: fs-backup }
`,
    );
    const resourcePolicy = { kind: "configmap", name: "by-size" };
    await rig.makeBackup("sized", { spec: { includedNamespaces: ["shop"], resourcePolicy } });
    await rig.backupPlanned("sized");
    assert.deepEqual(await rig.volumesOf("sized"), ["web/share", "web/small"]);
    await rig.settle("sized");
    const { status } = await rig.backupEnd("sized");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    const stored = new StoredBackup(join(rig.folder, "default", "bucket"), "sized");
    assert.match(JSON.stringify(stored.results), /volume big of pod shop\/web is skipped: .* wants a snapshot/);
    const reasons = stored.volumeInfo
      .filter(({ skipped }) => skipped)
      .map(({ pvcName, pvbInfo, skippedReason }) => [pvcName ?? pvbInfo?.volumeName, skippedReason]);
    assert.deepEqual(Object.fromEntries(reasons), {
      cache: "its volume policy says skip",
      big: "its volume policy wants a snapshot, and this server takes none yet; say fs-backup or skip",
      slow: "the pod's annotation backup.velero.io/backup-volumes does not list it",
    });
  });

  it("is refused when the policy is not one, with all that is wrong with it", async () => {
    await makePolicy("broken", "version: v1\nvolumePolicies:\n- conditions: { size: 1Gi }\n  action: { type: drop }\n");
    const resourcePolicy = { kind: "configmap", name: "broken" };
    await rig.makeBackup("broken", { spec: { includedNamespaces: ["shop"], resourcePolicy } });
    const { status } = await rig.backupEnd("broken");
    assert.equal(status?.phase, "FailedValidation");
    assert.match(status?.validationErrors?.join("\n") ?? "", /velero\/broken: .*unknown key "size"/);
    assert.match(status?.validationErrors?.join("\n") ?? "", /velero\/broken: .*action.type is "drop"/);
  });
});
