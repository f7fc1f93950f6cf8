// All metrics of the agent and the server, out of the code that registers them, and the table of them in docs/metrics.md.
import { readAgentConfig } from "../../agent/agent-config.ts";
import type { AgentContext } from "../../agent/agent-context.ts";
import { createAgentMetrics } from "../../agent/agent-metrics.ts";
import { VolumeControllers } from "../../agent/volume-controllers.ts";
import { serveEngine } from "../../agent/volume-metrics.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { type MetricDefinition, Metrics, serveProgramInfo } from "../../src/platform/metrics.ts";
import { serveStorageCounts } from "../../src/platform/storage-metrics.ts";
import { startControllers } from "../../src/server/controllers.ts";
import { readServerConfig } from "../../src/server/server-config.ts";
import type { ServerContext } from "../../src/server/server-context.ts";

/** What serves the metrics of a role, as its main.ts wires it. */
type Role = "agent" | "server";

interface ServedMetric extends MetricDefinition {
  readonly roles: readonly Role[];
}

/** In the order in which they are registered, those of both roles first; the processes' own included. */
export function allMetrics(): readonly ServedMetric[] {
  const byName = new Map<string, ServedMetric>();
  for (const [role, metrics] of [
    ["agent", agentMetrics()],
    ["server", serverMetrics()],
  ] as const) {
    for (const definition of metrics.definitions) {
      const roles = [...(byName.get(definition.name)?.roles ?? []), role];
      byName.set(definition.name, { ...definition, roles });
    }
  }
  return [...byName.values()];
}

function agentMetrics(): Metrics {
  const metrics = new Metrics({ processMetrics: true });
  const config = readAgentConfig([], { NODE_NAME: "n" });
  const context = {
    config,
    namespace: "velero",
    log: silentLogger,
    clock: systemClock,
    metrics: createAgentMetrics(metrics),
  };
  serveShared(metrics, "agent");
  serveEngine(metrics, { memory: () => ({ usedBytes: 0, limitBytes: 0 }), lockWaitMs: () => 0, lockHeldMs: () => 0 });
  // Made, not run: nothing is asked of a cluster.
  new VolumeControllers({
    context: context as unknown as AgentContext,
    repositories: { open: () => Promise.reject(new Error("nobody opens one here")) },
    slots: { onFree: () => undefined } as never,
    metrics,
  });
  return metrics;
}

function serverMetrics(): Metrics {
  const metrics = new Metrics({ processMetrics: true });
  const config = readServerConfig([], {});
  serveShared(metrics, "server");
  const context = { config, namespace: "velero", log: silentLogger, clock: systemClock, metrics };
  startControllers(context as unknown as ServerContext, AbortSignal.abort());
  return metrics;
}

function serveShared(metrics: Metrics, role: Role): void {
  serveProgramInfo(metrics, { version: "", role });
  serveStorageCounts(metrics, () => ({ outcomes: {}, bytesSent: 0, bytesReceived: 0, retries: 0 }));
}

/** The page with each of its marked tables as the code says it now. */
export function renderMetrics(page: string): string {
  const metrics = allMetrics().filter(({ name }) => !/^(process|nodejs)_/.test(name));
  return page.replaceAll(/(<!-- metrics of: ([a-z]+) -->\n).*?(<!-- end -->)/gs, (_part, begin, who: string, end) => {
    const wanted = metrics.filter(({ roles }) => (roles.length === 2 ? "both" : roles[0]) === who);
    const rows = wanted
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, type, labels, help }) => {
        const names = labels.map((label) => `\`${label}\``).join(", ");
        return `| \`${name}\` | ${type} | ${names} | ${help} |`;
      });
    return [begin.trimEnd(), "", "| name | type | labels | |", "|---|---|---|---|", ...rows, "", end].join("\n");
  });
}
