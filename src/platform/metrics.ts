// Numbers for Prometheus and the small HTTP server that shows them: /metrics, /healthz and /readyz. The only file that
// knows prom-client.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { messageOf } from "./coded-error.ts";
import { ConfigError } from "./config-error.ts";
import { parseListenAddress } from "./listen-address.ts";

type Labels = Readonly<Record<string, string>>;

/** One series as it is now. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** What a metric is, without its values. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export interface CounterMetric {
  add(amount: number, labels?: Labels): void;
}

export interface GaugeMetric {
  set(value: number, labels?: Labels): void;
  /** Forgets the series with exactly these labels. */
  remove(labels: Labels): void;
}

export interface HistogramMetric {
  observe(value: number, labels?: Labels): void;
  remove(labels: Labels): void;
}

/** One registry per process (or per test); names follow Prometheus' rules, units are in the names. */
export class Metrics {
  readonly #registry: Registry = new Registry();

  /** With `processMetrics` also CPU, memory and event loop numbers of this process. */
  constructor(options: { readonly processMetrics?: boolean } = {}) {
    if (options.processMetrics === true) collectDefaultMetrics({ register: this.#registry });
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): CounterMetric {
    const metric = new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
    return { add: (amount, labels = {}) => metric.inc({ ...labels }, amount) };
  }

  /** A counter that is kept elsewhere: `read` gives all its series when somebody asks. */
  sampledCounter(name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels = {}, value } of read()) this.inc({ ...labels }, value);
      },
    });
  }

  /** A gauge that is read elsewhere when somebody asks; a series that `read` does not give is gone. */
  sampledGauge(name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        // Without labels a reset leaves a 0 behind, which would say something about nothing.
        if (labelNames.length === 0) this.remove();
        for (const { labels = {}, value } of read()) this.set({ ...labels }, value);
      },
    });
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): GaugeMetric {
    const metric = new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
    return {
      set: (value, labels = {}) => metric.set({ ...labels }, value),
      remove: (labels) => metric.remove({ ...labels }),
    };
  }

  histogram(
    name: string,
    help: string,
    options: { buckets: readonly number[]; labelNames?: readonly string[] },
  ): HistogramMetric {
    const labelNames = [...(options.labelNames ?? [])];
    const metric = new Histogram({
      name,
      help,
      labelNames,
      buckets: [...options.buckets],
      registers: [this.#registry],
    });
    return {
      observe: (value, labels = {}) => metric.observe({ ...labels }, value),
      remove: (labels) => metric.remove({ ...labels }),
    };
  }

  /** Of everything that was registered here, in that order. */
  get definitions(): readonly MetricDefinition[] {
    // The library's own type leaves out what its objects have.
    const metrics = this.#registry.getMetricsAsArray() as unknown as readonly (MetricDefinition & {
      labelNames: string[];
    })[];
    return metrics.map(({ name, help, type, labelNames }) => ({
      name,
      help,
      type,
      labels: labelNames.filter((label) => label !== "le"),
    }));
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** Which program this is; 1 for as long as it runs. */
export function serveProgramInfo(metrics: Metrics, labels: { readonly version: string; readonly role: string }): void {
  metrics.gauge("stowage_info", "1 for a process that runs, by version and role", ["version", "role"]).set(1, labels);
}

export interface MetricsServerOptions {
  /** "host:port", ":port" for all addresses, port 0 for a free one. */
  readonly address: string;
  readonly metrics: Metrics;
  /** False makes the kubelet restart the pod. */
  readonly isHealthy?: () => boolean;
  /** False while the process cannot work yet. */
  readonly isReady?: () => boolean;
  /** What keeps the process from working, one line each; /readyz shows them and is 503 while there are any. */
  readonly obstacles?: () => readonly string[];
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws ConfigError "address-unusable" */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const address = parseListenAddress(options.address);
  if (address === undefined) throw unusable(options.address);
  const { host, port } = address;
  const server = createServer(async (request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    const answer = (status: number, body: string) => {
      response.writeHead(status, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(body);
    };
    if (path === "/metrics") return answer(200, await options.metrics.text());
    if (path === "/healthz") return answerCheck(answer, options.isHealthy);
    if (path === "/readyz") return answerCheck(answer, options.isReady, options.obstacles?.());
    return answer(404, "not found\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(unusable(options.address, error)));
    server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerCheck(
  answer: (status: number, body: string) => void,
  check: (() => boolean) | undefined,
  obstacles: readonly string[] = [],
): void {
  const isFine = obstacles.length === 0 && (check === undefined || check());
  const lines = [isFine ? "ok" : "not ok", ...obstacles];
  answer(isFine ? 200 : 503, lines.map((line) => `${line}\n`).join(""));
}

function unusable(address: string, cause?: Error): ConfigError {
  const why = cause === undefined ? "it is not HOST:PORT" : messageOf(cause);
  return new ConfigError("address-unusable", `cannot serve metrics at ${JSON.stringify(address)}: ${why}`, { address });
}
