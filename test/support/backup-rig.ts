// A Backup's reconciler over objects in memory and a clock that the test moves, for its decisions about time and failures.
import type { Backup, BackupStatus } from "../../src/api/backup.ts";
import type { Pod } from "../../src/api/core.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { backupStorageLocations, backups, namespaces, pods, podVolumeBackups } from "../../src/api/resources.ts";
import type { ReconcileResult } from "../../src/kube/controller.ts";
import type { EventText } from "../../src/kube/events.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { Metrics } from "../../src/platform/metrics.ts";
import type { BackupContext } from "../../src/server/backup/backup-context.ts";
import { BackupMetrics } from "../../src/server/backup/backup-metrics.ts";
import { backupReconciler } from "../../src/server/backup/reconciler.ts";
import type { EnsuredRepository } from "../../src/server/backup-repository/ensure-repository.ts";
import { FakeClock } from "./fake-clock.ts";
import { ObjectTable } from "./object-table.ts";

const namespace = "velero";
const nothing = (): void => undefined;

export class BackupRig {
  readonly table: ObjectTable = new ObjectTable();
  readonly clock: FakeClock = new FakeClock();
  readonly events: string[] = [];
  /** By namespace; Ready where nothing is said. */
  readonly repositories: Map<string, EnsuredRepository> = new Map();
  readonly #metrics = new Metrics();
  readonly #context: BackupContext = {
    client: this.table.client,
    namespace,
    clock: this.clock,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger,
    events: { record: (_: unknown, { type, reason }: EventText) => void this.events.push(`${type} ${reason}`) },
    metrics: new BackupMetrics(this.#metrics),
    ensureRepository: async ({ volumeNamespace }) => this.repositories.get(volumeNamespace) ?? { identifier: "s3:x" },
    settings: {
      defaultVolumesToFs: true,
      fsBackupTimeoutMs: 3_600_000,
      backupTtlMs: 86_400_000,
      resourceTimeoutMs: 600_000,
      defaultStorageLocation: "default",
    },
  };
  readonly #reconcile = backupReconciler(this.#context);

  constructor() {
    this.table.put(backupStorageLocations, {
      metadata: { name: "default", namespace },
      spec: { provider: "aws", objectStorage: { bucket: "b" } },
      status: { phase: "Available" },
    });
    const labels = { role: "node-agent" };
    this.#putPod({ metadata: { name: "agent", namespace, labels }, spec: { nodeName: "n1", containers: [] } });
  }

  /** A running pod with one volume. */
  putPod(podNamespace: string, name: string): void {
    this.table.put(namespaces, { metadata: { name: podNamespace } });
    this.#putPod({
      metadata: { name, namespace: podNamespace, uid: `${podNamespace}-${name}` },
      spec: {
        nodeName: "n1",
        volumes: [{ name: "data", emptyDir: {} }],
        containers: [{ name: "c", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
      },
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

  /** Reconciles until it has nothing to do at once. */
  async settle(): Promise<ReconcileResult> {
    for (;;) {
      const result = await this.reconcile();
      if (result.requeueAfterMs !== 0) return result;
    }
  }

  get backup(): Backup {
    return this.table.must<Backup>(backups, { namespace, name: "b" });
  }

  get volumes(): PodVolumeBackup[] {
    return this.table.list<PodVolumeBackup>(podVolumeBackups);
  }

  patchVolumes(change: object): void {
    for (const one of this.volumes) this.table.put(podVolumeBackups, { ...one, ...change });
  }

  async metricsText(): Promise<string> {
    return await this.#metrics.text();
  }

  #putPod(pod: Pod): void {
    this.table.put(pods, { ...pod, status: { phase: "Running" } });
  }
}
