import assert from "node:assert/strict";
import { test } from "node:test";
import { VolumeLog } from "../../../../agent/volume-work/volume-log.ts";
import { createLogger } from "../../../../src/platform/logger.ts";

test("each change of a volume's resource is one JSON line with the same facts", () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: "info", format: "json", write: (line) => lines.push(JSON.parse(line)) });
  const volumeLog = new VolumeLog(log, "node-1", "backup");
  const object = {
    metadata: {
      name: "nightly-1",
      namespace: "velero",
      labels: { "velero.io/backup-name": "nightly" },
      annotations: { "stowage.dev/attempts": "1" },
    },
    spec: { volume: "data", pod: { namespace: "app", name: "web", uid: "u" } },
    status: { phase: "InProgress", startTimestamp: "2026-01-01T00:00:00Z" },
  } as const;
  const completionTimestamp = "2026-01-01T00:01:30Z";
  volumeLog.begun(object);
  const progress = { bytesDone: 10, totalBytes: 10 };
  const done = { phase: "Completed", completionTimestamp, progress, incrementalBytes: 4 } as const;
  volumeLog.ended(object, { status: done, reason: "" });
  const failed = { phase: "Failed", completionTimestamp, message: "disk on fire" } as const;
  volumeLog.ended({ ...object, status: { ...object.status, progress } }, { status: failed, reason: "x" });
  volumeLog.givenBack(object, "the agent was stopped");
  const same = { direction: "backup", resource: "velero/nightly-1", backup: "nightly", namespace: "app", pod: "web" };
  const expected = [
    { level: "info", msg: "volume begun", attempt: 1 },
    { level: "info", msg: "volume completed", bytes: 10, newBytes: 4, seconds: 90 },
    { level: "error", msg: "volume failed", bytes: 10, seconds: 90, message: "disk on fire", reason: "x" },
    { level: "warn", msg: "volume given back", attempt: 1, message: "the agent was stopped" },
  ];
  for (const line of lines) assert.match(String(line.time), /^\d{4}-/);
  assert.deepEqual(
    lines.map(({ time, ...line }) => line),
    expected.map((line) => ({ ...same, volume: "data", node: "node-1", ...line })),
  );
});

test("a volume that was never begun has no duration", () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: "info", format: "json", write: (line) => lines.push(JSON.parse(line)) });
  const object = { metadata: { name: "r" }, spec: { volume: "data", pod: {} } };
  const status = { phase: "Failed", completionTimestamp: "2026-01-01T00:00:00Z", message: "m" } as const;
  new VolumeLog(log, "n", "restore").ended(object, { status, reason: "pod-missing" });
  assert.equal("seconds" in (lines[0] ?? {}), false);
});
