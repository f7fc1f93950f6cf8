// Entry of `stowage server`: wiring only. Three controllers (BackupStorageLocation, BackupRepository, Backup) over
// informers; they share nothing but the custom resources.
import { hostname, userInfo } from "node:os";
import { labels } from "../api/names.ts";
import { backupRepositories, backupStorageLocations, backups, podVolumeBackups } from "../api/resources.ts";
import { Controller, type ControllerMetrics, controllerMetrics, type Reconcile } from "../kube/controller.ts";
import { Informer } from "../kube/informer.ts";
import { connectToCluster } from "../kube/kube-connection.ts";
import { type AnyKubeObject, keyOfObject, type ResourceDescriptor } from "../kube/kube-object.ts";
import { TypedClient } from "../kube/typed-client.ts";
import { systemClock } from "../platform/clock.ts";
import { errorFacts, explainError } from "../platform/coded-error.ts";
import { createLogger, type Logger } from "../platform/logger.ts";
import { Metrics, serveMetrics } from "../platform/metrics.ts";
import { SecretValues } from "../platform/redaction.ts";
import { listenForShutdown } from "../platform/shutdown.ts";
import { RepositoryAccess } from "../repository-access/repository-access.ts";
import { backupReconciler } from "./backup/reconciler.ts";
import { repositoryEnsurer } from "./backup-repository/ensure-repository.ts";
import { backupRepositoryReconciler } from "./backup-repository/reconciler.ts";
import { ensureRepositoryPassword } from "./backup-repository/repository-password.ts";
import { repositoryCare } from "./maintenance/repository-care.ts";
import { readServerConfig, type ServerConfig, serverUsage } from "./server-config.ts";
import { storageLocationReconciler } from "./storage-location/reconciler.ts";

/** Runs until SIGTERM or SIGINT; returns the exit code. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const config = readServerConfig(argv, env);
    if (config === undefined) {
      process.stdout.write(serverUsage);
      return 0;
    }
    return await runServer(config);
  } catch (error) {
    process.stderr.write(`stowage server: ${explainError(error)}\n`);
    return 1;
  }
}

interface ServerContext {
  readonly config: ServerConfig;
  readonly client: TypedClient;
  readonly namespace: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly access: RepositoryAccess;
}

async function runServer(config: ServerConfig): Promise<number> {
  const secrets = new SecretValues();
  const log = createLogger({ level: config.logLevel, format: config.logFormat, secrets });
  for (const warning of config.warnings) log.warn(warning);
  const connection = connectToCluster(config.kubeconfig);
  const client = new TypedClient({ connection });
  const namespace = config.namespace ?? connection.namespace ?? "velero";
  const metrics = new Metrics({ processMetrics: true });
  const access = new RepositoryAccess({
    client,
    namespace,
    identity: serverIdentity(),
    clock: () => systemClock.now(),
    onSecret: (value) => secrets.add(value),
    // A store that cannot be reached is soon shown as such, and tried again by the controllers.
    retry: { maxElapsedMs: 60_000 },
  });
  const shutdown = listenForShutdown();
  const running = startControllers({ config, client, namespace, log, metrics, access }, shutdown.signal);
  const web = await serveMetrics({ address: config.metricsAddress, metrics, isReady: running.isReady });
  log.info("the server is running", { namespace, defaultVolumesToFs: config.defaultVolumesToFs });
  try {
    await running.ended;
  } finally {
    await web.close();
    await access.close();
    shutdown.dispose();
    log.info("the server has ended");
  }
  return 0;
}

/** A pod's host name is unique in the cluster and changes with the pod, so nobody takes its locks for its own. */
function serverIdentity(): { hostname: string; username: string; pid: number; uid: number; gid: number } {
  const { username, uid, gid } = userInfo();
  return { hostname: `${hostname()}.server`, username, pid: process.pid, uid: Math.max(0, uid), gid: Math.max(0, gid) };
}

interface RunningControllers {
  readonly ended: Promise<void>;
  readonly isReady: () => boolean;
}

function startControllers(context: ServerContext, signal: AbortSignal): RunningControllers {
  const { client, namespace, log, metrics, config, access } = context;
  const clock = systemClock;
  const shared = { client, namespace, clock, log };
  const measured = controllerMetrics(metrics);
  const control = (name: string, concurrency: number, reconcile: Reconcile): Controller =>
    newController({ name, concurrency, reconcile, log, measured });
  const locations = control(
    "storage-location",
    2,
    storageLocationReconciler({
      ...shared,
      listTopFolders: (location, wish) => access.listTopFolders(location, wish),
      validationFrequencyMs: config.storeValidationFrequencyMs,
    }),
  );
  const repositories = control(
    "backup-repository",
    4,
    backupRepositoryReconciler({
      ...shared,
      care: repositoryCare(access),
      maintenanceFrequencyMs: config.maintenanceFrequencyMs,
    }),
  );
  const { resourceTimeoutMs, maintenanceFrequencyMs } = config;
  const ended = metrics.counter("stowage_backups_total", "Backups that ended, by phase", ["phase"]);
  const backupController = control(
    "backup",
    2,
    backupReconciler({
      ...shared,
      ensureRepository: repositoryEnsurer({ client, namespace, clock, resourceTimeoutMs, maintenanceFrequencyMs }),
      defaultVolumesToFs: config.defaultVolumesToFs,
      fsBackupTimeoutMs: config.fsBackupTimeoutMs,
      defaultTtlMs: config.backupTtlMs,
      countEnd: (phase) => ended.add(1, { phase }),
    }),
  );
  const watch = <T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    onObject: (object: T) => void,
  ): Informer<T> => {
    const informer = new Informer({ client, resource, namespace, log });
    informer.onChange(({ object }) => onObject(object));
    return informer;
  };
  const informers = [
    watch(backupStorageLocations, (location) => locations.enqueue(keyOfObject(location))),
    watch(backupRepositories, (repository) => repositories.enqueue(keyOfObject(repository))),
    watch(backups, (backup) => backupController.enqueue(keyOfObject(backup))),
    watch(podVolumeBackups, (one) => {
      const owner = one.metadata.ownerReferences?.find((reference) => reference.kind === "Backup");
      if (owner !== undefined && one.metadata.labels?.[labels.backupUid] !== undefined)
        backupController.enqueue(`${namespace}/${owner.name}`);
    }),
  ];
  const runs = [
    makePassword(context, signal),
    ...informers.map((informer) => informer.run(signal)),
    ...[locations, repositories, backupController].map((controller) => controller.run(signal)),
  ];
  return {
    ended: Promise.all(runs).then(() => undefined),
    isReady: () => informers.every((informer) => informer.isSynced),
  };
}

interface NewController {
  readonly name: string;
  readonly concurrency: number;
  readonly reconcile: Reconcile;
  readonly log: Logger;
  readonly measured: ControllerMetrics;
}

function newController({ measured, ...options }: NewController): Controller {
  return new Controller({ ...options, metrics: measured });
}

/** Tries until the Secret is there: without it no repository can be opened. */
async function makePassword({ client, namespace, log }: ServerContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await ensureRepositoryPassword(client, namespace, signal)) {
        log.info("made the Secret with the repositories' password; keep a copy of it outside of the cluster", {
          namespace,
        });
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      log.warn("the Secret with the repositories' password cannot be made yet", errorFacts(error));
      await systemClock.sleep(2000, signal).catch(() => undefined);
    }
  }
}
