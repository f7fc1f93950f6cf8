import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BackupRig } from "../../../../support/backup-rig.ts";

const hourMs = 3_600_000;

/** A Backup whose two volumes are made. */
async function begun(): Promise<BackupRig> {
  const rig = new BackupRig();
  for (const name of ["a", "b"]) rig.putPod("app", name);
  rig.putBackup();
  await rig.settle();
  return rig;
}

describe("waitForVolumes", () => {
  it("looks again every ten seconds, and in time for the end of the Backup's time", async () => {
    const rig = await begun();
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 10_000 });
    await rig.clock.advance(hourMs - 3000);
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 3000 });
  });

  it("writes progress only when a volume has ended", async () => {
    const rig = await begun();
    const before = rig.table.writes.length;
    await rig.settle();
    await rig.settle();
    assert.equal(rig.table.writes.length, before);
  });

  it("ends the Backup with the counts, an event and metrics", async () => {
    const rig = await begun();
    rig.patchVolumes({ status: { phase: "Completed" } });
    await rig.clock.advance(90_000);
    assert.deepEqual(await rig.settle(), {});
    const { phase, errors, completionTimestamp } = rig.backup.status ?? {};
    assert.deepEqual([phase, errors, completionTimestamp], ["Completed", 0, "2024-05-01T00:01:30Z"]);
    assert.deepEqual(rig.events, ["Normal BackupStarted", "Normal BackupCompleted"]);
    const metrics = await rig.metricsText();
    assert.match(metrics, /velero_backup_duration_seconds_sum\{schedule=""\} 90/);
    assert.match(metrics, /stowage_backup_volumes_total\{result="completed"\} 2/);
  });

  it("gives agents half a minute to stop, and then ends their volumes itself", async () => {
    const rig = await begun();
    rig.patchVolumes({ status: { phase: "InProgress" } });
    await rig.clock.advance(hourMs);
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 1000 });
    assert.deepEqual(
      rig.volumes.map(({ spec, status }) => [spec.cancel, status?.phase]),
      [
        [true, "InProgress"],
        [true, "InProgress"],
      ],
    );
    await rig.clock.advance(29_000);
    await rig.settle();
    assert.equal(rig.backup.status?.phase, "InProgress");
    await rig.clock.advance(2000);
    await rig.settle();
    await rig.settle();
    assert.deepEqual([rig.backup.status?.phase, rig.backup.status?.errors], ["PartiallyFailed", 2]);
    assert.match(
      rig.backup.status?.failureReason ?? "",
      /not finished within 1h0m0s.*the agent of node n1 did not stop/,
    );
  });
});
