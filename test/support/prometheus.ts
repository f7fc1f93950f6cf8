// A real Prometheus on the loopback address that scrapes some processes every second, and what manifests/monitoring says to
// one.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import { prometheusBinary } from "./peers.ts";
import { freePort, type RunningProcess, startProcess } from "./processes.ts";

const monitoring = join(import.meta.dirname, "..", "..", "manifests", "monitoring");

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface AlertGroup {
  readonly name: string;
  readonly rules: readonly Alert[];
}

/** Of the PrometheusRule. */
export function alertGroups(): readonly AlertGroup[] {
  const text = readFileSync(join(monitoring, "prometheus-rule.yaml"), "utf8");
  return (parse(text) as { spec: { groups: AlertGroup[] } }).spec.groups;
}

export interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Of the dashboard, rows left out. */
export function dashboardPanels(): readonly Panel[] {
  const { panels } = JSON.parse(readFileSync(join(monitoring, "dashboard.json"), "utf8")) as { panels: Panel[] };
  return panels.filter(({ type }) => type !== "row");
}

/** Name of each PodMonitor and the job that it gives its targets. */
export function monitoredJobs(): ReadonlyMap<string, string> {
  const documents = parseAllDocuments(readFileSync(join(monitoring, "pod-monitors.yaml"), "utf8"));
  const monitors = documents.map((document) => document.toJS() as PodMonitor);
  return new Map(
    monitors.map(({ metadata, spec }) => {
      const relabelings = spec.podMetricsEndpoints[0]?.relabelings ?? [];
      const job = relabelings.find(({ targetLabel }) => targetLabel === "job")?.replacement ?? "";
      return [metadata.name, job];
    }),
  );
}

interface PodMonitor {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly podMetricsEndpoints: readonly {
      readonly relabelings?: readonly { readonly targetLabel: string; readonly replacement?: string }[];
    }[];
  };
}

/** Writes the groups as a file of rules. */
export function writeRules(file: string, groups: readonly AlertGroup[]): void {
  writeFileSync(file, stringify({ groups }));
}

export interface Target {
  readonly port: number;
  /** As a PodMonitor would give them. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Prometheus {
  readonly process: RunningProcess;
  /** An instant query. @throws Error with Prometheus' words */
  query(expr: string): Promise<readonly Series[]>;
  /** GET below /api/v1. */
  get(path: string): Promise<unknown>;
}

/** @param folder an empty one; holds its configuration and data. */
export async function startPrometheus(folder: string, targets: readonly Target[]): Promise<Prometheus> {
  const rules = join(folder, "rules.yaml");
  writeRules(rules, alertGroups());
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [rules],
    scrape_configs: targets.map(({ port, labels: { job, ...labels } }) => ({
      job_name: job,
      honor_labels: true,
      static_configs: [{ targets: [`127.0.0.1:${port}`], labels }],
    })),
  };
  writeFileSync(join(folder, "prometheus.yaml"), stringify(config));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const running = await startProcess(prometheusBinary("prometheus"), {
    name: "prometheus",
    args: [
      `--config.file=${join(folder, "prometheus.yaml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    isReady: async () => (await fetch(`${base}/-/ready`)).ok,
  });
  const get = async (path: string): Promise<unknown> => {
    const answer = (await (await fetch(`${base}/api/v1/${path}`)).json()) as { data?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(`${decodeURIComponent(path)}: ${answer.error}`);
    return answer.data;
  };
  const query = async (expr: string): Promise<readonly Series[]> =>
    ((await get(`query?query=${encodeURIComponent(expr)}`)) as { result: Series[] }).result;
  return { process: running, query, get };
}
