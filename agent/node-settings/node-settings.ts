// Keeps this node's settings as the node-agent ConfigMap says, also when that changes while the agent runs. A ConfigMap that
// cannot be used changes nothing: the log and an event at the ConfigMap say what is wrong with it.

import type { ConfigMap } from "../../src/api/core.ts";
import { legacyNodeAgentConfigMap } from "../../src/api/names.ts";
import { configMaps, nodes } from "../../src/api/resources.ts";
import { involvedObject } from "../../src/kube/events.ts";
import { Informer } from "../../src/kube/informer.ts";
import { asCodedError, errorFacts, explainError } from "../../src/platform/coded-error.ts";
import type { AgentContext } from "../agent-context.ts";
import { concurrencyFor, readLoadConcurrency } from "../data-path/load-concurrency.ts";
import type { Slots } from "../data-path/slots.ts";
import type { PressureWatch } from "./pressure.ts";
import { readThrottleSettings, type ThrottleSettings } from "./throttle-settings.ts";

export interface NodeSettingsOptions {
  readonly context: AgentContext;
  readonly slots: Slots;
  readonly pressure: PressureWatch;
}

interface Settings extends ThrottleSettings {
  /** Volumes at a time. */
  readonly concurrency: number;
}

const defaults: Settings = { concurrency: 1, limits: {}, pressure: undefined };

export class NodeSettings {
  readonly #options: NodeSettingsOptions;
  readonly #name: string;
  #nodeLabels: Readonly<Record<string, string>> | undefined;
  #configMap: ConfigMap | undefined;
  /** As text, of what holds now. */
  #applied = "";

  constructor(options: NodeSettingsOptions) {
    this.#options = options;
    this.#name = options.context.config.nodeAgentConfigMap ?? legacyNodeAgentConfigMap;
  }

  /** Call once, before the first transfer. @throws KubeError when the API server is away */
  async load(signal: AbortSignal): Promise<void> {
    const { client, config, namespace, log } = this.#options.context;
    this.#configMap = await client.find(configMaps, { namespace, name: this.#name }, { signal });
    if (this.#configMap === undefined && config.nodeAgentConfigMap !== undefined) {
      log.warn("the node-agent ConfigMap does not exist; defaults are used", { configMap: this.#name });
    }
    try {
      const node = await client.find(nodes, { name: config.nodeName }, { signal });
      this.#nodeLabels = node?.metadata.labels ?? {};
    } catch (error) {
      if (asCodedError(error)?.retry !== "never") throw error;
      log.warn("the labels of this node cannot be read; no rule of the ConfigMap matches it", errorFacts(error));
    }
    this.#apply(defaults);
    this.#take(this.#configMap);
  }

  /** Follows the ConfigMap and the node's pressure for as long as the work lasts. */
  async runWhile(work: () => Promise<void>): Promise<void> {
    const end = new AbortController();
    const following = this.#follow(end.signal);
    try {
      await work();
    } finally {
      end.abort();
      await following;
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { client, log, clock, namespace } = this.#options.context;
    const informer = new Informer({
      ...{ client, log, clock, namespace, resource: configMaps },
      fieldSelector: `metadata.name=${this.#name}`,
    });
    informer.onChange(({ type, object }) => {
      // The first list tells what is known already.
      if (object.metadata.resourceVersion === this.#configMap?.metadata.resourceVersion && type !== "deleted") return;
      this.#configMap = type === "deleted" ? undefined : object;
      this.#take(this.#configMap);
    });
    const isGone = (): boolean => informer.list().length === 0 && this.#configMap !== undefined;
    informer.synced.then(
      () => isGone() && this.#take(undefined),
      () => undefined,
    );
    await Promise.all([informer.run(signal), this.#options.pressure.run(signal)]);
  }

  #take(configMap: ConfigMap | undefined): void {
    const { events, log } = this.#options.context;
    try {
      this.#apply(configMap === undefined ? defaults : this.#read(configMap));
    } catch (error) {
      const message = `the node-agent ConfigMap cannot be used, what held before still does: ${explainError(error)}`;
      log.warn(message, { configMap: this.#name });
      if (configMap === undefined) return;
      events.record(involvedObject(configMaps, configMap), { type: "Warning", reason: "ConfigInvalid", message });
    }
  }

  #read(configMap: ConfigMap): Settings {
    const concurrency = concurrencyFor(readLoadConcurrency(configMap), this.#nodeLabels);
    return { concurrency, ...readThrottleSettings(configMap, this.#nodeLabels ?? {}) };
  }

  #apply(settings: Settings): void {
    const text = JSON.stringify(settings);
    if (text === this.#applied) return;
    this.#applied = text;
    const { slots, pressure, context } = this.#options;
    const { concurrency, limits } = settings;
    slots.resize(concurrency);
    context.metrics.slots.set(concurrency);
    context.throttle.setLimits(limits);
    pressure.configure(settings.pressure);
    const slowDown = settings.pressure === undefined ? undefined : JSON.stringify(settings.pressure.thresholds);
    context.log.info("settings of this node", { volumesAtATime: concurrency, ...limits, onPressure: slowDown });
  }
}
