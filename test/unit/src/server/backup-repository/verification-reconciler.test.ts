import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import type { BackupRepository } from "../../../../../src/api/backup-repository.ts";
import { backupRepositories, backupStorageLocations } from "../../../../../src/api/resources.ts";
import type { ReconcileResult } from "../../../../../src/kube/controller.ts";
import { InstalledCrd } from "../../../../../src/kube/crd-lookup.ts";
import type { Logger } from "../../../../../src/platform/logger.ts";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { RepositoriesInUse } from "../../../../../src/server/backup-repository/repositories-in-use.ts";
import type { VerifyFacts } from "../../../../../src/server/backup-repository/repository-care.ts";
import { VerificationMetrics } from "../../../../../src/server/backup-repository/verification-metrics.ts";
import { verificationReconciler } from "../../../../../src/server/backup-repository/verification-reconciler.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const namespace = "velero";
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger;
const { signal } = new AbortController();
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const sound: VerifyFacts = { structure: undefined, data: undefined };
const damaged: VerifyFacts = {
  structure: undefined,
  data: { problems: 1, firstProblem: "bit rot, says hunter2", snapshots: ["1a2b3c4d (pod db)"], snapshotCount: 1 },
};

class Rig {
  readonly table = new ObjectTable();
  /** The first of May 2024, 00:00 UTC; the repository was made then. */
  readonly clock = new FakeClock();
  readonly inUse = new RepositoriesInUse();
  readonly metrics = new Metrics();
  readonly events: string[] = [];
  /** The parts that were read, in order. */
  readonly read: number[] = [];
  find: (part: number) => VerifyFacts = () => sound;
  keepsConditions = true;
  readonly #reconcile = verificationReconciler({
    client: this.table.client,
    crds: {
      find: async () =>
        new InstalledCrd(this.keepsConditions ? { properties: { status: { properties: { conditions: {} } } } } : {}),
    },
    namespace,
    clock: this.clock,
    log,
    events: { record: (_, { reason, message }) => void this.events.push(`${reason}: ${message}`) },
    inUse: this.inUse,
    metrics: new VerificationMetrics(this.metrics),
    redact: (text) => text.replaceAll("hunter2", "***"),
    periodMs: 30 * dayMs,
    care: {
      verify: async (_, volumeNamespace, { part, parts }) => {
        assert.deepEqual([volumeNamespace, parts], ["shop", 30]);
        this.read.push(part);
        return this.find(part);
      },
    },
  });

  constructor(change: { phase?: string; type?: "restic" | "kopia"; accessMode?: string; location?: string } = {}) {
    const { phase = "Ready", type = "restic", accessMode = "ReadWrite", location = "Available" } = change;
    this.table.put(backupRepositories, {
      metadata: { name: "r", namespace, creationTimestamp: "2024-05-01T00:00:00Z" },
      spec: {
        volumeNamespace: "shop",
        backupStorageLocation: "default",
        maintenanceFrequency: "1h",
        repositoryType: type,
      },
      status: { phase },
    });
    this.table.put(backupStorageLocations, {
      metadata: { name: "default", namespace },
      spec: { provider: "aws", objectStorage: { bucket: "b" }, accessMode },
      status: { phase: location },
    });
  }

  async reconcile(): Promise<ReconcileResult> {
    return (await this.#reconcile("velero/r", signal)) ?? {};
  }

  /** Whatever it asks for, for so many days. */
  async run(days: number): Promise<void> {
    const endMs = this.clock.now() + days * dayMs;
    for (;;) {
      const { requeueAfterMs } = await this.reconcile();
      if (requeueAfterMs === undefined || this.clock.now() + requeueAfterMs > endMs) break;
      await this.clock.advance(requeueAfterMs);
    }
    await this.clock.advance(endMs - this.clock.now());
  }

  get repository(): BackupRepository {
    return this.table.must<BackupRepository>(backupRepositories, { namespace, name: "r" });
  }

  get verified(): string | undefined {
    const { status, reason } = this.repository.status?.conditions?.find(({ type }) => type === "Verified") ?? {};
    return status === undefined ? undefined : `${status} ${reason}`;
  }

  number(name: string, label = 'repository="r"'): Promise<string | undefined> {
    return this.metrics.text().then((text) => new RegExp(`^${name}{${label}} (.*)$`, "m").exec(text)?.[1]);
  }
}

