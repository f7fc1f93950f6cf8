import assert from "node:assert/strict";
import { test } from "node:test";
import { completedRestore, failedRestore, restoreRefusal } from "../../../../agent/pod-volume-restore/status.ts";
import type { Pod } from "../../../../src/api/core.ts";
import type { PodVolumeRestore } from "../../../../src/api/pod-volume-restore.ts";

const nowMs = Date.UTC(2024, 0, 1);
const result = { totalBytes: 9, fileCount: 1, warnings: [], warningCount: 0, skippedDevices: 0 };
const restore = (spec: object = {}) =>
  ({ metadata: { name: "r" }, spec: { pod: { namespace: "app", name: "web" }, ...spec } }) as PodVolumeRestore;
const pod = (state: object): Pod => ({
  metadata: { name: "web" },
  spec: { containers: [], initContainers: [{ name: "restore-wait" }] },
  status: { initContainerStatuses: [{ name: "restore-wait", state }] },
});

test("a complete restore has equal numbers and the node", () => {
  assert.deepEqual(completedRestore(result, "n1", nowMs).status, {
    phase: "Completed",
    completionTimestamp: "2024-01-01T00:00:00Z",
    node: "n1",
    progress: { totalBytes: 9, bytesDone: 9 },
  });
});

test("device nodes that were left out are reported", () => {
  const warnings = [{ path: "/dev0", kind: "device", message: "left out", isError: false }] as const;
  const end = completedRestore({ ...result, skippedDevices: 1, warnings, warningCount: 1 }, "n1", nowMs);
  assert.match(end.status.message ?? "", /1 device nodes were left out \(--restore-devices/);
  assert.ok(end.annotations?.["stowage.dev/warnings"]);
});

test("a restore that an earlier process had finished keeps the numbers that are there", () => {
  assert.equal("progress" in completedRestore(undefined, "n1", nowMs).status, false);
});

test("a failure says why", () => {
  assert.equal(failedRestore(new Error("why"), nowMs).status.message, "why");
});

test("what can never be restored is refused: pod gone, restore-wait over, kopia, cancelled", () => {
  const running = pod({ running: {} });
  assert.equal(restoreRefusal(restore(), running, false), undefined);
  assert.equal(restoreRefusal(restore({ uploaderType: "kopia" }), undefined, false), undefined);
  assert.equal(restoreRefusal(restore(), undefined, true)?.reason, "pod-missing");
  assert.equal(restoreRefusal(restore(), pod({ terminated: { exitCode: 0 } }), false)?.reason, "restore-wait-ended");
  assert.equal(restoreRefusal(restore(), pod({ terminated: { exitCode: 2 } }), false), undefined);
  assert.equal(restoreRefusal(restore({ uploaderType: "kopia" }), running, false)?.reason, "uploader-unsupported");
  assert.equal(restoreRefusal(restore({ cancel: true }), running, false)?.reason, "cancelled");
});
