import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import { backups, schedules } from "../../../../../src/api/resources.ts";
import type { Schedule } from "../../../../../src/api/schedule.ts";
import type { ReconcileResult } from "../../../../../src/kube/controller.ts";
import { InstalledCrd } from "../../../../../src/kube/crd-lookup.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { formatTimestamp } from "../../../../../src/platform/clock.ts";
import type { Logger } from "../../../../../src/platform/logger.ts";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { scheduleReconciler } from "../../../../../src/server/schedule/reconciler.ts";
import { ScheduleMetrics } from "../../../../../src/server/schedule/schedule-metrics.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger;
const { signal } = new AbortController();
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

class Rig {
  readonly table = new ObjectTable();
  /** The first of May 2024, 00:00 UTC. */
  readonly clock = new FakeClock();
  readonly metrics = new Metrics();
  readonly #numbers = new ScheduleMetrics(this.metrics);
  keepsConditions = true;
  #reconcile = this.#newServer();

  constructor(change: Partial<Schedule["spec"]> = {}, metadata: Partial<Schedule["metadata"]> = {}) {
    const creationTimestamp = formatTimestamp(this.clock.now());
    this.table.put(schedules, {
      metadata: { name: "s", namespace, uid: "u", creationTimestamp, ...metadata },
      spec: { schedule: "0 * * * *", template: { ttl: "1h" }, ...change },
    });
  }

  #newServer(flags: { skipImmediately?: boolean } = {}): ReturnType<typeof scheduleReconciler> {
    const schema = { properties: { status: { properties: { conditions: {} } } } };
    return scheduleReconciler({
      client: this.table.client,
      crds: { find: async () => new InstalledCrd(this.keepsConditions ? schema : {}) },
      clock: this.clock,
      log,
      metrics: this.#numbers,
      localZone: "UTC",
      startJitterMs: 0,
      skipImmediately: false,
      ...flags,
    });
  }

  restartServer(flags: { skipImmediately?: boolean } = {}): void {
    this.#reconcile = this.#newServer(flags);
  }

  async reconcile(): Promise<ReconcileResult> {
    return (await this.#reconcile("velero/s", signal)) ?? {};
  }

  /** As often as it wants to be looked at without a pause. */
  async settle(): Promise<ReconcileResult> {
    for (;;) {
      const result = await this.reconcile();
      if (result.requeueAfterMs !== 0) return result;
    }
  }

  get schedule(): Schedule {
    return this.table.must<Schedule>(schedules, { namespace, name: "s" });
  }

  change(part: object): void {
    this.table.put(schedules, { ...this.schedule, ...part });
  }

  get backups(): Backup[] {
    return this.table.list<Backup>(backups);
  }

  get backupNames(): string[] {
    return this.backups.map(({ metadata }) => metadata.name);
  }

  setPhase(name: string, phase: string): void {
    const backup = this.table.must<Backup>(backups, { namespace, name });
    this.table.put(backups, { ...backup, status: { phase } });
  }

  number(name: string): Promise<string | undefined> {
    return this.metrics.text().then((text) => new RegExp(`^${name}{schedule="s"} (.*)$`, "m").exec(text)?.[1]);
  }
}

