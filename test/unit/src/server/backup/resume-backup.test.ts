import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backupStorageLocations } from "../../../../../src/api/resources.ts";
import { BackupRig } from "../../../../support/backup-rig.ts";

const running = { phase: "InProgress", startTimestamp: "2024-05-01T00:00:00Z" } as const;
const spec = { storageLocation: "default" };

function claimedBy(text: string, attempts = "1"): object {
  return { annotations: { "stowage.dev/claimed-by": text, "stowage.dev/attempts": attempts } };
}

describe("resumeBackup", () => {
  it("leaves a Backup to the process that renews its claim, and takes it over when that stops", async () => {
    const rig = new BackupRig();
    for (const minute of [0, 1, 2, 3, 4]) {
      rig.putBackup(running, { spec, metadata: claimedBy(`other/${minute}`) });
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 180_000 });
      await rig.clock.advance(60_000);
    }
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 120_000 });
    await rig.clock.advance(120_000);
    await rig.reconcile();
    assert.equal(rig.begun.length, 1);
  });

  it("takes over at once what nobody claims: another program has begun it", async () => {
    const rig = new BackupRig();
    rig.putBackup({ phase: "InProgress" }, { spec });
    await rig.reconcile();
    assert.equal(rig.begun.length, 1);
    assert.equal(rig.backup.status?.startTimestamp, "2024-05-01T00:00:00Z", "the volumes' time is counted from now");
  });

  it("runs its own again, after a failure that may pass", async () => {
    const rig = new BackupRig();
    rig.putBackup(running, { spec, metadata: claimedBy("me/1") });
    await rig.reconcile();
    assert.equal(rig.begun.length, 1);
  });

  it("ends what asks for the impossible, has lost its location, or was begun too often", async () => {
    const rig = new BackupRig();
    const failure = async (change: object): Promise<string> => {
      rig.putBackup(running, change);
      assert.deepEqual(await rig.reconcile(), {});
      assert.equal(rig.backup.status?.phase, "Failed");
      return rig.backup.status?.failureReason ?? "";
    };
    assert.match(
      await failure({ spec: { ...spec, snapshotMoveData: true } }),
      /spec\.snapshotMoveData is not supported/,
    );
    assert.match(await failure({ spec, metadata: claimedBy("me/1", "20") }), /begun 20 times .*never came to its end/);
    rig.table.remove(backupStorageLocations, { namespace: "velero", name: "default" });
    assert.match(await failure({ spec }), /BackupStorageLocation default does not exist any more/);
    assert.deepEqual(rig.begun, []);
    assert.deepEqual(
      rig.backup.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
      [["Succeeded", "False", "Failed"]],
    );
  });
});
