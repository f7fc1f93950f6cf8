import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import { makePodVolumeBackup } from "../../../../../src/server/backup/make-pod-volume-backup.ts";
import type { PlannedVolume } from "../../../../../src/server/backup/volumes/plan-volumes.ts";

const backup: Backup = { metadata: { name: "nightly", namespace: "velero", uid: "b-uid" }, spec: {} };
const planned: PlannedVolume = {
  pod: { metadata: { name: "app", namespace: "shop", uid: "p-uid" }, spec: { containers: [] } },
  node: "n1",
  volume: { name: "data" },
  claim: { metadata: { name: "claim", uid: "c-uid" } },
};
const request = {
  backup,
  planned,
  storageLocation: "default",
  repositoryIdentifier: "s3:http://store/bucket/restic/shop",
};

describe("makePodVolumeBackup", () => {
  it("fills labels, owner, tags and spec as Velero's server does, and no status", () => {
    const made = makePodVolumeBackup(request);
    assert.match(made.metadata.name ?? "", /^nightly-[0-9a-f]{10}$/);
    assert.equal(made.metadata.generateName, "nightly-");
    assert.deepEqual(made.metadata.labels, {
      "velero.io/backup-name": "nightly",
      "velero.io/backup-uid": "b-uid",
      "velero.io/pvc-uid": "c-uid",
    });
    assert.deepEqual(made.metadata.annotations, { "velero.io/pvc-name": "claim" });
    assert.deepEqual(made.metadata.ownerReferences, [
      { apiVersion: "velero.io/v1", kind: "Backup", name: "nightly", uid: "b-uid", controller: true },
    ]);
    assert.deepEqual(made.spec, {
      node: "n1",
      pod: { kind: "Pod", namespace: "shop", name: "app", uid: "p-uid" },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: "s3:http://store/bucket/restic/shop",
      uploaderType: "restic",
      tags: {
        backup: "nightly",
        "backup-uid": "b-uid",
        pod: "app",
        "pod-uid": "p-uid",
        ns: "shop",
        volume: "data",
        "pvc-uid": "c-uid",
      },
    });
    assert.equal(made.status, undefined);
  });

  it("gives the same volume of the same Backup the same name, and another volume another one", () => {
    const other = makePodVolumeBackup({ ...request, planned: { ...planned, volume: { name: "logs" } } });
    assert.equal(makePodVolumeBackup(request).metadata.name, makePodVolumeBackup(request).metadata.name);
    assert.notEqual(other.metadata.name, makePodVolumeBackup(request).metadata.name);
  });

  it("leaves out what volumes without a claim do not have, and shortens long names in labels", () => {
    const long = "n".repeat(80);
    const made = makePodVolumeBackup({
      ...request,
      backup: { ...backup, metadata: { ...backup.metadata, name: long } },
      planned: { ...planned, claim: undefined },
    });
    assert.equal(made.metadata.annotations, undefined);
    assert.equal("pvc-uid" in (made.spec.tags ?? {}), false);
    assert.equal(made.metadata.labels?.["velero.io/backup-name"]?.length, 63);
  });

  it("cuts a Backup's long name where a name may end", () => {
    const name = `${"n".repeat(229)}.tail`;
    const made = makePodVolumeBackup({ ...request, backup: { ...backup, metadata: { ...backup.metadata, name } } });
    assert.match(made.metadata.name ?? "", /^n{229}-[0-9a-f]{10}$/);
    assert.equal(made.spec.tags?.backup, name);
  });

  it("passes the parallel count on when the Backup has one", () => {
    const made = makePodVolumeBackup({
      ...request,
      backup: { ...backup, spec: { uploaderConfig: { parallelFilesUpload: 8 } } },
    });
    assert.deepEqual(made.spec.uploaderSettings, { ParallelFilesUpload: "8" });
  });
});
