// Entry of `stowage server`: wiring only.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import packageJson from "../../package.json" with { type: "json" };
import { repositoryPasswordSecret } from "../api/names.ts";
import { namespaces } from "../api/resources.ts";
import { CrdLookup } from "../kube/crd-lookup.ts";
import { EventRecorder } from "../kube/events.ts";
import { type PodExec, podExec } from "../kube/exec.ts";
import { connectToCluster } from "../kube/kube-connection.ts";
import { TypedClient } from "../kube/typed-client.ts";
import { reconnectBackoff, retryWithBackoff } from "../platform/backoff.ts";
import { systemClock } from "../platform/clock.ts";
import { errorFacts, explainError } from "../platform/coded-error.ts";
import { createLogger, type Logger } from "../platform/logger.ts";
import { Metrics, serveMetrics, serveProgramInfo } from "../platform/metrics.ts";
import { processUser } from "../platform/process-user.ts";
import { SecretValues } from "../platform/redaction.ts";
import { listenForShutdown } from "../platform/shutdown.ts";
import { serveStorageCounts } from "../platform/storage-metrics.ts";
import { RepositoryAccess } from "../repository-access/repository-access.ts";
import { ensureRepositoryPassword } from "./backup-repository/repository-password.ts";
import { type RunningControllers, startControllers } from "./controllers.ts";
import { locationStoreOpener } from "./location-store/open-location-store.ts";
import { engineCare, type LockOwner } from "./maintenance/engine-care.ts";
import { startDownloads } from "./requests/downloads.ts";
import { makeScratchFolder, removeScratch } from "./scratch-folder.ts";
import { readServerConfig, type ServerConfig, serverUsage } from "./server-config.ts";

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

/** What every part of the process needs. */
interface Process {
  readonly config: ServerConfig;
  readonly client: TypedClient;
  readonly exec: PodExec;
  readonly namespace: string;
  readonly log: Logger;
  readonly secrets: SecretValues;
  readonly metrics: Metrics;
}

async function runServer(config: ServerConfig): Promise<number> {
  const secrets = new SecretValues();
  const log = createLogger({ level: config.logLevel, format: config.logFormat, secrets });
  for (const warning of config.warnings) log.warn(warning);
  const connection = connectToCluster(config.kubeconfig);
  const namespace = config.namespace ?? connection.namespace ?? "velero";
  const metrics = new Metrics({ processMetrics: true });
  const running: { controllers?: RunningControllers } = {};
  const isReady = (): boolean => running.controllers?.isSynced() === true;
  const web = await serveMetrics({ address: config.metricsAddress, metrics, isReady });
  log.info("serving metrics", { port: web.port });
  const shutdown = listenForShutdown();
  try {
    const client = new TypedClient({ connection });
    await work(
      { config, client, exec: podExec(connection), namespace, log, secrets, metrics },
      shutdown.signal,
      running,
    );
    return 0;
  } catch (error) {
    if (shutdown.signal.aborted) return 0;
    throw error;
  } finally {
    await web.close();
    shutdown.dispose();
    log.info("the server has ended");
  }
}

async function work(
  process_: Process,
  signal: AbortSignal,
  running: { controllers?: RunningControllers },
): Promise<void> {
  const { client, exec, namespace, log, secrets, metrics } = process_;
  const clock = systemClock;
  const config = { ...process_.config, scratchDirectory: await makeScratchFolder(process_.config.scratchDirectory) };
  const lockOwner = await patiently(process_, signal, "finding its namespace", () => lockOwnerIn(process_, signal));
  const access = new RepositoryAccess({
    client,
    namespace,
    identity: { ...processIdentity(), extra: lockOwner },
    clock: () => clock.now(),
    onSecret: (value) => secrets.add(value),
    // A store that cannot be reached is soon shown as such, and tried again by the controllers.
    requests: { retry: { maxElapsedMs: 60_000 } },
  });
  serveProgramInfo(metrics, { version: packageJson.version, role: "server" });
  serveStorageCounts(metrics, () => access.traffic);
  const events = new EventRecorder({ client, log, component: "stowage-server", clock });
  const openLocationStore = locationStoreOpener(access);
  const downloads = await startDownloads({ config, openLocationStore, clock, log });
  try {
    await patiently(process_, signal, "making the repositories' password", () => makePassword(process_, signal));
    const context = {
      config,
      client,
      exec,
      crds: new CrdLookup({ client, clock }),
      namespace,
      clock,
      log,
      events,
      metrics,
    };
    const care = engineCare({ access, lockOwner, clock: () => clock.now() });
    const redact = (text: string): string => secrets.redact(text);
    const stores = {
      listTopFolders: access.listTopFolders.bind(access),
      openLocationStore,
      downloads,
    };
    running.controllers = startControllers({ ...context, care, redact, ...stores }, signal);
    log.info("the server is running", { namespace, defaultVolumesToFs: config.defaultVolumesToFs });
    await running.controllers.ended;
  } finally {
    await downloads.close();
    await events.flush();
    await access.close();
    await removeScratch(config.scratchDirectory);
  }
}

/** The namespace's uid tells this installation from others that use the same bucket. */
async function lockOwnerIn({ client, namespace }: Process, signal: AbortSignal): Promise<LockOwner> {
  const { metadata } = await client.get(namespaces, { name: namespace }, { signal });
  return { server: metadata.uid ?? namespace, process: randomBytes(6).toString("hex") };
}

/** A pod's host name is unique in the cluster and changes with the pod, so nobody takes its locks for its own. */
function processIdentity(): { hostname: string; username: string; pid: number; uid: number; gid: number } {
  return { hostname: `${hostname()}.server`, pid: process.pid, ...processUser() };
}

/** Without the Secret no repository can be opened. */
async function makePassword({ client, namespace, log }: Process, signal: AbortSignal): Promise<void> {
  const state = await ensureRepositoryPassword(client, namespace, signal);
  const facts = { namespace, secret: repositoryPasswordSecret.name };
  if (state === "made") {
    log.info("made the Secret with the repositories' password; keep a copy of it outside of the cluster", facts);
  }
  if (state === "refused") {
    const why =
      "the Secret with the repositories' password is gone; put it back: a new one would not open what is stored";
    log.error(why, facts);
  }
}

/** Tries until it succeeds: without the API server there is nothing else to do. */
async function patiently<T>({ log }: Process, signal: AbortSignal, what: string, action: () => Promise<T>): Promise<T> {
  return await retryWithBackoff(action, {
    backoff: reconnectBackoff,
    clock: systemClock,
    maxAttempts: Number.POSITIVE_INFINITY,
    signal,
    shouldRetry: (error) => {
      if (!signal.aborted) log.warn(`${what} failed, will try again`, errorFacts(error));
      return true;
    },
  });
}
