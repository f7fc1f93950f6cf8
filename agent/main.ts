// `stowage agent`: configuration → clients → controllers → signals. Wiring only.

import { randomBytes } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import packageJson from "../package.json" with { type: "json" };
import { defaultVeleroNamespace, nodeAgentName } from "../src/api/names.ts";
import { CrdLookup } from "../src/kube/crd-lookup.ts";
import { EventRecorder } from "../src/kube/events.ts";
import { connectToCluster } from "../src/kube/kube-connection.ts";
import { TypedClient } from "../src/kube/typed-client.ts";
import { systemClock } from "../src/platform/clock.ts";
import { asCodedError, errorFacts, explainError } from "../src/platform/coded-error.ts";
import { createLogger, type Logger } from "../src/platform/logger.ts";
import { Metrics, serveMetrics, serveProgramInfo } from "../src/platform/metrics.ts";
import { processUser } from "../src/platform/process-user.ts";
import { SecretValues } from "../src/platform/redaction.ts";
import { listenForShutdown, ShutdownReason } from "../src/platform/shutdown.ts";
import { serveStorageCounts } from "../src/platform/storage-metrics.ts";
import { RepositoryAccess } from "../src/repository-access/repository-access.ts";
import { type AgentConfig, agentUsage, readAgentConfig } from "./agent-config.ts";
import type { AgentContext } from "./agent-context.ts";
import { createAgentMetrics } from "./agent-metrics.ts";
import { KeptLocks } from "./data-path/kept-locks.ts";
import { KeptNotes } from "./data-path/kept-notes.ts";
import { KeptThreads } from "./data-path/kept-threads.ts";
import { workWithin } from "./data-path/memory-limit.ts";
import { ClusterRepositories } from "./data-path/repository-source.ts";
import { Slots } from "./data-path/slots.ts";
import { Throttle } from "./data-path/throttle.ts";
import { AgentDoctor } from "./doctor/agent-doctor.ts";
import { allChecks } from "./doctor/checks.ts";
import { createPatient } from "./doctor/create-patient.ts";
import { checkHostPods } from "./host-volumes/check-host-pods.ts";
import { NodeSettings } from "./node-settings/node-settings.ts";
import { PressureWatch } from "./node-settings/pressure.ts";
import { patiently } from "./patiently.ts";
import { VolumeControllers } from "./volume-controllers.ts";
import { serveEngine } from "./volume-metrics.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param argv what follows the role's name.
 * @returns the exit status: 0 after an orderly end, 1 when it could not start.
 */
export async function main(argv: readonly string[], env: Environment): Promise<number> {
  let config: AgentConfig | undefined;
  try {
    config = readAgentConfig(argv, env);
  } catch (error) {
    process.stderr.write(`${explainError(error)}\n`);
    return 1;
  }
  if (config === undefined) {
    process.stdout.write(agentUsage);
    return 0;
  }
  const secrets = new SecretValues();
  const log = createLogger({ level: config.logLevel, format: config.logFormat, secrets });
  for (const warning of config.warnings) log.warn(warning);
  const shutdown = listenForShutdown();
  try {
    await runAgent(config, { log, secrets, signal: shutdown.signal });
    return 0;
  } catch (error) {
    // An end that was asked for during the start is an orderly end, too.
    if (shutdown.signal.aborted && shutdown.signal.reason instanceof ShutdownReason) return 0;
    log.error("the agent cannot run", { ...errorFacts(error), hint: asCodedError(error)?.hint });
    return 1;
  } finally {
    shutdown.dispose();
  }
}

const flushLimitMs = 3000;

interface Process {
  readonly log: Logger;
  readonly secrets: SecretValues;
  readonly signal: AbortSignal;
}

async function runAgent(config: AgentConfig, process_: Process): Promise<void> {
  const { signal } = process_;
  const metrics = new Metrics({ processMetrics: true });
  const context = createContext(config, metrics, process_.log);
  const server: { controllers?: VolumeControllers } = {};
  const doctor = createDoctor(context, process_.secrets);
  const metricsServer = await serveMetrics({
    address: config.metricsAddress,
    metrics,
    isReady: () => server.controllers?.isSynced === true,
    obstacles: () => doctor.obstacles,
  });
  process_.log.info("serving metrics", { port: metricsServer.port });
  const access = createAccess(context, process_.secrets);
  serveAgentMetrics(metrics, context, access);
  const examined = new AbortController();
  const examination = doctor.run(AbortSignal.any([signal, examined.signal]));
  try {
    await patiently(context, signal, () => reportHostPods(context, signal));
    const slots = new Slots(1);
    const settings = followSettings(context, slots);
    await patiently(context, signal, () => settings.load(signal));
    const repositories = createRepositories(context, access);
    const volumes = new VolumeControllers({
      context,
      repositories,
      slots,
      metrics,
    });
    server.controllers = volumes;
    await settings.runWhile(() => volumes.run(signal));
  } catch (error) {
    if (!signal.aborted) await doctor.recordEnd(error, AbortSignal.timeout(flushLimitMs));
    throw error;
  } finally {
    examined.abort(new Error("the agent ends"));
    await examination;
    // Events are a courtesy: an API server that is away must not hold up the end.
    await Promise.race([context.events.flush(), context.clock.sleep(flushLimitMs)]);
    await context.locks.close();
    await context.threads.close();
    await access.close();
    await metricsServer.close();
    process_.log.info("the agent has ended");
  }
}

