import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import { volumeFate } from "../../../../../../src/server/restore/objects/volume-fate.ts";

const volume = { name: "pv-1", claim: { namespace: "shop", name: "data" }, reclaimPolicy: "Retain" };

function volumeBackup(namespace: string, claim: string): PodVolumeBackup {
  return {
    metadata: { name: "x", annotations: { "velero.io/pvc-name": claim } },
    spec: { node: "n", pod: { namespace, name: "web" }, volume: "v", backupStorageLocation: "d", repoIdentifier: "" },
  };
}

describe("volumeFate", () => {
  it("provisions anew what an agent backed up, found by the volume's name or else by its claim", () => {
    const entries = [{ pvName: "pv-1" }, { pvName: "", pvcNamespace: "shop", pvcName: "data" }];
    for (const entry of entries) {
      const volumeInfo = [{ pvName: "other" }, { ...entry, backupMethod: "PodVolumeBackup" }];
      assert.equal(volumeFate(volume, { volumeInfo, podVolumeBackups: [] }).isProvisionedAnew, true);
    }
  });

  it("believes the file about volumes before the PodVolumeBackups", () => {
    const podVolumeBackups = [volumeBackup("shop", "data")];
    assert.equal(volumeFate(volume, { volumeInfo: [], podVolumeBackups }).isProvisionedAnew, false);
    assert.equal(volumeFate(volume, { volumeInfo: undefined, podVolumeBackups }).isProvisionedAnew, true);
    for (const other of [volumeBackup("bank", "data"), volumeBackup("shop", "logs")]) {
      assert.equal(volumeFate(volume, { volumeInfo: undefined, podVolumeBackups: [other] }).isProvisionedAnew, false);
    }
  });

  it("keeps a volume without data only when its reclaim policy is not Delete", () => {
    const none = { volumeInfo: [{ pvName: "pv-1", backupMethod: "" }], podVolumeBackups: [] };
    assert.equal(volumeFate(volume, none).isProvisionedAnew, false);
    assert.equal(volumeFate({ ...volume, reclaimPolicy: "Delete" }, none).isProvisionedAnew, true);
  });

  it("warns of data in snapshots, which it cannot bring back", () => {
    for (const backupMethod of ["NativeSnapshot", "CSISnapshot"]) {
      const fate = volumeFate(volume, { volumeInfo: [{ pvName: "pv-1", backupMethod }], podVolumeBackups: [] });
      assert.equal(fate.isProvisionedAnew, true);
      assert.match(fate.warning ?? "", new RegExp(`${backupMethod}, which is not supported`));
    }
  });
});
