import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import { backupStorageLocations } from "../../../../../src/api/resources.ts";
import type { ReconcileResult } from "../../../../../src/kube/controller.ts";
import type { Logger } from "../../../../../src/platform/logger.ts";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { storageLocationReconciler } from "../../../../../src/server/storage-location/reconciler.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger;
const { signal } = new AbortController();

class Rig {
  readonly table = new ObjectTable();
  readonly clock = new FakeClock();
  readonly metrics = new Metrics();
  readonly available = this.metrics.gauge("available", "test", ["location"]);
  folders: readonly string[] | Error = [];
  looks = 0;
  #reconcile = this.#newServer();

  constructor(spec: Partial<BackupStorageLocation["spec"]> = {}) {
    this.put("default", spec);
  }

  #newServer(): ReturnType<typeof storageLocationReconciler> {
    return storageLocationReconciler({
      client: this.table.client,
      namespace,
      clock: this.clock,
      log,
      redact: (text) => text.replaceAll("hunter2", "***"),
      validationFrequencyMs: 60_000,
      available: this.available,
      listTopFolders: async () => {
        this.looks++;
        if (this.folders instanceof Error) throw this.folders;
        return this.folders;
      },
    });
  }

  restartServer(): void {
    this.#reconcile = this.#newServer();
  }

  put(name: string, spec: Partial<BackupStorageLocation["spec"]>): void {
    const known = this.table.find<BackupStorageLocation>(backupStorageLocations, { namespace, name });
    this.table.put(backupStorageLocations, {
      ...known,
      metadata: { name, namespace, uid: name },
      spec: { provider: "aws", objectStorage: { bucket: "b" }, ...spec },
    });
  }

  async reconcile(name = "default"): Promise<ReconcileResult> {
    return (await this.#reconcile(`${namespace}/${name}`, signal)) ?? {};
  }

  read(name = "default"): BackupStorageLocation {
    return this.table.must<BackupStorageLocation>(backupStorageLocations, { namespace, name });
  }
}

describe("storageLocationReconciler", () => {
  it("makes a location Available whose store answers and holds only what belongs there", async () => {
    const rig = new Rig();
    rig.folders = ["backups", "restores", "restic", "kopia", "metadata", "plugins"];
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 60_000 });
    assert.deepEqual(rig.read().status, {
      phase: "Available",
      message: "",
      lastValidationTime: "2024-05-01T00:00:00Z",
    });
    assert.match(await rig.metrics.text(), /available\{location="default"\} 1/);
  });

  it("makes a location Unavailable that holds foreign folders, and names them", async () => {
    const rig = new Rig();
    rig.folders = ["restic", "photos"];
    await rig.reconcile();
    assert.equal(rig.read().status?.phase, "Unavailable");
    assert.match(rig.read().status?.message ?? "", /photos/);
    assert.match(await rig.metrics.text(), /available\{location="default"\} 0/);
  });

  it("makes a location Unavailable whose store fails, with the reason, what to do, and no secret", async () => {
    const rig = new Rig();
    rig.folders = new RepositoryError("storage-denied", "the key hunter2 is refused");
    await rig.reconcile();
    const { phase, message = "" } = rig.read().status ?? {};
    assert.equal(phase, "Unavailable");
    assert.match(message, /^the key \*\*\* is refused; check the credentials/);
  });

  it("looks again after the frequency of the location, else the server's", async () => {
    const rig = new Rig({ validationFrequency: "10m" });
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 600_000 });
    await rig.clock.advance(60_000);
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 540_000 });
    assert.equal(rig.looks, 1);
    await rig.clock.advance(540_000);
    await rig.reconcile();
    assert.equal(rig.looks, 2);
  });

  it("looks at once when the location was changed", async () => {
    const rig = new Rig();
    rig.folders = new Error("no such bucket");
    await rig.reconcile();
    rig.folders = [];
    rig.put("default", { objectStorage: { bucket: "other" } });
    await rig.reconcile();
    assert.equal(rig.read().status?.phase, "Available");
    rig.put("default", { objectStorage: { bucket: "other" }, credential: { name: "s", key: "k" } });
    await rig.reconcile();
    assert.equal(rig.looks, 3);
  });

  it("looks once after a start and after each change when the frequency is 0", async () => {
    const rig = new Rig({ validationFrequency: "0s" });
    assert.deepEqual(await rig.reconcile(), {});
    await rig.clock.advance(86_400_000);
    assert.deepEqual(await rig.reconcile(), {});
    assert.equal(rig.looks, 1);
    rig.put("default", { validationFrequency: "0s", objectStorage: { bucket: "c" } });
    await rig.reconcile();
    assert.equal(rig.looks, 2);
    rig.restartServer();
    await rig.reconcile();
    assert.equal(rig.looks, 3);
  });

  it("keeps one default, also when it is told of the one that stays", async () => {
    const rig = new Rig({ default: true });
    rig.put("another", { default: true });
    rig.put("third", {});
    await rig.reconcile("default");
    assert.deepEqual([rig.read("another").spec.default, rig.read("default").spec.default], [true, false]);
    await rig.reconcile("another");
    assert.deepEqual([rig.read("another").spec.default, rig.read("third").spec.default], [true, undefined]);
  });

  it("forgets a location that was deleted", async () => {
    const rig = new Rig();
    await rig.reconcile();
    rig.table.remove(backupStorageLocations, { namespace, name: "default" });
    assert.deepEqual(await rig.reconcile(), {});
    assert.doesNotMatch(await rig.metrics.text(), /location="default"/);
    rig.put("default", {});
    await rig.reconcile();
    assert.equal(rig.looks, 2);
  });
});