/** What is read elsewhere when somebody asks. */
function serveAgentMetrics(metrics: Metrics, { locks, threads }: AgentContext, access: RepositoryAccess): void {
  serveProgramInfo(metrics, { version: packageJson.version, role: "agent" });
  serveStorageCounts(metrics, () => access.traffic);
  serveEngine(metrics, {
    memory: () => threads.memory,
    lockWaitMs: () => locks.longestWaitMs,
    lockHeldMs: () => locks.longestHeldMs,
  });
}

function createContext(config: AgentConfig, metrics: Metrics, log: Logger): AgentContext {
  const connection = connectToCluster(config.kubeconfig);
  const client = new TypedClient({ connection });
  const namespace = config.namespace ?? connection.namespace ?? defaultVeleroNamespace;
  const agentId = `${config.nodeName}/${randomBytes(6).toString("hex")}`;
  const maxThreads = workWithin(process.constrainedMemory()).threads;
  const throttle = new Throttle(systemClock, Math.min(availableParallelism(), maxThreads ?? Number.POSITIVE_INFINITY));
  return {
    config,
    namespace,
    agentId,
    client,
    crds: new CrdLookup({ client }),
    events: new EventRecorder({ client, log, component: nodeAgentName, host: config.nodeName }),
    metrics: createAgentMetrics(metrics),
    threads: new KeptThreads(systemClock, maxThreads, throttle.gate),
    locks: new KeptLocks(systemClock),
    notes: new KeptNotes({ scratchDir: config.scratchDir, clock: systemClock, log }),
    throttle,
    clock: systemClock,
    log,
  };
}

function createDoctor(context: AgentContext, secrets: SecretValues): AgentDoctor {
  const { config, client, namespace, clock, events, log } = context;
  const onSecret = (value: string): void => secrets.add(value);
  const patient = createPatient({ ...config, place: "pod", client, namespace, onSecret, clock });
  return new AgentDoctor({ patient, checks: allChecks, events, log, redact: (text) => secrets.redact(text) });
}

function createAccess(context: AgentContext, secrets: SecretValues): RepositoryAccess {
  const { cacheDirectory: directory, cacheMaxBytes: maxBytes } = context.config;
  const onWarning = (message: string): void => context.log.warn(message);
  return new RepositoryAccess({
    client: context.client,
    namespace: context.namespace,
    onSecret: (value) => secrets.add(value),
    clock: () => context.clock.now(),
    requests: {
      connections: workWithin(process.constrainedMemory()).connections,
      bandwidth: context.throttle.bandwidth,
    },
    cache: directory === undefined ? undefined : { directory, maxBytes, removeOld: true, onWarning },
    identity: {
      hostname: hostname(),
      pid: process.pid,
      ...processUser(),
      extra: { node: context.config.nodeName, pod: processIdOf(context) },
    },
  });
}

function createRepositories(context: AgentContext, access: RepositoryAccess): ClusterRepositories {
  const { client, namespace, config, clock, log } = context;
  return new ClusterRepositories({
    ...{ access, client, namespace, clock, log },
    nodeName: config.nodeName,
    processId: processIdOf(context),
    resourceTimeoutMs: config.resourceTimeoutMs,
  });
}

/** Unique to this process even where a restarted container has the same host name and process id as the one before. */
function processIdOf(context: AgentContext): string {
  return context.agentId.slice(context.config.nodeName.length + 1);
}

async function reportHostPods(context: AgentContext, signal: AbortSignal): Promise<void> {
  const { client, clock, config, log } = context;
  const { hostPodsDir, nodeName } = config;
  const isThere = await checkHostPods({ client, clock, hostPodsDir, nodeName, signal });
  if (!isThere) log.warn("the host's pods directory is not mounted: volumes cannot be backed up", { hostPodsDir });
}

function followSettings(context: AgentContext, slots: Slots): NodeSettings {
  const { log, clock, events, throttle, config, metrics } = context;
  slots.onChange((used) => metrics.slotsUsed.set(used));
  const node = { apiVersion: "v1", kind: "Node", name: config.nodeName, namespace: "default", uid: config.nodeName };
  const pressure = new PressureWatch({
    ...{ directory: "/proc/pressure", clock, log },
    onShare: (share) => throttle.setShare(share),
    onUnavailable: (message) => {
      log.warn(message);
      events.record(node, { type: "Warning", reason: "PressureUnknown", message });
    },
  });
  return new NodeSettings({ context, slots, pressure });
}
