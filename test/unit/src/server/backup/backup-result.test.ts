import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumeBackup, PodVolumeBackupStatus } from "../../../../../src/api/pod-volume-backup.ts";
import { planRecord } from "../../../../../src/server/backup/backup-messages.ts";
import { allEnded, backupResult } from "../../../../../src/server/backup/backup-result.ts";

function volumeBackup(status: PodVolumeBackupStatus, annotations: Record<string, string> = {}): PodVolumeBackup {
  return {
    metadata: { name: "b-1", annotations },
    spec: {
      node: "n",
      pod: { namespace: "shop", name: "app" },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: "",
    },
    status,
  };
}

describe("allEnded", () => {
  it("is true of an empty list and false while one has not reached an end phase", () => {
    assert.equal(allEnded([]), true);
    assert.equal(
      allEnded([
        volumeBackup({ phase: "Completed" }),
        volumeBackup({ phase: "Failed" }),
        volumeBackup({ phase: "Canceled" }),
      ]),
      true,
    );
    for (const phase of ["", "New", "InProgress", "Canceling", "Accepted"] as const)
      assert.equal(allEnded([volumeBackup({ phase })]), false);
  });
});

describe("backupResult", () => {
  it("is Completed without errors; warnings do not change that", () => {
    const result = backupResult(planRecord(1, ["a"], []), [
      volumeBackup({ phase: "Completed" }, { "stowage.dev/warnings": "[]" }),
    ]);
    assert.deepEqual(result, { phase: "Completed", errors: 0, warnings: 2, message: "" });
  });

  it("is PartiallyFailed with the reasons of the failed volumes and of the plan", () => {
    const result = backupResult(planRecord(1, [], ["no agent"]), [
      volumeBackup({ phase: "Failed", message: "wrong password" }),
    ]);
    assert.deepEqual([result.phase, result.errors], ["PartiallyFailed", 2]);
    assert.match(result.message, /no agent; volume data of pod shop\/app: wrong password/);
  });

  it("counts unfinished volumes after a time-out and volumes whose resource has vanished", () => {
    const result = backupResult(planRecord(3, [], []), [volumeBackup({ phase: "InProgress" })], "4h0m0s");
    assert.equal(result.errors, 3);
    assert.match(result.message, /not finished after 4h0m0s.*2 PodVolumeBackups were deleted/);
  });
});
