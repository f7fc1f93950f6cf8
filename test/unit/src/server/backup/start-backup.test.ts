import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backupStorageLocations } from "../../../../../src/api/resources.ts";
import { BackupRig } from "../../../../support/backup-rig.ts";

const namespace = "velero";

function putLocation(rig: BackupRig, name: string, change: object): void {
  const spec = { provider: "aws", objectStorage: { bucket: "b" }, ...change };
  rig.table.put(backupStorageLocations, { metadata: { name, namespace }, spec, status: { phase: "Available" } });
}

describe("startBackup", () => {
  it("writes down what later steps rely on", async () => {
    const rig = new BackupRig();
    rig.putBackup({}, { spec: { ttl: "1h" } });
    await rig.reconcile();
    const { metadata, spec, status } = rig.backup;
    assert.deepEqual(metadata.labels, { "velero.io/storage-location": "default" });
    assert.deepEqual([spec.storageLocation, spec.ttl, spec.defaultVolumesToFsBackup], ["default", "1h0m0s", true]);
    const { conditions = [], ...others } = status ?? {};
    assert.deepEqual(others, {
      version: 1,
      formatVersion: "1.1.0",
      phase: "InProgress",
      startTimestamp: "2024-05-01T00:00:00Z",
      expiration: "2024-05-01T01:00:00Z",
    });
    assert.deepEqual(
      conditions.map(({ type, status: value, reason }) => [type, value, reason]),
      [
        ["Accepted", "True", "Valid"],
        ["Succeeded", "Unknown", "Running"],
      ],
    );
    assert.match(metadata.annotations?.["stowage.dev/claimed-by"] ?? "", /^me\//);
    assert.deepEqual(rig.events, ["Normal BackupStarted"]);
    assert.match(await rig.metricsText(), /velero_backup_attempt_total\{schedule=""\} 1/);
  });

  it("keeps one that is refused for its time to live until somebody has read why", async () => {
    const rig = new BackupRig();
    rig.putBackup({}, { spec: { ttl: "-1h" } });
    await rig.reconcile();
    assert.equal(rig.backup.status?.phase, "FailedValidation");
    assert.equal(rig.backup.status?.expiration, "2024-05-02T00:00:00Z");
  });

  it("keeps the server's time to live where the Backup has none or 0", async () => {
    for (const ttl of [undefined, "", "0s"]) {
      const rig = new BackupRig();
      rig.putBackup({}, { spec: { ttl } });
      await rig.reconcile();
      assert.equal(rig.backup.spec.ttl, "24h0m0s");
    }
  });

  it("prefers the location that says it is the default over the one that the flag names", async () => {
    const rig = new BackupRig();
    putLocation(rig, "chosen", { default: true });
    rig.putBackup();
    await rig.reconcile();
    assert.equal(rig.backup.spec.storageLocation, "chosen");
  });

  it("waits for a new location to be validated, but not for ever", async () => {
    const rig = new BackupRig();
    rig.table.put(backupStorageLocations, {
      metadata: { name: "default", namespace },
      spec: { provider: "aws", objectStorage: { bucket: "b" } },
    });
    rig.putBackup();
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 500 });
    assert.deepEqual(rig.table.writes, []);
    await rig.clock.advance(600_000);
    await rig.reconcile();
    assert.equal(rig.backup.status?.phase, "FailedValidation");
    assert.match(rig.backup.status?.validationErrors?.join() ?? "", /default has not been validated/);
  });

  it("refuses a volume policy that cannot be used, and says so in conditions too", async () => {
    const rig = new BackupRig();
    rig.putBackup({}, { spec: { resourcePolicy: { kind: "configmap", name: "absent" } } });
    await rig.reconcile();
    const { phase, validationErrors = [], conditions = [] } = rig.backup.status ?? {};
    assert.equal(phase, "FailedValidation");
    assert.match(validationErrors?.join() ?? "", /ConfigMap velero\/absent does not exist/);
    assert.deepEqual(
      conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
      ["Accepted", "Succeeded"].map((type) => [type, "False", "Invalid", validationErrors?.join()]),
    );
  });

  it("stays New while another Backup reads the cluster, and begins when that is done", async () => {
    const rig = new BackupRig();
    const release = await rig.context.slots.take(new AbortController().signal);
    rig.putBackup();
    const reconciled = rig.reconcile();
    await rig.clock.advance(1000);
    assert.deepEqual(rig.table.writes, []);
    release();
    await reconciled;
    assert.equal(rig.begun.length, 1);
  });

  it("counts a refused Backup as an attempt that failed validation", async () => {
    const rig = new BackupRig();
    rig.putBackup({}, { spec: { storageLocation: "absent" } });
    await rig.reconcile();
    assert.deepEqual(rig.events, ["Warning BackupFailedValidation"]);
    assert.match(await rig.metricsText(), /velero_backup_validation_failure_total\{schedule=""\} 1/);
    assert.match(await rig.metricsText(), /velero_backup_attempt_total\{schedule=""\} 1/);
  });
});
