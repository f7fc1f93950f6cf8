import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import {
  skippedVolumeInfo,
  takenVolumeInfo,
  volumeInfos,
} from "../../../../../../src/server/backup/run/volume-info.ts";

const claim: PersistentVolumeClaim = {
  metadata: { namespace: "app", name: "claim" },
  spec: { volumeName: "pv-1" },
};
const persistentVolume: PersistentVolume = {
  metadata: { name: "pv-1", labels: { tier: "fast" } },
  spec: { persistentVolumeReclaimPolicy: "Delete" },
};
const taken: PodVolumeBackup = {
  metadata: { name: "b-1" },
  spec: {
    ...{ node: "n1", volume: "data", backupStorageLocation: "default", repoIdentifier: "r" },
    pod: { kind: "Pod", namespace: "app", name: "web", uid: "u" },
  },
  status: { phase: "Completed", snapshotID: "01234567", incrementalBytes: 3, progress: { totalBytes: 10 } },
};
const pod = { metadata: { namespace: "app", name: "web" } };

describe("takenVolumeInfo", () => {
  it("has what a restore needs to provision the volume anew", () => {
    const info = takenVolumeInfo(taken, { claim, persistentVolume });
    assert.deepEqual(
      [info.pvcNamespace, info.pvcName, info.pvName, info.backupMethod, info.skipped, info.result],
      ["app", "claim", "pv-1", "PodVolumeBackup", false, "succeeded"],
    );
    assert.deepEqual(info.pvInfo, { reclaimPolicy: "Delete", labels: { tier: "fast" } });
    const { pvbInfo } = info;
    assert.deepEqual([pvbInfo?.uploaderType, pvbInfo?.size, pvbInfo?.incrementalSize], ["restic", 10, 3]);
  });

  it("has no snapshot where the volume was empty or failed", () => {
    const empty = takenVolumeInfo({ ...taken, status: { phase: "Completed", snapshotID: "" } }, {});
    assert.equal("snapshotHandle" in (empty.pvbInfo ?? {}), false);
    assert.equal(empty.result, "succeeded");
    const failed = takenVolumeInfo({ ...taken, status: { phase: "Failed", startTimestamp: null } }, {});
    assert.deepEqual([failed.result, failed.pvbInfo?.Phase, "startTimestamp" in failed], ["failed", "Failed", false]);
  });

  it("names no claim for a volume that lives in its pod", () => {
    const info = takenVolumeInfo(taken, {});
    for (const name of ["pvcName", "pvName", "pvInfo"]) assert.equal(name in info, false, name);
  });
});

describe("volumeInfos", () => {
  it("has one entry for a claim that one pod brought and another did not", () => {
    const other = { metadata: { namespace: "app", name: "other" } };
    const reason = "said no";
    const infos = volumeInfos(
      [takenVolumeInfo(taken, { claim, persistentVolume })],
      [skippedVolumeInfo({ pod: other, volume: "data", claim, persistentVolume, reason })],
    );
    assert.deepEqual(
      infos.map(({ skipped }) => skipped),
      [false],
    );
  });

  it("says once why a claim is left out, with the first reason, and keeps all volumes without one", () => {
    const skip = (volume: string, from: PersistentVolumeClaim | undefined, reason: string) =>
      skippedVolumeInfo({ pod, volume, claim: from, persistentVolume: undefined, reason });
    const infos = volumeInfos(
      [],
      [
        skip("data", claim, "first"),
        skip("again", claim, "second"),
        skip("cache", undefined, "third"),
        skip("logs", undefined, "fourth"),
        skippedVolumeInfo({ volume: "", claim, persistentVolume, reason: "nobody uses it" }),
      ],
    );
    assert.deepEqual(
      infos.map(({ pvcName, pvbInfo, skippedReason }) => [pvcName, pvbInfo?.volumeName, skippedReason]),
      [
        ["claim", "data", "first"],
        [undefined, "cache", "third"],
        [undefined, "logs", "fourth"],
      ],
    );
  });
});
