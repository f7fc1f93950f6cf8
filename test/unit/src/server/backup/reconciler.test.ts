import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupPhase } from "../../../../../src/api/backup.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { BackupRig } from "../../../../support/backup-rig.ts";

const startTimestamp = "2024-05-01T00:00:00Z";
const running = { phase: "InProgress", startTimestamp } as const;
const inDefault = { spec: { storageLocation: "default" } };

describe("backupReconciler", () => {
  it("touches nothing in a phase that is an end or another server's", async () => {
    const phases: BackupPhase[] = [
      "FailedValidation",
      "WaitingForPluginOperations",
      "WaitingForPluginOperationsPartiallyFailed",
      "Finalizing",
      "FinalizingPartiallyFailed",
      "Completed",
      "PartiallyFailed",
      "Failed",
      "Deleting",
      "OfTheFuture" as BackupPhase,
    ];
    for (const phase of phases) {
      const rig = new BackupRig();
      rig.putBackup({ phase });
      assert.deepEqual(await rig.reconcile(), {}, phase);
      assert.deepEqual([rig.table.writes, rig.events, rig.begun], [[], [], []], phase);
    }
  });

  it("carries out what is new, also in the words of Velero's queue", async () => {
    for (const phase of ["", "New", "Queued", "ReadyToStart"] as const) {
      const rig = new BackupRig();
      rig.putBackup({ phase });
      assert.deepEqual(await rig.reconcile(), {});
      assert.equal(rig.begun[0]?.backup.status?.phase, "InProgress", phase);
      assert.equal(rig.begun[0]?.location.metadata.name, "default");
    }
  });

  it("goes on with what an ended process had claimed, also while it was finalizing", async () => {
    for (const phase of ["InProgress", "Finalizing", "FinalizingPartiallyFailed"] as const) {
      const rig = new BackupRig();
      const annotations = { "stowage.dev/claimed-by": "dead/1", "stowage.dev/attempts": "1" };
      rig.putBackup({ phase, startTimestamp }, { ...inDefault, metadata: { annotations } });
      rig.context.claims.inherit(rig.backup);
      await rig.reconcile();
      const { metadata, status } = rig.backup;
      assert.equal(rig.begun.length, 1, phase);
      assert.match(metadata.annotations?.["stowage.dev/claimed-by"] ?? "", /^me\//);
      assert.equal(metadata.annotations?.["stowage.dev/attempts"], "2");
      assert.deepEqual([status?.phase, status?.startTimestamp], ["InProgress", startTimestamp]);
    }
  });

  it("leaves one alone that is being deleted, or is gone", async () => {
    const rig = new BackupRig();
    assert.deepEqual(await rig.reconcile(), {});
    rig.putBackup({}, { metadata: { deletionTimestamp: startTimestamp } });
    assert.deepEqual(await rig.reconcile(), {});
    assert.deepEqual(rig.table.writes, []);
  });

  it("looks again when somebody else has changed or deleted the Backup meanwhile", async () => {
    for (const code of ["conflict", "not-found"] as const) {
      const rig = new BackupRig();
      rig.putBackup(running, inDefault);
      rig.table.beforeWrite = () => {
        throw new KubeError(code, "too late");
      };
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 100 });
      assert.deepEqual(rig.begun, []);
    }
  });

  it("lets failures pass that will, and gives back its turn", async () => {
    const rig = new BackupRig();
    rig.putBackup(running, inDefault);
    rig.table.beforeWrite = () => {
      throw new KubeError("unavailable", "no answer");
    };
    await assert.rejects(rig.reconcile(), { code: "unavailable" });
    rig.table.beforeWrite = () => undefined;
    await rig.reconcile();
    assert.equal(rig.begun.length, 1);
  });
});
