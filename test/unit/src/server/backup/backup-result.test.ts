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

const completed = volumeBackup({ phase: "Completed" });

describe("backupResult", () => {
  it("is Completed without errors; warnings do not change that", () => {
    const warned = volumeBackup({ phase: "Completed" }, { "stowage.dev/warnings": "[]" });
    assert.deepEqual(backupResult(planRecord(1, ["a"], []), [warned]), {
      phase: "Completed",
      errors: 0,
      warnings: 2,
      message: "",
      completedVolumes: 1,
      failedVolumes: 0,
    });
  });

  it("is PartiallyFailed with the reasons of the failed volumes and of the plan", () => {
    const failed = volumeBackup({ phase: "Failed", message: "wrong password" });
    const result = backupResult(planRecord(2, [], ["no agent"]), [completed, failed]);
    assert.deepEqual([result.phase, result.errors], ["PartiallyFailed", 2]);
    assert.deepEqual([result.completedVolumes, result.failedVolumes], [1, 1]);
    assert.match(result.message, /^no agent; volume data of pod shop\/app: wrong password$/);
  });

  it("counts volumes whose resource has vanished", () => {
    const result = backupResult(planRecord(3, [], []), [completed]);
    assert.deepEqual([result.phase, result.errors, result.failedVolumes], ["PartiallyFailed", 2, 2]);
    assert.match(result.message, /deleted before they ended: 2/);
  });

  it("counts a cancelled volume as failed, and says that the time was over where that was the reason", () => {
    const one = volumeBackup({ phase: "Canceled", message: "stopped" });
    const stopped = { ...one, spec: { ...one.spec, cancel: true } };
    assert.match(backupResult(planRecord(1, [], []), [stopped]).message, /shop\/app: stopped$/);
    assert.match(backupResult(planRecord(1, [], []), [stopped], "too late").message, /: too late \(stopped\)$/);
    assert.match(backupResult(planRecord(1, [], []), [one], "too late").message, /: stopped$/);
  });

  it("shows the first five reasons and how many there are besides", () => {
    const failed = Array.from({ length: 70 }, () => volumeBackup({ phase: "Failed" }));
    const errors = Array.from({ length: 60 }, (_, index) => `error ${index}`);
    const result = backupResult(planRecord(70, [], errors), failed);
    assert.equal(result.errors, 130);
    assert.match(result.message, /^error 0; error 1; error 2; error 3; error 4; and 125 more$/);
  });
});
