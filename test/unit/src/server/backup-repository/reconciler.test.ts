import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import type { BackupRepository, BackupRepositoryStatus } from "../../../../../src/api/backup-repository.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import { backupRepositories, backupStorageLocations } from "../../../../../src/api/resources.ts";
import type { ReconcileResult } from "../../../../../src/kube/controller.ts";
import { InstalledCrd } from "../../../../../src/kube/crd-lookup.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import type { Logger } from "../../../../../src/platform/logger.ts";
import { backupRepositoryReconciler } from "../../../../../src/server/backup-repository/reconciler.ts";
import { RepositoriesInUse } from "../../../../../src/server/backup-repository/repositories-in-use.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger;
const { signal } = new AbortController();
const minuteMs = 60_000;

class Rig {
  readonly table = new ObjectTable();
  readonly clock = new FakeClock();
  /** What was done to the store, in order. */
  readonly done: string[] = [];
  /** Thrown by the next action of that name. */
  readonly failures = new Map<string, Error>();
  readonly results: string[] = [];
  /** How many stood at each look; undefined: forgotten. */
  readonly locks: (number | undefined)[] = [];
  readonly inUse = new RepositoriesInUse();
  readonly #reconcile = backupRepositoryReconciler({
    client: this.table.client,
    crds: { find: async () => new InstalledCrd({ "x-kubernetes-preserve-unknown-fields": true }) },
    namespace,
    clock: this.clock,
    log,
    inUse: this.inUse,
    maintenanceFrequencyMs: 168 * 60 * minuteMs,
    noteLocks: (_, locks) => this.locks.push(locks?.length),
    countMaintenance: (result) => this.results.push(result),
    redact: (text) => text.replaceAll("hunter2", "***"),
    care: {
      identifierOf: ({ spec }, volumeNamespace) => `s3:${spec.objectStorage.bucket}/${volumeNamespace}`,
      connect: async () => this.#act("connect"),
      removeStaleLocks: async () => {
        this.#act("unlock");
        return 0;
      },
      listLocks: async () => [{ exclusive: false, owner: "o", refreshedMs: 0 }],
      prune: async () => {
        this.#act("prune");
        return { markedPacks: 0, deletedPacks: 0 };
      },
    },
  });

  constructor(status?: BackupRepositoryStatus, spec: Partial<BackupRepository["spec"]> = {}) {
    this.setLocation({});
    this.table.put(backupRepositories, {
      metadata: { name: "r", namespace },
      spec: { volumeNamespace: "shop", backupStorageLocation: "default", maintenanceFrequency: "1h", ...spec },
      ...(status === undefined ? {} : { status }),
    });
  }

  setLocation(change: Partial<BackupStorageLocation["spec"]>): void {
    const spec = { provider: "aws", objectStorage: { bucket: "b" }, ...change };
    this.table.put(backupStorageLocations, { metadata: { name: "default", namespace }, spec });
  }

  async reconcile(): Promise<ReconcileResult> {
    return (await this.#reconcile("velero/r", signal)) ?? {};
  }

  get repository(): BackupRepository {
    return this.table.must<BackupRepository>(backupRepositories, { namespace, name: "r" });
  }

  /** Ready, and looked after once. */
  async makeReady(): Promise<void> {
    await this.reconcile();
    await this.reconcile();
    this.done.length = 0;
  }

  #act(name: string): void {
    this.done.push(name);
    const failure = this.failures.get(name);
    this.failures.delete(name);
    if (failure !== undefined) throw failure;
  }
}

describe("a New BackupRepository", () => {
  it("is opened or made, and becomes Ready with its identifier and a first time of maintenance", async () => {
    const rig = new Rig();
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 5 * minuteMs });
    assert.deepEqual(rig.done, ["connect"]);
    const { spec, status } = rig.repository;
    assert.deepEqual([spec.resticIdentifier, spec.maintenanceFrequency], ["s3:b/shop", "1h"]);
    assert.deepEqual(status, { phase: "Ready", message: "", lastMaintenanceTime: "2024-05-01T00:00:00Z" });
  });

  it("gets the server's frequency when it has none, as those that agents ask for", async () => {
    for (const maintenanceFrequency of ["", "0s", "nonsense"]) {
      const rig = new Rig(undefined, { maintenanceFrequency });
      await rig.reconcile();
      assert.equal(rig.repository.spec.maintenanceFrequency, "168h0m0s");
      await rig.reconcile();
      assert.deepEqual(rig.done, ["connect", "unlock"], "and is not pruned at once");
      assert.deepEqual(rig.locks, [1], "what stands after the look is told");
    }
  });

  it("becomes NotReady with a reason without secrets, and Ready at a later try", async () => {
    const rig = new Rig();
    rig.failures.set("connect", new Error("the store does not like hunter2"));
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 30_000 });
    assert.deepEqual(rig.repository.status, { phase: "NotReady", message: "the store does not like ***" });
    await rig.reconcile();
    assert.equal(rig.repository.status?.phase, "Ready");
  });

  it("is not written again while the reason stays the same", async () => {
    const rig = new Rig();
    for (let times = 0; times < 3; times++) {
      rig.failures.set("connect", new Error("down"));
      await rig.reconcile();
    }
    assert.equal(rig.table.writes.length, 1);
  });

  it("says so when its location does not exist", async () => {
    const rig = new Rig();
    rig.table.remove(backupStorageLocations, { namespace, name: "default" });
    await rig.reconcile();
    assert.match(rig.repository.status?.message ?? "", /BackupStorageLocation default does not exist/);
  });

  it("stays New while the API server fails, so that the controller tries again", async () => {
    const rig = new Rig();
    rig.failures.set("connect", new KubeError("unavailable", "no answer"));
    await assert.rejects(rig.reconcile(), { code: "unavailable" });
    assert.equal(rig.repository.status, undefined);
  });
});