describe("a Schedule", () => {
  it("is Enabled once it was checked, and sleeps until it is due, but never for long", async () => {
    const rig = new Rig();
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 5 * minuteMs });
    assert.equal(rig.schedule.status?.phase, "Enabled");
    const [accepted] = rig.schedule.status?.conditions ?? [];
    assert.deepEqual([accepted?.type, accepted?.status, accepted?.reason], ["Accepted", "True", "Valid"]);
    await rig.clock.advance(59 * minuteMs);
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: minuteMs });
    assert.deepEqual(rig.backups, []);
    assert.equal(rig.table.writes.length, 1, "and is not written again");
    assert.equal(
      await rig.number("stowage_schedule_next_run_timestamp_seconds"),
      String(Date.UTC(2024, 4, 1, 1) / 1000),
    );
  });

  it("makes a Backup when it is due, once", async () => {
    const rig = new Rig();
    await rig.clock.advance(hourMs + 500);
    await rig.settle();
    assert.deepEqual(rig.backupNames, ["s-20240501010000"]);
    assert.equal(rig.schedule.status?.lastBackup, "2024-05-01T01:00:00Z");
    await rig.settle();
    assert.equal(rig.backups.length, 1);
    assert.equal(await rig.number("stowage_schedule_backups_total"), "1");
  });

  it("is due at the full second and not before", async () => {
    const rig = new Rig();
    await rig.clock.advance(hourMs - 1);
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 1 });
    await rig.clock.advance(1);
    await rig.settle();
    assert.equal(rig.backups.length, 1);
  });

  it("makes one Backup for all the runs that were missed", async () => {
    const rig = new Rig();
    await rig.clock.advance(72.5 * hourMs);
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 5 * minuteMs });
    assert.deepEqual(rig.backupNames, ["s-20240504003000"]);
    assert.equal(rig.backups[0]?.metadata.annotations?.["stowage.dev/scheduled-for"], "2024-05-01T01:00:00Z");
  });

  it("makes none while its last one goes on, and one as soon as that has ended", async () => {
    for (const phase of ["", "New", "InProgress", "Finalizing", "WaitingForPluginOperations"]) {
      const rig = new Rig();
      await rig.clock.advance(hourMs);
      await rig.settle();
      rig.setPhase("s-20240501010000", phase);
      await rig.clock.advance(90 * minuteMs);
      assert.deepEqual(await rig.settle(), { requeueAfterMs: minuteMs }, phase);
      assert.equal(rig.backups.length, 1, phase);
      rig.setPhase("s-20240501010000", "PartiallyFailed");
      await rig.settle();
      assert.deepEqual(rig.backupNames, ["s-20240501010000", "s-20240501023000"], phase);
    }
  });

  it("does not wait for one that is being deleted, nor for another schedule's", async () => {
    const rig = new Rig();
    await rig.clock.advance(hourMs);
    await rig.settle();
    rig.setPhase("s-20240501010000", "Deleting");
    const labels = { "velero.io/schedule-name": "other" };
    rig.table.put(backups, { metadata: { name: "other-1", namespace, labels }, spec: {} });
    await rig.clock.advance(hourMs);
    await rig.settle();
    assert.equal(rig.backups.length, 3);
  });

  it("makes no second Backup after a crash between the Backup and the status", async () => {
    const rig = new Rig();
    await rig.clock.advance(hourMs);
    rig.table.beforeWrite = (write) => {
      if (write === "patch schedules velero/s" && rig.backups.length > 0) throw new KubeError("unavailable", "gone");
    };
    await assert.rejects(rig.settle(), { code: "unavailable" });
    rig.table.beforeWrite = nothing;
    rig.setPhase("s-20240501010000", "Completed");
    rig.restartServer();
    await rig.clock.advance(10_000);
    await rig.settle();
    assert.deepEqual(rig.backupNames, ["s-20240501010000"]);
    assert.ok(rig.schedule.status?.lastBackup !== undefined);
  });

  it("tries again when somebody has taken the name", async () => {
    const rig = new Rig();
    await rig.clock.advance(hourMs);
    rig.table.put(backups, { metadata: { name: "s-20240501010000", namespace }, spec: {} });
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 1000 });
    await rig.clock.advance(1000);
    await rig.settle();
    assert.equal(rig.backupNames[1], "s-20240501010001");
  });

  it("does nothing while it is paused, and makes up for it afterwards with one Backup", async () => {
    const rig = new Rig({ paused: true });
    await rig.clock.advance(5 * hourMs);
    assert.deepEqual(await rig.settle(), {});
    assert.equal(rig.schedule.status?.phase, "Enabled");
    assert.equal(await rig.number("stowage_schedule_next_run_timestamp_seconds"), undefined);
    rig.change({ spec: { ...rig.schedule.spec, paused: false } });
    await rig.settle();
    assert.equal(rig.backups.length, 1);
  });

  it("skips what is due when it says so, once", async () => {
    const rig = new Rig({ skipImmediately: true });
    await rig.clock.advance(1.5 * hourMs);
    await rig.settle();
    assert.deepEqual(rig.backups, []);
    assert.equal(rig.schedule.status?.lastSkipped, "2024-05-01T01:30:00Z");
    assert.equal(rig.schedule.spec.skipImmediately, false);
    await rig.clock.advance(0.5 * hourMs);
    await rig.settle();
    assert.deepEqual(rig.backupNames, ["s-20240501020000"]);
  });

  it("keeps the wish to skip until it is not paused any more", async () => {
    const rig = new Rig({ skipImmediately: true, paused: true });
    await rig.settle();
    assert.equal(rig.schedule.spec.skipImmediately, true);
  });

  it("skips by the server's flag only where it does not say itself", async () => {
    for (const [skipImmediately, made] of [
      [undefined, 0],
      [null, 0],
      [false, 1],
    ] as const) {
      const rig = new Rig(skipImmediately === undefined ? {} : { skipImmediately });
      rig.restartServer({ skipImmediately: true });
      await rig.clock.advance(1.5 * hourMs);
      await rig.settle();
      assert.equal(rig.backups.length, made, String(skipImmediately));
    }
  });

  it("counts @every from its last Backup", async () => {
    const rig = new Rig({ schedule: "@every 90m" });
    await rig.clock.advance(100 * minuteMs);
    await rig.settle();
    rig.setPhase("s-20240501014000", "Completed");
    await rig.clock.advance(89 * minuteMs);
    assert.deepEqual(await rig.settle(), { requeueAfterMs: minuteMs });
    await rig.clock.advance(minuteMs);
    await rig.settle();
    assert.deepEqual(rig.backupNames, ["s-20240501014000", "s-20240501031000"]);
  });

  it("begins later by its jitter, always by the same for one run", async () => {
    const rig = new Rig({}, { annotations: { "stowage.dev/start-jitter": "40m" } });
    await rig.clock.advance(hourMs);
    const first = await rig.settle();
    rig.restartServer();
    assert.deepEqual(await rig.settle(), first);
    assert.deepEqual(rig.backups, []);
    await rig.clock.advance(40 * minuteMs);
    await rig.settle();
    assert.equal(rig.backups.length, 1);
  });
});

