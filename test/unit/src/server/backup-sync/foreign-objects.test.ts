import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../../../../src/api/pod-volume-backup.ts";
import {
  foreignBackup,
  foreignVolumeBackup,
  isUnfinished,
  isVolumeBackup,
} from "../../../../../src/server/backup-sync/foreign-objects.ts";

const place = { namespace: "velero", location: "here" };
const nowMs = Date.UTC(2026, 5, 1);

function stored(status: Backup["status"]): Backup {
  return { metadata: { name: "b", uid: "theirs" }, spec: { storageLocation: "there" }, ...{ status } } as Backup;
}

function volume(status: PodVolumeBackup["status"]): PodVolumeBackup {
  const spec = { node: "n", pod: {}, volume: "data", backupStorageLocation: "there", repoIdentifier: "" };
  return { metadata: { name: "v" }, spec, ...{ status } } as PodVolumeBackup;
}

describe("a stored Backup", () => {
  it("is unfinished while it has no end phase and its time is not over", () => {
    const [past, future] = ["2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"];
    for (const phase of ["Completed", "PartiallyFailed", "Failed", "FailedValidation"] as const) {
      assert.equal(isUnfinished(stored({ phase }), nowMs), false, phase);
    }
    for (const phase of ["New", "InProgress", "Finalizing", "WaitingForPluginOperations", "Deleting", ""] as const) {
      assert.equal(isUnfinished(stored({ phase }), nowMs), true, phase);
      assert.equal(isUnfinished(stored({ phase, expiration: future }), nowMs), true, phase);
      assert.equal(isUnfinished(stored({ phase, expiration: past }), nowMs), false, phase);
    }
    assert.equal(isUnfinished(stored(undefined), nowMs), true);
  });

  it("never becomes one that somebody here would begin or go on with", () => {
    for (const phase of ["New", "", "InProgress", "Finalizing", "Deleting"] as const) {
      assert.equal(foreignBackup(stored({ phase }), place, []).status?.phase, "PartiallyFailed", phase);
    }
    assert.equal(foreignBackup(stored({ phase: "Failed", errors: 2 }), place, []).status?.errors, 2);
    assert.deepEqual(foreignBackup(stored({ phase: "Completed" }), place, []).metadata, {
      name: "b",
      namespace: "velero",
      labels: { "velero.io/storage-location": "here" },
      annotations: { "stowage.dev/synced-from": "here", "stowage.dev/volumes-to-sync": "true" },
      ownerReferences: [],
    });
  });
});

describe("a stored PodVolumeBackup", () => {
  const backup: Backup = { metadata: { name: "b", uid: "ours" }, spec: {} };

  it("keeps the status of its end, and has failed where it has none", () => {
    for (const phase of ["Completed", "Failed", "Canceled"] as const) {
      assert.deepEqual(foreignVolumeBackup(volume({ phase, snapshotID: "1" }), place, backup).status, {
        phase,
        snapshotID: "1",
      });
    }
    for (const phase of ["New", "", "Accepted", "Prepared", "InProgress", "Canceling", "Invented"] as const) {
      const { status } = foreignVolumeBackup(volume({ phase: phase as "New" }), place, backup);
      assert.deepEqual(
        [status?.phase, status?.message],
        ["Failed", "the Backup was stored before this volume had ended"],
      );
    }
    assert.equal(foreignVolumeBackup(volume(undefined), place, backup).status?.phase, "Failed");
  });

  it("is what has a name and a spec", () => {
    assert.equal(isVolumeBackup(volume({})), true);
    for (const value of [null, undefined, 1, "x", [], {}, { metadata: {} }, { metadata: { name: 1 }, spec: {} }]) {
      assert.equal(isVolumeBackup(value), false, JSON.stringify(value));
    }
    assert.equal(isVolumeBackup({ metadata: { name: "v" }, spec: null }), false);
  });
});
