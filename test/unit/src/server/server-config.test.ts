import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readServerConfig, serverUsage } from "../../../../src/server/server-config.ts";

describe("readServerConfig", () => {
  it("has Velero's defaults", () => {
    assert.deepEqual(readServerConfig([], {}), {
      namespace: undefined,
      kubeconfig: undefined,
      metricsAddress: ":8085",
      logLevel: "info",
      logFormat: "text",
      resourceTimeoutMs: 600_000,
      fsBackupTimeoutMs: 4 * 3_600_000,
      maintenanceFrequencyMs: 168 * 3_600_000,
      storeValidationFrequencyMs: 60_000,
      backupTtlMs: 720 * 3_600_000,
      defaultStorageLocation: "default",
      defaultVolumesToFs: false,
      concurrentBackups: 1,
      itemBlockWorkers: 1,
      backupSyncPeriodMs: 60_000,
      downloadAddress: ":8086",
      downloadUrl: undefined,
      downloadCertificateFile: undefined,
      downloadKeyFile: undefined,
      podIp: undefined,
      scratchDirectory: join(tmpdir(), "stowage-server"),
      timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
      scheduleStartJitterMs: 0,
      scheduleSkipImmediately: false,
      garbageCollectionFrequencyMs: 3_600_000,
      deletionLimit: 20,
      repositoryVerificationPeriodMs: 720 * 3_600_000,
      terminatingResourceTimeoutMs: 600_000,
      restoreClusterRbacAndWebhooks: "true",
      restoreHelperImage: undefined,
      warnings: [],
    });
  });

  it("takes every name of the switch for all volumes, also switched off", () => {
    for (const name of ["default-volumes-to-fs", "default-volumes-to-fs-backup", "default-volumes-to-restic"]) {
      assert.equal(readServerConfig([`--${name}`], {})?.defaultVolumesToFs, true, name);
      assert.equal(readServerConfig([`--${name}=false`], {})?.defaultVolumesToFs, false, name);
    }
  });

  it("takes numbers of Backups and pods at a time, never less than one", () => {
    const config = readServerConfig(["--concurrent-backups=3", "--item-block-worker-count", "4"], {});
    assert.deepEqual([config?.concurrentBackups, config?.itemBlockWorkers], [3, 4]);
    assert.equal(readServerConfig(["--concurrent-backups=0"], {})?.concurrentBackups, 1);
    assert.throws(() => readServerConfig(["--item-block-worker-count=many"], {}), { code: "flag-invalid" });
  });

  it("takes the namespace from the flag before the environment", () => {
    const env = { VELERO_NAMESPACE: "from-env" };
    assert.equal(readServerConfig([], env)?.namespace, "from-env");
    assert.equal(readServerConfig(["-n", "from-flag"], env)?.namespace, "from-flag");
  });

  it("reads durations as Go writes them, also under their older name", () => {
    const config = readServerConfig(["--fs-backup-timeout", "1h30m", "--resource-timeout=5s"], {});
    assert.deepEqual([config?.fsBackupTimeoutMs, config?.resourceTimeoutMs], [5_400_000, 5000]);
    assert.equal(readServerConfig(["--restic-timeout=1m"], {})?.fsBackupTimeoutMs, 60_000);
    assert.throws(() => readServerConfig(["--fs-backup-timeout=soon"], {}), { code: "flag-invalid" });
  });

  it("leaves cluster roles and webhooks to each Restore, or to none", () => {
    const read = (value: string): unknown =>
      readServerConfig([`--restore-cluster-rbac-and-webhooks=${value}`], {})?.restoreClusterRbacAndWebhooks;
    assert.deepEqual(["false", "on-request"].map(read), ["false", "on-request"]);
    assert.throws(() => read("never"), { code: "flag-invalid" });
  });

  it("reads the limit of deletions as a whole number", () => {
    assert.equal(readServerConfig(["--deletion-limit=0"], {})?.deletionLimit, 0);
    for (const text of ["-1", "1.5", "many"])
      assert.throws(() => readServerConfig([`--deletion-limit=${text}`], {}), { code: "flag-invalid" });
  });

  it("warns of flags that only Velero's server has, and goes on", () => {
    const config = readServerConfig(["--features=EnableCSI", "--uploader-type", "restic", "--metrics-address=:1"], {});
    assert.equal(config?.warnings.length, 2);
    assert.equal(config?.metricsAddress, ":1");
  });

  it("takes where downloads are given out, and refuses what cannot be such a place", () => {
    const config = readServerConfig(["--download-url=https://dl.example/x", "--download-address", ":1"], {
      POD_IP: "10.0.0.9",
    });
    assert.deepEqual(
      [config?.downloadUrl, config?.downloadAddress, config?.podIp],
      ["https://dl.example/x", ":1", "10.0.0.9"],
    );
    for (const url of ["http://dl.example", "dl.example", "https://"]) {
      assert.throws(() => readServerConfig([`--download-url=${url}`], {}), { code: "flag-invalid" }, url);
    }
  });

  it("is undefined when help is asked for, which names every flag", () => {
    assert.equal(readServerConfig(["--help"], {}), undefined);
    for (const flag of ["fs-backup-timeout", "default-backup-storage-location", "default-repo-maintain-frequency"])
      assert.match(serverUsage, new RegExp(`--${flag} `));
  });
});
