import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import type { Restore } from "../../../../../src/api/restore.ts";
import {
  type DeletionSubject,
  hasStoredNothing,
  isUnfinished,
  refusalOf,
} from "../../../../../src/server/deletion/refuse-deletion.ts";

const backup = (status: Backup["status"] = { phase: "Completed", startTimestamp: "2026-01-01T00:00:00Z" }): Backup => ({
  metadata: { name: "b", uid: "u-1" },
  spec: { storageLocation: "default" },
  ...(status === undefined ? {} : { status }),
});

const location = (
  status: BackupStorageLocation["status"] = { phase: "Available" },
  accessMode: "ReadOnly" | "ReadWrite" = "ReadWrite",
): BackupStorageLocation => ({
  metadata: { name: "default" },
  spec: { provider: "aws", objectStorage: { bucket: "b" }, accessMode },
  ...(status === undefined ? {} : { status }),
});

const request = { metadata: { name: "r" }, spec: { backupName: "b" } };
const sound: DeletionSubject = { request, backup: backup(), location: location(), restores: [] };

const restore = (phase: string): Restore =>
  ({ metadata: { name: "one" }, spec: { backupName: "b" }, status: { phase } }) as Restore;

describe("refusalOf", () => {
  it("lets a Backup be deleted that has ended, however it did, or whose deletion has begun", () => {
    for (const phase of ["Completed", "PartiallyFailed", "Failed", "Deleting"] as const) {
      const subject = { ...sound, backup: backup({ phase, startTimestamp: "2026-01-01T00:00:00Z" }) };
      assert.equal(refusalOf(subject), undefined, phase);
    }
  });

  it("refuses a Backup that has not ended", () => {
    for (const phase of ["", "New", "Queued", "InProgress", "Finalizing", "WaitingForPluginOperations"] as const) {
      assert.match(refusalOf({ ...sound, backup: backup({ phase }) }) ?? "", /Backup b is still in progress/, phase);
    }
  });

  it("refuses a request that was made for an earlier Backup of the same name", () => {
    const labelled = (uid: string) => ({
      ...request,
      metadata: { name: "r", labels: { "velero.io/backup-uid": uid } },
    });
    assert.match(
      refusalOf({ ...sound, request: labelled("u-0") }) ?? "",
      /for an earlier Backup that was called b, too/,
    );
    assert.equal(refusalOf({ ...sound, request: labelled("u-1") }), undefined);
    assert.equal(refusalOf({ ...sound, request: labelled("") }), undefined);
  });

  it("refuses while a Restore reads the Backup", () => {
    for (const phase of ["", "New", "InProgress", "Finalizing"])
      assert.match(refusalOf({ ...sound, restores: [restore(phase)] }) ?? "", /Restore one still reads the Backup/);
    assert.equal(refusalOf({ ...sound, restores: [restore("PartiallyFailed")] }), undefined);
  });

  it("refuses where the location is gone, read-only or unavailable, and waits while it is being validated", () => {
    assert.match(refusalOf({ ...sound, location: undefined }) ?? "", /BackupStorageLocation "default" does not exist/);
    assert.match(refusalOf({ ...sound, location: location(undefined, "ReadOnly") }) ?? "", /is read-only/);
    const away = location({ phase: "Unavailable", message: "no such bucket" });
    assert.match(refusalOf({ ...sound, location: away }) ?? "", /is unavailable: no such bucket/);
    assert.equal(refusalOf({ ...sound, location: location({}) }), "wait");
  });

  it("needs no location for a Backup that was refused: nothing of it is stored", () => {
    const refused = backup({ phase: "FailedValidation" });
    assert.equal(refusalOf({ ...sound, backup: refused, location: undefined }), undefined);
    const begun = backup({ phase: "Deleting" });
    assert.equal(refusalOf({ ...sound, backup: begun, location: undefined }), undefined, "nor when that has begun");
  });
});

describe("hasStoredNothing and isUnfinished", () => {
  it("tell a Backup that waits from one that was refused", () => {
    assert.deepEqual([hasStoredNothing(backup({})), isUnfinished(backup({}))], [false, true]);
    const refused = backup({ phase: "FailedValidation" });
    assert.deepEqual([hasStoredNothing(refused), isUnfinished(refused)], [true, false]);
    assert.equal(hasStoredNothing(backup()), false);
    const foreign = { ...refused, metadata: { name: "b", annotations: { "stowage.dev/synced-from": "default" } } };
    assert.equal(hasStoredNothing(foreign), false);
  });
});