describe("a Ready BackupRepository", () => {
  it("is rid of stale locks every five minutes, however often it is looked at", async () => {
    const rig = new Rig();
    await rig.makeReady();
    await rig.reconcile();
    assert.deepEqual(rig.done, []);
    await rig.clock.advance(5 * minuteMs);
    await rig.reconcile();
    assert.deepEqual(rig.done, ["unlock"]);
  });

  it("is pruned when that is due, and not again before the next time", async () => {
    const rig = new Rig();
    await rig.makeReady();
    await rig.clock.advance(61 * minuteMs);
    await rig.reconcile();
    await rig.reconcile();
    assert.deepEqual([rig.done, rig.results], [["unlock", "prune"], ["Succeeded"]]);
    assert.equal(rig.repository.status?.lastMaintenanceTime, "2024-05-01T01:01:00Z");
    await rig.clock.advance(59 * minuteMs);
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: minuteMs });
  });

  it("is pruned again five minutes after a failure, and stays Ready", async () => {
    const rig = new Rig();
    await rig.makeReady();
    await rig.clock.advance(61 * minuteMs);
    rig.failures.set("prune", new RepositoryError("lock-held", "somebody holds a lock"));
    await rig.reconcile();
    await rig.reconcile();
    assert.deepEqual([rig.done, rig.repository.status?.phase], [["unlock", "prune"], "Ready"]);
    const [result] = rig.repository.status?.recentMaintenance ?? [];
    assert.match(result?.message ?? "", /somebody holds a lock/);
    await rig.clock.advance(5 * minuteMs);
    await rig.reconcile();
    assert.deepEqual(rig.results, ["Failed", "Succeeded"]);
  });

  it("is not pruned while it is being verified, and soon after that", async () => {
    const rig = new Rig();
    await rig.makeReady();
    await rig.clock.advance(61 * minuteMs);
    await rig.inUse.use("r", async () => {
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: minuteMs });
      assert.deepEqual(rig.done, ["unlock"]);
    });
    await rig.reconcile();
    assert.deepEqual(rig.done, ["unlock", "prune"]);
  });

  it("is left alone while its location is read-only", async () => {
    const rig = new Rig();
    await rig.reconcile();
    rig.setLocation({ accessMode: "ReadOnly" });
    await rig.clock.advance(120 * minuteMs);
    rig.done.length = 0;
    await rig.reconcile();
    assert.deepEqual([rig.done, rig.repository.status?.phase], [[], "Ready"]);
  });

  it("becomes NotReady when its location moves or is reached otherwise, and is established anew", async () => {
    for (const change of [{ objectStorage: { bucket: "c" } }, { config: { insecureSkipTLSVerify: "true" } }]) {
      const rig = new Rig();
      await rig.makeReady();
      rig.setLocation(change);
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 0 });
      assert.match(rig.repository.status?.message ?? "", /re-establish on BSL change/);
      await rig.reconcile();
      assert.deepEqual([rig.repository.status?.phase, rig.done], ["Ready", ["connect"]]);
    }
  });

  it("becomes NotReady when it cannot be opened any more, naming the Secret where the password is wrong", async () => {
    const rig = new Rig();
    await rig.reconcile();
    rig.failures.set("unlock", new RepositoryError("wrong-password", "wrong password"));
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 30_000 });
    assert.equal(rig.repository.status?.phase, "NotReady");
    assert.match(rig.repository.status?.message ?? "", /Secret velero\/velero-repo-credentials/);
  });

  it("stays Ready while its store is only away", async () => {
    const rig = new Rig();
    await rig.reconcile();
    rig.failures.set("unlock", new RepositoryError("storage-unavailable", "no answer"));
    await assert.rejects(rig.reconcile(), { code: "storage-unavailable" });
    assert.equal(rig.repository.status?.phase, "Ready");
  });
});

describe("other BackupRepositories", () => {
  it("are left alone when they are of another kind, deleted or being deleted", async () => {
    const rig = new Rig(undefined, { repositoryType: "kopia" });
    assert.deepEqual(await rig.reconcile(), {});
    rig.table.put(backupRepositories, { metadata: { name: "r", namespace, deletionTimestamp: "now" }, spec: {} });
    assert.deepEqual(await rig.reconcile(), {});
    rig.table.remove(backupRepositories, { namespace, name: "r" });
    assert.deepEqual(await rig.reconcile(), {});
    assert.deepEqual([rig.done, rig.table.writes], [[], []]);
  });
});