describe("a Schedule that cannot be carried out", () => {
  it("is FailedValidation with the reason, makes nothing, and is Enabled once it was corrected", async () => {
    const rig = new Rig({ schedule: "61 * * * *" });
    await rig.clock.advance(5 * hourMs);
    assert.deepEqual(await rig.reconcile(), {});
    const { phase, validationErrors, conditions } = rig.schedule.status ?? {};
    assert.equal(phase, "FailedValidation");
    assert.match(validationErrors?.[0] ?? "", /"61" is no minute/);
    assert.deepEqual([conditions?.[0]?.status, conditions?.[0]?.reason], ["False", "Invalid"]);
    await rig.reconcile();
    assert.equal(rig.table.writes.length, 1, "the same is not written twice");
    rig.change({ spec: { ...rig.schedule.spec, schedule: "@hourly" } });
    await rig.settle();
    assert.deepEqual([rig.schedule.status?.phase, rig.schedule.status?.validationErrors], ["Enabled", undefined]);
    assert.equal(rig.backups.length, 1);
  });

  it("is told of when it has no spec at all, which the API server takes", async () => {
    const rig = new Rig();
    rig.table.put(schedules, { metadata: { name: "s", namespace } });
    assert.deepEqual(await rig.reconcile(), {});
    assert.equal(rig.schedule.status?.phase, "FailedValidation");
  });

  it("is told of at once when the API server would refuse its Backups", async () => {
    const rig = new Rig();
    rig.table.beforeWrite = (write) => {
      if (write.startsWith("try to create backups")) throw new KubeError("invalid", "labels: 'a b' is none");
    };
    await rig.reconcile();
    assert.equal(rig.schedule.status?.phase, "FailedValidation");
    assert.match(
      rig.schedule.status?.validationErrors?.[0] ?? "",
      /its Backups would be refused: labels: 'a b' is none/,
    );
    rig.table.beforeWrite = nothing;
    await rig.reconcile();
    assert.equal(rig.schedule.status?.phase, "Enabled");
  });

  it("is not asked about again while its template stays the same", async () => {
    const rig = new Rig();
    let tries = 0;
    rig.table.beforeWrite = (write) => {
      if (write.startsWith("try")) tries++;
    };
    for (let times = 0; times < 3; times++) await rig.reconcile();
    assert.equal(tries, 1);
    rig.change({ spec: { ...rig.schedule.spec, template: { ttl: "2h" } } });
    await rig.reconcile();
    assert.equal(tries, 2);
  });

  it("names the annotation that is no duration", async () => {
    const rig = new Rig({}, { annotations: { "stowage.dev/start-jitter": "a while" } });
    await rig.reconcile();
    assert.match(rig.schedule.status?.validationErrors?.[0] ?? "", /stowage\.dev\/start-jitter is no duration/);
  });

  it("keeps its condition in an annotation where the CRD is Velero's, and gives it to no Backup", async () => {
    const rig = new Rig();
    rig.keepsConditions = false;
    await rig.clock.advance(hourMs);
    await rig.settle();
    assert.match(rig.schedule.metadata.annotations?.["stowage.dev/conditions"] ?? "", /"Accepted"/);
    assert.equal(rig.schedule.status?.conditions, undefined);
    assert.equal(rig.backups[0]?.metadata.annotations?.["stowage.dev/conditions"], undefined);
  });
});
