import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { beforeEach, describe, it } from "node:test";
import { backupStorageLocations, backups, podVolumeRestores, restores } from "../../../../../src/api/resources.ts";
import type { Restore } from "../../../../../src/api/restore.ts";
import type { Reconcile } from "../../../../../src/kube/controller.ts";
import { silentLogger } from "../../../../../src/platform/logger.ts";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { restoreReconciler } from "../../../../../src/server/restore/reconciler.ts";
import type { RestoreContext } from "../../../../../src/server/restore/restore-context.ts";
import { RestoreMetrics } from "../../../../../src/server/restore/restore-metrics.ts";
import { RunningRestores } from "../../../../../src/server/restore/running-restores.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const key = "velero/r";
const minute = 60_000;
const { signal } = new AbortController();
const finalizer = "restores.velero.io/external-resources-finalizer";

let table: ObjectTable;
let clock: FakeClock;
let openings: number;
/** What opening the location throws. */
let trouble: Error;
let running: RunningRestores;
let reconcile: Reconcile;

class Outage extends Error {
  readonly code = "storage-unavailable";
  readonly retry = "backoff";
  readonly hint = "look at the store";
}

class Damage extends Error {
  readonly code = "tarball-damaged";
  readonly retry = "never";
  readonly hint = "take another";
}

beforeEach(() => {
  table = new ObjectTable();
  clock = new FakeClock();
  openings = 0;
  trouble = new Outage("the bucket does not answer");
  running = new RunningRestores();
  table.put(backups, {
    metadata: { name: "b", namespace },
    spec: { storageLocation: "l" },
    status: { phase: "Completed" },
  });
  table.put(backupStorageLocations, { metadata: { name: "l", namespace }, spec: {}, status: { phase: "Available" } });
  const context = {
    ...{ client: table.client, clock, namespace, log: silentLogger },
    crds: { find: async () => undefined },
    events: { record: () => undefined },
    metrics: new RestoreMetrics(new Metrics()),
    redact: (text: string) => text.replace("hunter2", "[redacted]"),
    volumeRestores: { list: () => [] },
    openLocationStore: async () => {
      openings++;
      throw trouble;
    },
    settings: { resourceTimeoutMs: 10 * minute, fsBackupTimeoutMs: 60 * minute, scratchDirectory: tmpdir() },
  } as unknown as RestoreContext;
  reconcile = restoreReconciler(context, running);
});

function putRestore(change: { metadata?: object; spec?: object; phase?: string } = {}): void {
  const { metadata, spec = { backupName: "b" }, phase = "InProgress" } = change;
  table.put(restores, { metadata: { name: "r", namespace, uid: "u", ...metadata }, spec, status: { phase } });
}

const restore = (): Restore => table.must<Restore>(restores, { namespace, name: "r" });

describe("a Restore that is carried out", () => {
  it("is tried again while its store is away, and Failed with the reason after --resource-timeout", async () => {
    putRestore();
    assert.deepEqual(await reconcile(key, signal), { requeueAfterMs: 2000 });
    await clock.advance(9 * minute);
    assert.deepEqual(await reconcile(key, signal), { requeueAfterMs: 2000 });
    assert.equal(restore().status?.phase, "InProgress");
    await clock.advance(2 * minute);
    await reconcile(key, signal);
    const { status } = restore();
    assert.deepEqual([status?.phase, status?.errors], ["Failed", 1]);
    assert.equal(status?.failureReason, "the bucket does not answer; look at the store");
    assert.equal(status?.completionTimestamp, "2024-05-01T00:11:00Z");
  });

  it("is Failed at once for what cannot pass, without secrets, and its volumes are stopped", async () => {
    trouble = new Damage("damaged by hunter2");
    putRestore();
    const labels = { "velero.io/restore-uid": "u" };
    table.put(podVolumeRestores, { metadata: { name: "v", namespace, labels }, spec: { pod: {} } });
    await reconcile(key, signal);
    assert.deepEqual(
      [restore().status?.phase, restore().status?.failureReason],
      ["Failed", "damaged by [redacted]; take another"],
    );
    const stopped = table.must<{ status: object }>(podVolumeRestores, { namespace, name: "v" });
    assert.match(JSON.stringify(stopped.status), /"Failed".*its Restore failed: damaged/);
  });

  it("is Failed when its Backup is gone", async () => {
    putRestore({ spec: { backupName: "gone" } });
    await reconcile(key, signal);
    assert.equal(restore().status?.phase, "Failed");
    assert.match(restore().status?.failureReason ?? "", /^Backup gone does not exist/);
    assert.equal(openings, 0);
  });

  it("goes on although its location is Unavailable now", async () => {
    const location = { metadata: { name: "l", namespace }, spec: {}, status: { phase: "Unavailable" } };
    table.put(backupStorageLocations, location);
    putRestore();
    assert.deepEqual(await reconcile(key, signal), { requeueAfterMs: 2000 });
  });

  it("is counted once for each server that begins it, and Failed when it has brought down twenty", async () => {
    putRestore();
    await reconcile(key, signal);
    await reconcile(key, signal);
    assert.equal(restore().metadata.annotations?.["stowage.dev/attempts"], "1");
    running.forget("u");
    putRestore({ metadata: { annotations: { "stowage.dev/attempts": "20" } } });
    openings = 0;
    await reconcile(key, signal);
    assert.equal(openings > 0, false, "it is not begun again");
    assert.match(restore().status?.failureReason ?? "", /the server ended 20 times while/);
  });

  for (const phase of ["Finalizing", "FinalizingPartiallyFailed"]) {
    it(`is carried out again when a server finds it ${phase}`, async () => {
      putRestore({ phase });
      await reconcile(key, signal);
      assert.equal(openings, 1);
    });
  }

  for (const phase of ["Completed", "PartiallyFailed", "Failed", "FailedValidation", "WaitingForPluginOperations"]) {
    it(`is left alone when it is ${phase}`, async () => {
      putRestore({ phase });
      assert.deepEqual(await reconcile(key, signal), {});
      assert.deepEqual([table.writes, openings], [[], 0]);
    });
  }
});

describe("a Restore that is deleted", () => {
  const deleted = { finalizers: ["other", finalizer], deletionTimestamp: "2024-05-01T00:00:00Z" };

  it("is kept while its files cannot be removed, but not for ever", async () => {
    putRestore({ metadata: deleted, phase: "Completed" });
    await assert.rejects(reconcile(key, signal), /does not answer/);
    assert.deepEqual(restore().metadata.finalizers, ["other", finalizer]);
    await clock.advance(11 * minute);
    await reconcile(key, signal);
    assert.deepEqual(restore().metadata.finalizers, ["other"]);
  });

  it("goes at once when nobody knows where its files are, or they can never be removed", async () => {
    putRestore({ metadata: deleted, spec: { backupName: "gone" } });
    await reconcile(key, signal);
    assert.deepEqual(restore().metadata.finalizers, ["other"]);
    trouble = new Damage("never");
    putRestore({ metadata: deleted });
    await reconcile(key, signal);
    assert.deepEqual(restore().metadata.finalizers, ["other"]);
  });

  it("is not touched without our finalizer", async () => {
    putRestore({ metadata: { ...deleted, finalizers: ["other"] } });
    await reconcile(key, signal);
    assert.deepEqual(table.writes, []);
  });
});
