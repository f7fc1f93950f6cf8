import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BackupResult,
  backupRefusal,
  completedBackup,
  failedBackup,
} from "../../../../agent/pod-volume-backup/status.ts";
import type { PodVolumeBackup } from "../../../../src/api/pod-volume-backup.ts";

const seconds = { findingParent: 0, loadingIndex: 0, saving: 1, storingPacks: 0, storingIndex: 0, endingThreads: 0 };
const report: BackupResult["report"] = {
  bytesRead: 60,
  bytesNew: 40,
  bytesStored: 30,
  entries: { files: 3, directories: 0, symlinks: 0, devices: 0, fifos: 0, sockets: 0, hardLinks: 0 },
  excludedCount: 0,
  traffic: undefined,
  stageSeconds: { ...seconds, storingSnapshot: 0 },
  threadSeconds: { reading: 0, sealing: 0 },
  waitSeconds: { threads: 0, store: 0 },
  openingSeconds: 0,
  lockingSeconds: 0,
};
const nowMs = Date.UTC(2024, 0, 1);
const result: BackupResult = {
  path: "/host_pods/u/volumes/p/data",
  snapshotId: "0a1b2c3d",
  isEmpty: false,
  totalBytes: 100,
  addedBytes: 40,
  fileCount: 3,
  warnings: [],
  warningCount: 0,
  report,
  settings: { exclude: [], crossMounts: false, timeoutMs: Infinity, stallTimeoutMs: 1_800_000, origins: {} },
};
const backup = (spec: object) => ({ metadata: { name: "x" }, spec }) as PodVolumeBackup;

test("a complete backup has path, snapshot, equal numbers and no message", () => {
  const end = completedBackup(result, nowMs);
  assert.deepEqual(end.status, {
    phase: "Completed",
    path: result.path,
    snapshotID: "0a1b2c3d",
    completionTimestamp: "2024-01-01T00:00:00Z",
    progress: { totalBytes: 100, bytesDone: 100 },
    incrementalBytes: 40,
  });
  assert.deepEqual(Object.keys(end.annotations ?? {}), ["stowage.dev/report"]);
  assert.equal(JSON.parse(end.annotations?.["stowage.dev/report"] ?? "").bytesRead, 60);
});

test("an empty volume is complete with Velero's remark", () => {
  const end = completedBackup({ ...result, isEmpty: true, snapshotId: "" }, nowMs);
  assert.equal(end.status.snapshotID, "");
  assert.equal(end.status.message, "volume was empty so no snapshot was taken");
});

test("warnings are counted by kind in the message and listed in the annotation", () => {
  const warnings = [
    { path: "/a", kind: "changed", message: "changed while it was read" },
    { path: "/b", kind: "unreadable", message: "permission denied" },
    { path: "/c", kind: "changed", message: "changed while it was read" },
  ] as const;
  const end = completedBackup({ ...result, warnings, warningCount: 3 }, nowMs);
  assert.equal(end.status.phase, "Completed");
  assert.match(end.status.message ?? "", /3 warnings \(2 changed, 1 unreadable\); the first: \/a: changed/);
  assert.deepEqual(JSON.parse(end.annotations?.["stowage.dev/warnings"] ?? ""), warnings);
});

test("what annotations left out is in the message, and what they asked for in an annotation", () => {
  const exclude = "annotation stowage.dev/exclude of claim app/data";
  const settings = { ...result.settings, exclude: ["*.tmp"], origins: { exclude } };
  const end = completedBackup({ ...result, settings, report: { ...report, excludedCount: 7 } }, nowMs);
  assert.equal(end.status.message, `7 entries were left out, see the ${exclude}`);
  const noted = JSON.parse(end.annotations?.["stowage.dev/volume-settings"] ?? "");
  assert.deepEqual(noted, { exclude: ["*.tmp"], from: { exclude } });
  const nothingLeft = { ...result, settings, isEmpty: true, report: { ...report, excludedCount: 7 } };
  assert.match(
    completedBackup(nothingLeft, nowMs).status.message ?? "",
    /no snapshot was taken: 7 entries were left out/,
  );
  const byDefault = completedBackup({ ...result, report: { ...report, excludedCount: 1 } }, nowMs);
  assert.equal(byDefault.status.message, undefined, "lost+found is nobody's wish");
});

test("a failed backup has no snapshot", () => {
  const end = failedBackup(new Error("why"), nowMs);
  assert.deepEqual(Object.keys(end.status).sort(), ["completionTimestamp", "message", "phase"]);
});

test("restic's uploader and none at all are accepted, kopia's is refused, a cancelled one too", () => {
  assert.equal(backupRefusal(backup({ uploaderType: "" }), nowMs), undefined);
  assert.equal(backupRefusal(backup({ uploaderType: "restic" }), nowMs), undefined);
  assert.equal(backupRefusal(backup({}), nowMs), undefined);
  assert.match(backupRefusal(backup({ uploaderType: "kopia" }), nowMs)?.status.message ?? "", /kopia is not supported/);
  assert.equal(backupRefusal(backup({ cancel: true }), nowMs)?.reason, "cancelled");
});
