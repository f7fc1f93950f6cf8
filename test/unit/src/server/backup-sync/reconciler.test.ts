import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import type { Schedule } from "../../../../../src/api/schedule.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { silentLogger } from "../../../../../src/platform/logger.ts";
import { backupSyncReconciler } from "../../../../../src/server/backup-sync/reconciler.ts";
import { StoredBackups } from "../../../../../src/server/backup-sync/stored-backups.ts";
import type { SyncContext } from "../../../../../src/server/backup-sync/sync-context.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";

const signal = new AbortController().signal;
const key = "velero/default";

class World {
  readonly clock = new FakeClock();
  readonly known = new StoredBackups();
  location: BackupStorageLocation | undefined = locationOf({});
  readonly stored = new Map<string, Backup>();
  readonly here = new Map<string, Backup>();
  readonly schedules = new Map<string, Schedule>();
  /** What was asked of store and cluster, in order. */
  readonly calls: string[] = [];
  createError: Error | undefined;
  folders: readonly string[] = ["backups"];
  readonly reconcile: ReturnType<typeof backupSyncReconciler>;

  constructor() {
    this.reconcile = backupSyncReconciler(this.#context());
  }

  async run(): Promise<unknown> {
    this.calls.length = 0;
    return await this.reconcile(key, signal);
  }

  #context(): SyncContext {
    const store = {
      listBackups: async () => {
        this.calls.push("list");
        return [...this.stored.keys()];
      },
      hasBackup: async (name: string) => this.stored.has(name),
      readBackup: async (name: string) => this.stored.get(name),
      readJson: async () => undefined,
      close: async () => void this.calls.push("close"),
    };
    const client = {
      find: async (_: unknown, { name }: { name: string }) => this.schedules.get(name),
      create: async (_: unknown, object: Backup) => {
        this.calls.push(`create ${object.metadata.name}`);
        if (this.createError !== undefined) throw this.createError;
        const made = { ...object, metadata: { ...object.metadata, uid: `uid-of-${object.metadata.name}` } };
        this.here.set(object.metadata.name, made);
        return made;
      },
      mergePatch: async (_: unknown, { name }: { name: string }) => void this.calls.push(`patch ${name}`),
      delete: async (_: unknown, { name }: { name: string }) => void this.calls.push(`delete ${name}`),
    };
    const counter = { add: () => undefined };
    return {
      namespace: "velero",
      clock: this.clock,
      log: silentLogger,
      redact: (text: string) => text,
      client: client as unknown as SyncContext["client"],
      openLocationStore: (async () => store) as unknown as SyncContext["openLocationStore"],
      listTopFolders: async () => this.folders,
      locations: { get: () => this.location },
      backups: {
        synced: Promise.resolve(),
        get: (_, name) => this.here.get(name),
        list: () => [...this.here.values()],
      },
      known: this.known,
      syncPeriodMs: 60_000,
      metrics: { broughtIn: counter, removed: counter },
    };
  }
}

function locationOf(
  spec: Partial<BackupStorageLocation["spec"]>,
  phase: "Available" | "Unavailable" = "Available",
): BackupStorageLocation {
  return {
    metadata: { name: "default", namespace: "velero", uid: "1" },
    spec: { provider: "local", objectStorage: { bucket: "b" }, ...spec },
    status: { phase },
  };
}

function backupOf(name: string, more: Partial<Backup["metadata"]> = {}): Backup {
  return {
    metadata: { name, namespace: "velero", uid: `uid-of-${name}`, ...more },
    spec: { storageLocation: "default" },
    status: { phase: "Completed" },
  };
}

