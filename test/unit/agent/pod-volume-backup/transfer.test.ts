import assert from "node:assert/strict";
import { test } from "node:test";
import { newestCompleted } from "../../../../agent/pod-volume-backup/transfer.ts";
import type { PodVolumeBackup } from "../../../../src/api/pod-volume-backup.ts";

function backup(name: string, spec: object, status: object): PodVolumeBackup {
  return { metadata: { name }, spec: { backupStorageLocation: "default", ...spec }, status } as PodVolumeBackup;
}
const wanted = backup("new", { uploaderType: "restic" }, {});
const at = (day: number) => ({ phase: "Completed", startTimestamp: `2024-01-0${day}T00:00:00Z` });

test("the parent is the claim's newest completed backup in the same location, of restic's", () => {
  const candidates = [
    backup("old", { uploaderType: "" }, at(1)),
    backup("newest", { uploaderType: "restic" }, at(3)),
    backup("older", { uploaderType: "restic" }, at(2)),
    backup("failed", {}, { ...at(5), phase: "Failed" }),
    backup("elsewhere", { backupStorageLocation: "second" }, at(6)),
    backup("kopia", { uploaderType: "kopia" }, at(7)),
  ];
  assert.equal(newestCompleted(candidates, wanted)?.metadata.name, "newest");
});

test("without a completed one there is no parent", () => {
  assert.equal(newestCompleted([backup("failed", {}, { phase: "Failed" })], wanted), undefined);
});