describe("the verification of a Ready repository", () => {
  it("reads a part a day and says how far it is", async () => {
    const rig = new Rig();
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: hourMs }, "not for long: the clock may be set");
    await rig.run(3.5);
    assert.deepEqual(rig.read, [1, 2, 3]);
    assert.equal(rig.verified, "Unknown VerificationRunning");
    assert.equal(rig.repository.metadata.annotations?.["stowage.dev/last-verified"], undefined);
    assert.equal(rig.table.writes.length, 3, "one write a part");
  });

  it("says when all was read", async () => {
    const rig = new Rig();
    await rig.run(30.5);
    assert.equal(rig.read.length, 30);
    assert.equal(rig.verified, "True AllVerified");
    assert.equal(rig.repository.metadata.annotations?.["stowage.dev/last-verified"], "2024-05-31T00:00:00Z");
    const seconds = String(Date.UTC(2024, 4, 31) / 1000);
    assert.equal(await rig.number("stowage_repository_last_verified_timestamp_seconds"), seconds);
    assert.equal(await rig.number("stowage_repository_verification_total", 'result="sound"'), "30");
  });

  it("names what is damaged, once as an event, until it is repaired", async () => {
    const rig = new Rig();
    rig.find = (part) => (part === 2 ? damaged : sound);
    await rig.run(4.5);
    assert.equal(rig.verified, "False Damaged");
    const message = rig.repository.status?.conditions?.[0]?.message ?? "";
    assert.match(message, /bit rot, says \*\*\*; these snapshots cannot be restored whole: 1a2b3c4d \(pod db\)/);
    assert.doesNotMatch(JSON.stringify(rig.repository), /hunter2/);
    assert.deepEqual(rig.events, [`RepositoryDamaged: ${message}`]);
    assert.equal(await rig.number("stowage_repository_damaged_snapshots"), "1");
    rig.find = () => sound;
    await rig.run(1);
    assert.equal(rig.verified, "Unknown VerificationRunning");
    assert.equal(await rig.number("stowage_repository_damaged_snapshots"), "0");
  });

  it("keeps its findings in annotations where the CRD is Velero's", async () => {
    const rig = new Rig();
    rig.keepsConditions = false;
    rig.find = () => damaged;
    await rig.run(1);
    await rig.reconcile();
    assert.equal(rig.repository.status?.conditions, undefined);
    assert.match(rig.repository.metadata.annotations?.["stowage.dev/conditions"] ?? "", /"Damaged"/);
  });

  it("takes a store that does not answer for no damage, and tries again ten minutes later", async () => {
    const rig = new Rig();
    await rig.clock.advance(dayMs);
    rig.find = () => {
      throw new RepositoryError("storage-unavailable", "away");
    };
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 0 });
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 10 * minuteMs });
    assert.deepEqual([rig.read, rig.table.writes], [[1], []]);
    rig.find = () => sound;
    await rig.clock.advance(10 * minuteMs);
    await rig.reconcile();
    assert.deepEqual([rig.read, rig.verified], [[1, 1], "Unknown VerificationRunning"]);
    assert.equal(await rig.number("stowage_repository_verification_total", 'result="failed"'), "1");
  });

  it("says that it is overdue when that goes on for too long", async () => {
    const rig = new Rig();
    rig.find = () => {
      throw new RepositoryError("storage-unavailable", "away");
    };
    await rig.run(59);
    assert.equal(rig.verified, undefined);
    await rig.run(2);
    assert.equal(rig.verified, "Unknown VerificationOverdue");
    assert.equal(rig.table.writes.length, 1, "once");
  });

  it("waits while the repository is being pruned", async () => {
    const rig = new Rig();
    await rig.clock.advance(dayMs);
    await rig.inUse.use("r", async () => {
      await rig.reconcile();
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 10 * minuteMs }, "and does not ask again and again");
      assert.deepEqual(rig.read, []);
    });
    await rig.clock.advance(10 * minuteMs);
    await rig.reconcile();
    assert.deepEqual(rig.read, [1]);
  });
});

describe("the verification leaves alone", () => {
  it("what is not Ready or cannot be reached, and says so once all is overdue", async () => {
    for (const change of [{ phase: "NotReady" }, { location: "Unavailable" }]) {
      const rig = new Rig(change);
      await rig.run(59);
      assert.equal(rig.verified, undefined);
      await rig.run(2);
      assert.deepEqual([rig.read, rig.verified], [[], "Unknown VerificationOverdue"]);
    }
  });

  it("what lies in a read-only location, and what is none of restic's", async () => {
    for (const change of [{ accessMode: "ReadOnly" }, { type: "kopia" } as const]) {
      const rig = new Rig(change);
      await rig.run(100);
      assert.deepEqual([rig.read, rig.table.writes], [[], []]);
    }
  });
});
