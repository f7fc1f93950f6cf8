// The agent's controllers and what feeds them: informers on PodVolumeBackups, PodVolumeRestores and this node's pods.

import type { Pod } from "../src/api/core.ts";
import { podVolumeStage } from "../src/api/phases.ts";
import type { PodVolumeBackup } from "../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../src/api/pod-volume-restore.ts";
import { pods, podVolumeBackups, podVolumeRestores } from "../src/api/resources.ts";
import { Controller, controllerMetrics, type Reconcile } from "../src/kube/controller.ts";
import { Informer } from "../src/kube/informer.ts";
import { keyOfObject } from "../src/kube/kube-object.ts";
import { parseTimestamp } from "../src/platform/clock.ts";
import { errorFacts } from "../src/platform/coded-error.ts";
import type { Metrics } from "../src/platform/metrics.ts";
import type { AgentContext } from "./agent-context.ts";
import { Cancellation } from "./data-path/cancellation.ts";
import { DataPathManager } from "./data-path/data-path-manager.ts";
import type { RepositorySource } from "./data-path/repository-source.ts";
import type { Slots } from "./data-path/slots.ts";
import { createBackupWork } from "./pod-volume-backup/backup-work.ts";
import type { BackupResult } from "./pod-volume-backup/status.ts";
import { belongsTo, LocalPods } from "./pod-volume-restore/local-pods.ts";
import { MarkerRemoval } from "./pod-volume-restore/marker-removal.ts";
import { createRestoreWork, type RestoreResult } from "./pod-volume-restore/restore-work.ts";
import { serveVolumes, type WaitingVolumes } from "./volume-metrics.ts";
import { RunningVolumes } from "./volume-work/running-volumes.ts";
import { VolumeOutcomes } from "./volume-work/volume-outcomes.ts";
import { VolumeReconciler } from "./volume-work/volume-reconciler.ts";
import type { VolumeObject } from "./volume-work/volume-work.ts";

export interface VolumeControllersOptions {
  readonly context: AgentContext;
  readonly repositories: RepositorySource;
  readonly slots: Slots;
  readonly metrics: Metrics;
}

/** Reconciles only look and patch, so a few at a time suffice; the data move in the managers. */
const concurrency = 4;

export class VolumeControllers {
  readonly #context: AgentContext;
  readonly #repositories: RepositorySource;
  readonly #backups: Informer<PodVolumeBackup>;
  readonly #restores: Informer<PodVolumeRestore>;
  readonly #pods: Informer<Pod>;
  readonly #localPods: LocalPods;
  readonly #backupManager: DataPathManager<BackupResult>;
  readonly #restoreManager: DataPathManager<RestoreResult>;
  readonly #backupReconciler: VolumeReconciler<PodVolumeBackup, BackupResult>;
  readonly #restoreReconciler: VolumeReconciler<PodVolumeRestore, RestoreResult>;
  readonly #backupController: Controller;
  readonly #restoreController: Controller;
  readonly #removalController: Controller;
  readonly #outcomes = new VolumeOutcomes();
  readonly #running: RunningVolumes;

