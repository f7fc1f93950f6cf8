// A Backup's reconciler over objects in memory and a clock that the test moves, for its decisions about time and failures.
// Backups that have begun are only noted: what a run does is tested piece by piece, and whole on the real API server.
import type { Backup, BackupStatus } from "../../src/api/backup.ts";
import { backupStorageLocations, backups } from "../../src/api/resources.ts";
import type { ReconcileResult } from "../../src/kube/controller.ts";
import { InstalledCrd } from "../../src/kube/crd-lookup.ts";
import type { EventText } from "../../src/kube/events.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { Metrics } from "../../src/platform/metrics.ts";
import type { BackupContext } from "../../src/server/backup/backup-context.ts";
import { BackupMetrics } from "../../src/server/backup/backup-metrics.ts";
import { backupReconciler } from "../../src/server/backup/reconciler.ts";
import { ActiveRuns } from "../../src/server/backup/run/active-runs.ts";
import type { BegunBackup } from "../../src/server/backup/run/begun-backup.ts";
import { ForeignClaims } from "../../src/server/backup/run/run-claim.ts";
import { Slots } from "../../src/server/backup/run/slots.ts";
import type { EnsuredRepository } from "../../src/server/backup-repository/ensure-repository.ts";
import { FakeClock } from "./fake-clock.ts";
import { ObjectTable } from "./object-table.ts";

const namespace = "velero";
const withConditions = new InstalledCrd(
  { properties: { status: { properties: { conditions: { type: "array" } } } } } as never,
  false,
);

export class BackupRig {
  readonly table: ObjectTable = new ObjectTable();
  readonly clock: FakeClock = new FakeClock();
  readonly events: string[] = [];
  /** What was to be carried out. */
  readonly begun: BegunBackup[] = [];
  /** By namespace; Ready where nothing is said. */
  readonly repositories: Map<string, EnsuredRepository> = new Map();
  readonly context: BackupContext;
  /** What happens to a Backup that has begun. */
  carryOut: () => Promise<void> = async () => undefined;
  readonly #metrics = new Metrics();
  readonly #reconcile: ReturnType<typeof backupReconciler>;

  constructor() {
    this.context = {
      client: this.table.client,
      crds: { find: async () => withConditions },
      namespace,
      clock: this.clock,
      log: silentLogger,
      events: { record: (_: unknown, { type, reason }: EventText) => void this.events.push(`${type} ${reason}`) },
      metrics: new BackupMetrics(this.#metrics),
      ensureRepository: async ({ volumeNamespace }) => this.repositories.get(volumeNamespace) ?? { identifier: "s3:x" },
      openLocationStore: () => Promise.reject(new Error("there is no store")),
      exec: () => Promise.reject(new Error("there are no containers")),
      redact: (text) => text,
      settings: {
        defaultVolumesToFs: true,
        fsBackupTimeoutMs: 3_600_000,
        backupTtlMs: 86_400_000,
        resourceTimeoutMs: 600_000,
        defaultStorageLocation: "default",
        itemBlockWorkers: 1,
        scratchDirectory: "/nowhere",
      },
      process: "me",
      claims: new ForeignClaims(this.clock),
      runs: new ActiveRuns(this.clock),
      slots: new Slots(1),
    };
    this.#reconcile = backupReconciler(this.context, async (begun) => {
      this.begun.push(begun);
      await this.carryOut();
      begun.releaseSlot();
    });
    this.table.put(backupStorageLocations, {
      metadata: { name: "default", namespace },
      spec: { provider: "aws", objectStorage: { bucket: "b" } },
      status: { phase: "Available" },
    });
  }

  putBackup(status: BackupStatus = {}, change: { readonly spec?: object; readonly metadata?: object } = {}): void {
    const creationTimestamp = "2024-05-01T00:00:00Z";
    this.table.put(backups, {
      metadata: { name: "b", namespace, uid: "b-uid", creationTimestamp, ...change.metadata },
      spec: { includedNamespaces: ["app"], ...change.spec },
      status,
    });
  }

  async reconcile(): Promise<ReconcileResult> {
    return (await this.#reconcile(`${namespace}/b`, new AbortController().signal)) ?? {};
  }

  get backup(): Backup {
    return this.table.must<Backup>(backups, { namespace, name: "b" });
  }

  async metricsText(): Promise<string> {
    return await this.#metrics.text();
  }
}
