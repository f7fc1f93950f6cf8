import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupPhase } from "../../../../../src/api/backup.ts";
import { backups } from "../../../../../src/api/resources.ts";
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
      rig.putPod("app", "web");
      rig.putBackup({ phase });
      assert.deepEqual(await rig.reconcile(), {}, phase);
      assert.deepEqual([rig.table.writes, rig.events], [[], []], phase);
    }
  });

  it("begins what is new, also in the words of Velero's queue", async () => {
    for (const phase of ["", "New", "Queued", "ReadyToStart"] as const) {
      const rig = new BackupRig();
      rig.putBackup({ phase });
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 0 });
      assert.equal(rig.backup.status?.phase, "InProgress", phase);
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
    }
  });

  it("lets failures pass that will, and the controller try again", async () => {
    const rig = new BackupRig();
    rig.putBackup(running, inDefault);
    rig.table.beforeWrite = () => {
      throw new KubeError("unavailable", "no answer");
    };
    await assert.rejects(rig.reconcile(), { code: "unavailable" });
  });

  it("ends Failed what the API server refuses for good, and stops the volumes that were made", async () => {
    const rig = new BackupRig();
    rig.putPod("app", "a");
    rig.putPod("app", "b");
    rig.putBackup(running, inDefault);
    rig.table.beforeWrite = (write) => {
      if (write.startsWith("create") && rig.volumes.length === 1) throw new KubeError("invalid", "no such field");
    };
    assert.deepEqual(await rig.reconcile(), {});
    assert.equal(rig.backup.status?.phase, "Failed");
    assert.match(rig.backup.status?.failureReason ?? "", /no such field; the API server refused the object/);
    assert.deepEqual(
      rig.volumes.map(({ status }) => status?.phase),
      ["Failed"],
    );
    assert.deepEqual(rig.events, ["Warning BackupFailed"]);
  });

  it("ends Failed what fails and fails until long after its time", async () => {
    const rig = new BackupRig();
    rig.putPod("app", "a");
    rig.putBackup(running, inDefault);
    rig.table.beforeWrite = (write) => {
      if (write.startsWith("create")) throw new KubeError("forbidden", "not allowed");
    };
    await assert.rejects(rig.reconcile(), { code: "forbidden" });
    await rig.clock.advance(3_600_000 + 600_000 + 1000);
    await rig.reconcile();
    assert.match(rig.backup.status?.failureReason ?? "", /not allowed; check the RBAC rules/);
    assert.equal(
      rig.table.must<{ status: { phase: string } }>(backups, { namespace: "velero", name: "b" }).status.phase,
      "Failed",
    );
  });
});