describe("the reconciler of backup-sync", () => {
  it("compares at once, then once a period, however often it is woken", async () => {
    const world = new World();
    assert.deepEqual(await world.run(), { requeueAfterMs: 60_000 });
    assert.deepEqual(world.calls, ["list", "close", "patch default"]);
    await world.clock.advance(45_000);
    assert.deepEqual(await world.run(), { requeueAfterMs: 15_000 });
    assert.deepEqual(world.calls, []);
    await world.clock.advance(15_000);
    await world.run();
    assert.equal(world.calls.length, 3);
  });

  it("compares again when the location has become another place, and not when only its status has changed", async () => {
    const world = new World();
    await world.run();
    world.location = { ...locationOf({ default: true }), status: { phase: "Available", message: "new" } };
    await world.run();
    assert.deepEqual(world.calls, []);
    for (const spec of [{ objectStorage: { bucket: "other" } }, { config: { path: "/x" } }, {}]) {
      world.location = locationOf(spec);
      await world.run();
      assert.equal(world.calls[0], "list", JSON.stringify(spec));
    }
  });

  it("leaves a location alone that is not available, gone, going, or has no period", async () => {
    const world = new World();
    for (const location of [
      undefined,
      locationOf({}, "Unavailable"),
      { ...locationOf({}), status: {} },
      { ...locationOf({}), metadata: { name: "default", deletionTimestamp: "2026-01-01T00:00:00Z" } },
      locationOf({ backupSyncPeriod: "0s" }),
      locationOf({ backupSyncPeriod: "-1s" }),
    ]) {
      world.location = location;
      assert.deepEqual(await world.run(), {});
      assert.deepEqual(world.calls, []);
    }
    world.location = locationOf({ backupSyncPeriod: "5m" });
    assert.deepEqual(await world.run(), { requeueAfterMs: 300_000 });
  });

  it("tries again when the API server is away, and lets go of the store; another failure concerns one Backup only", async () => {
    const world = new World();
    world.stored.set("a", backupOf("a"));
    world.stored.set("b", backupOf("b"));
    world.createError = new KubeError("unavailable", "it is away");
    await assert.rejects(world.run(), { code: "unavailable" });
    assert.deepEqual(world.calls, ["list", "create a", "close"]);
    world.createError = new KubeError("invalid", "refused");
    await world.run();
    assert.deepEqual(world.calls, ["list", "create a", "create b", "close", "patch default"]);
  });

  it("keeps the Schedule that is here as owner, and no other", async () => {
    const world = new World();
    const schedule = (name: string, uid: string): { apiVersion: string; kind: string; name: string; uid: string } => ({
      apiVersion: "velero.io/v1",
      kind: "Schedule",
      name,
      uid,
    });
    world.schedules.set("ours", { metadata: { name: "ours", uid: "7" } } as Schedule);
    const owners = [schedule("ours", "7"), schedule("ours", "8"), schedule("theirs", "9")];
    world.stored.set("a", backupOf("a", { ownerReferences: [...owners, { ...schedule("ours", "7"), kind: "Pod" }] }));
    await world.run();
    assert.deepEqual(world.here.get("a")?.metadata.ownerReferences, [schedule("ours", "7")]);
  });

  it("removes what is gone, unless it was never there, a second look finds it, or somebody is deleting it", async () => {
    const world = new World();
    for (const name of ["gone", "late", "deleting"]) world.here.set(name, backupOf(name));
    for (const backup of world.here.values()) world.known.saw(backup);
    world.here.set("never-stored", backupOf("never-stored"));
    world.stored.set("late", backupOf("late"));
    const list = world.stored.keys.bind(world.stored);
    world.stored.keys = () => {
      world.here.set("deleting", { ...backupOf("deleting"), status: { phase: "Deleting" } });
      return [...list()].filter((name) => name !== "late").values() as ReturnType<typeof list>;
    };
    await world.run();
    assert.deepEqual(world.calls, ["list", "delete gone", "close", "patch default"]);
  });
});

describe("StoredBackups", () => {
  const uidOnly = (phase: Backup["status"]): Backup =>
    ({ metadata: { name: "a", uid: "1" }, spec: {}, ...{ status: phase } }) as Backup;

  it("knows those that a listing had, that were synchronised, and that ended before its eyes", () => {
    const known = new StoredBackups();
    assert.equal(known.wasStored(backupOf("a")), false);
    assert.equal(known.wasStored(backupOf("a", { annotations: { "stowage.dev/synced-from": "default" } })), true);
    known.saw(backupOf("a"));
    assert.equal(known.wasStored(backupOf("a")), true);
    known.observe({ type: "deleted", object: backupOf("a") });
    assert.equal(known.wasStored(backupOf("a")), false);
    const [running, ended] = [uidOnly({ phase: "InProgress" }), uidOnly({ phase: "Completed" })];
    known.observe({ type: "added", object: ended });
    known.observe({ type: "updated", object: ended, previous: ended });
    assert.equal(known.wasStored(ended), false, "nobody saw it end");
    known.observe({ type: "updated", object: ended, previous: running });
    assert.equal(known.wasStored(ended), true);
  });
});
