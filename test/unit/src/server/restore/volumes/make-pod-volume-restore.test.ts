import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Restore } from "../../../../../../src/api/restore.ts";
import {
  makePodVolumeRestore,
  type PodVolumeRestoreRequest,
} from "../../../../../../src/server/restore/volumes/make-pod-volume-restore.ts";

function request(change: Partial<PodVolumeRestoreRequest> = {}, spec: Restore["spec"] = {}): PodVolumeRestoreRequest {
  return {
    restore: { metadata: { name: "r", namespace: "velero", uid: "restore-uid" }, spec },
    pod: { metadata: { name: "web", namespace: "new", uid: "pod-uid" } },
    snapshot: { volume: "data", snapshotId: "0123" },
    sourceNamespace: "old",
    storageLocation: "default",
    repositoryIdentifier: "s3:x/restic/old",
    ...change,
  };
}

describe("makePodVolumeRestore()", () => {
  it("writes what Velero's server writes", () => {
    const { metadata, spec } = makePodVolumeRestore(
      request({ claimUid: "claim-uid", snapshot: { volume: "data", snapshotId: "0123", sizeBytes: 5 } }),
    );
    assert.match(metadata.name ?? "", /^r-[0-9a-f]{10}$/);
    assert.equal(metadata.namespace, "velero");
    assert.deepEqual(metadata.labels, {
      "velero.io/restore-name": "r",
      "velero.io/restore-uid": "restore-uid",
      "velero.io/pod-uid": "pod-uid",
      "velero.io/pvc-uid": "claim-uid",
    });
    assert.deepEqual(metadata.ownerReferences, [
      { apiVersion: "velero.io/v1", kind: "Restore", name: "r", uid: "restore-uid", controller: true },
    ]);
    assert.deepEqual(spec, {
      pod: { kind: "Pod", namespace: "new", name: "web", uid: "pod-uid" },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: "s3:x/restic/old",
      snapshotID: "0123",
      snapshotSize: 5,
      sourceNamespace: "old",
      uploaderType: "restic",
    });
  });

  it("has a name of its own for each volume of each pod of each Restore, and always the same one", () => {
    const nameOf = (change: Partial<PodVolumeRestoreRequest>): string | undefined =>
      makePodVolumeRestore(request(change)).metadata.name;
    const names = [
      {},
      { snapshot: { volume: "logs", snapshotId: "0123" } },
      { pod: { metadata: { name: "web", namespace: "new", uid: "another" } } },
      { restore: { metadata: { name: "r", uid: "another" }, spec: {} } },
    ].map(nameOf);
    assert.equal(new Set(names).size, 4);
    assert.equal(nameOf({}), nameOf({}));
  });

  it("cuts long names of Restores, also in the label", () => {
    const long = `${"r".repeat(229)}.${"x".repeat(20)}`;
    const { metadata } = makePodVolumeRestore(request({ restore: { metadata: { name: long }, spec: {} } }));
    assert.match(metadata.name ?? "", /^r{229}-[0-9a-f]{10}$/);
    assert.equal(metadata.labels?.["velero.io/restore-name"]?.length, 63);
  });

  it("passes settings of transfers on where the Restore has any", () => {
    const settings = (uploaderConfig: Restore["spec"]["uploaderConfig"]) =>
      makePodVolumeRestore(request({}, { uploaderConfig: uploaderConfig ?? null })).spec.uploaderSettings;
    assert.equal(settings(null), undefined);
    assert.deepEqual(settings({}), { WriteSparseFiles: "false" });
    assert.deepEqual(settings({ writeSparseFiles: true, parallelFilesDownload: 4 }), {
      WriteSparseFiles: "true",
      ParallelFilesDownload: "4",
    });
  });
});