  constructor(options: VolumeControllersOptions) {
    const { context, repositories, slots } = options;
    const { client, log, clock, namespace, config } = context;
    this.#context = context;
    this.#repositories = repositories;
    this.#backups = new Informer({
      ...{ client, log, clock, namespace, resource: podVolumeBackups },
      filter: (backup) => backup.spec.node === config.nodeName,
      // A claim may have been backed up on another node before.
      onSeen: (backup) => this.#outcomes.noteBackup(backup),
    });
    this.#restores = new Informer({
      ...{ client, log, clock, namespace, resource: podVolumeRestores },
      onSeen: (restore) => this.#outcomes.noteRestore(restore),
    });
    this.#pods = new Informer({
      ...{ client, log, clock, resource: pods },
      fieldSelector: `spec.nodeName=${config.nodeName}`,
    });
    const localPods = new LocalPods(this.#pods);
    this.#localPods = localPods;
    const removal = new MarkerRemoval(context, this.#restores, localPods);
    this.#running = new RunningVolumes(clock, context.metrics.waitedSeconds);
    const shared = { slots, clock, log };
    this.#backupManager = new DataPathManager({
      ...shared,
      onSettled: (name) => this.#backupController.enqueue(name),
    });
    this.#restoreManager = new DataPathManager({
      ...shared,
      onSettled: (name) => this.#restoreController.enqueue(name),
    });
    this.#backupReconciler = new VolumeReconciler({
      ...{ context, informer: this.#backups, manager: this.#backupManager },
      work: this.#running.watch(createBackupWork(context, repositories)),
    });
    this.#restoreReconciler = new VolumeReconciler({
      ...{ context, informer: this.#restores, manager: this.#restoreManager },
      work: this.#running.watch(createRestoreWork(context, repositories, localPods)),
    });
    const metrics = controllerMetrics(options.metrics);
    const controller = (name: string, reconcile: Reconcile) =>
      new Controller({ name, reconcile, concurrency, log, clock, metrics });
    this.#backupController = controller("pod-volume-backup", (name, signal) =>
      this.#backupReconciler.reconcile(name, signal),
    );
    this.#restoreController = controller("pod-volume-restore", (name, signal) =>
      this.#restoreReconciler.reconcile(name, signal),
    );
    this.#removalController = controller("marker-removal", (name, signal) => removal.reconcile(name, signal));
    this.#connect();
    serveVolumes(options.metrics, {
      outcomes: () => this.#outcomes.of(this.#pods.list()),
      running: () => this.#running.list(),
      waiting: (direction) => waitingOf(direction === "backup" ? this.#backups.list() : this.#restoresHere()),
    });
  }

  get isSynced(): boolean {
    return this.#backups.isSynced && this.#restores.isSynced && this.#pods.isSynced;
  }

  /** Runs until the signal fires, then stops the transfers and writes what they have come to. */
  async run(signal: AbortSignal): Promise<void> {
    const informers = [this.#backups, this.#restores, this.#pods];
    // They outlive the signal: settling at the end looks at their objects.
    const running = informers.map((informer) => informer.run(signal));
    await Promise.allSettled(informers.map((informer) => informer.synced));
    if (!signal.aborted) await this.#work(signal);
    await Promise.all(running);
  }

  async #work(signal: AbortSignal): Promise<void> {
    this.#context.log.info("watching for volumes to back up and to restore", { node: this.#context.config.nodeName });
    const orphans = [...this.#backupReconciler.findOrphans(), ...this.#restoreReconciler.findOrphans()];
    void this.#releaseLocksOf(orphans, signal);
    void this.#endRestoresWithoutPod(signal);
    for (const backup of this.#backups.list()) this.#enqueueBackup(backup);
    for (const restore of this.#restores.list()) this.#enqueueRestore(restore);
    const controllers = [this.#backupController, this.#restoreController, this.#removalController];
    await Promise.all(controllers.map((controller) => controller.run(signal)));
    await this.#stop(signal);
  }

  /** The kubelet's grace period bounds this; the requests to the API server get a part of it. */
  async #stop(signal: AbortSignal): Promise<void> {
    const reason = new Cancellation("shutdown", "the agent was asked to end");
    this.#context.log.info("stopping", { reason: String(signal.reason) });
    await Promise.all([this.#backupManager.stop(reason), this.#restoreManager.stop(reason)]);
    const limit = AbortSignal.timeout(10_000);
    await Promise.all([this.#backupReconciler.settleAll(limit), this.#restoreReconciler.settleAll(limit)]);
  }

  #connect(): void {
    this.#backups.onChange(({ object }) => this.#enqueueBackup(object));
    this.#restores.onChange(({ object }) => this.#enqueueRestore(object));
    this.#pods.onChange(({ object }) => {
      for (const restore of this.#restores.list()) if (belongsTo(restore, object)) this.#enqueueRestore(restore);
    });
  }

  #enqueueBackup(backup: PodVolumeBackup): void {
    if (podVolumeStage(backup) === "unclaimed") {
      this.#context.metrics.backupsEnqueued.add(1, { node: this.#context.config.nodeName });
    }
    this.#backupController.enqueue(keyOfObject(backup));
  }

  #enqueueRestore(restore: PodVolumeRestore): void {
    this.#restoreController.enqueue(keyOfObject(restore));
    if (podVolumeStage(restore) === "ended") this.#removalController.enqueue(keyOfObject(restore));
  }

  #restoresHere(): PodVolumeRestore[] {
    return this.#restores.list().filter((restore) => this.#localPods.podOf(restore) !== undefined);
  }

  async #endRestoresWithoutPod(signal: AbortSignal): Promise<void> {
    const unclaimed = this.#restores.list().filter((restore) => podVolumeStage(restore) === "unclaimed");
    try {
      const gone = await this.#localPods.findGone(unclaimed, this.#context.client, signal);
      for (const restore of gone) this.#enqueueRestore(restore);
    } catch (error) {
      // The next agent that starts looks again.
      if (!signal.aborted) this.#context.log.warn("the pods of restores could not be looked for", errorFacts(error));
    }
  }

  /** What was under way when the last process of this node ended has left a lock in its repository. */
  async #releaseLocksOf(orphans: readonly VolumeObject[], signal: AbortSignal): Promise<void> {
    for (const orphan of orphans as readonly (PodVolumeBackup | PodVolumeRestore)[]) {
      const { spec } = orphan;
      const volumeNamespace = "sourceNamespace" in spec ? spec.sourceNamespace : (spec.pod.namespace ?? "");
      const { repoIdentifier, backupStorageLocation: storageLocation } = spec;
      try {
        await this.#repositories.open({ volumeNamespace, storageLocation, repoIdentifier, mayBeNew: false }, signal);
      } catch (error) {
        // The transfer that starts over says it where users look; here it is a lock that may have stayed.
        this.#context.log.debug("a repository could not be looked at for left-over locks", errorFacts(error));
      }
    }
  }
}

function waitingOf(objects: readonly VolumeObject[]): WaitingVolumes {
  const unclaimed = objects.filter((object) => podVolumeStage(object) === "unclaimed");
  const times = unclaimed.map(({ metadata }) => parseTimestamp(metadata.creationTimestamp) ?? Number.POSITIVE_INFINITY);
  const sinceMs = Math.min(...times);
  return { count: unclaimed.length, sinceMs: Number.isFinite(sinceMs) ? sinceMs : undefined };
}
