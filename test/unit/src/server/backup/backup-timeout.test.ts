import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import type { BackupSettings } from "../../../../../src/server/backup/backup-context.ts";
import { backupTimeout } from "../../../../../src/server/backup/backup-timeout.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";

const settings = { fsBackupTimeoutMs: 60_000 } as BackupSettings;
const clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 0, 30));

function backup(timeout?: string): Backup {
  const annotations = timeout === undefined ? {} : { "velero.io/pod-volume-timeout": timeout };
  return { metadata: { name: "b", annotations }, spec: {}, status: { startTimestamp: "2026-01-01T12:00:00Z" } };
}

describe("backupTimeout", () => {
  it("counts from the start of the Backup", () => {
    const expected = { timeoutMs: 60_000, remainingMs: 30_000, isOver: false };
    assert.deepEqual(backupTimeout(backup(), { clock, settings }), expected);
  });

  it("takes the annotation of the Backup before the flag", () => {
    const expected = { timeoutMs: 10_000, remainingMs: -20_000, isOver: true };
    assert.deepEqual(backupTimeout(backup("10s"), { clock, settings }), expected);
  });

  it("takes the flag where the annotation is no time", () => {
    for (const timeout of ["soon", "0", "-1h"])
      assert.equal(backupTimeout(backup(timeout), { clock, settings }).timeoutMs, 60_000);
  });
});
