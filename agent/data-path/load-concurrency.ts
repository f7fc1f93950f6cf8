// How many volumes may be moved at the same time on this node: the rules of `loadConcurrency` in the node-agent
// ConfigMap, as Velero evaluates them.

import type { ConfigMap } from "../../src/api/core.ts";
import type { LabelSelector } from "../../src/api/kube-object.ts";
import { matchesLabels } from "../../src/api/label-selector.ts";
import { ConfigError } from "../../src/platform/config-error.ts";

export interface LoadConcurrency {
  readonly globalConfig?: number;
  readonly perNodeConfig?: readonly { readonly nodeSelector?: LabelSelector; readonly number?: number }[];
}

/** @throws ConfigError "config-map-invalid" as `configContent` does */
export function readLoadConcurrency(configMap: ConfigMap): LoadConcurrency {
  return (configContent(configMap) as { loadConcurrency?: LoadConcurrency }).loadConcurrency ?? {};
}

/**
 * What the node-agent ConfigMap says, Velero's keys and ours.
 * @throws ConfigError "config-map-invalid" unless it has exactly one data key, which holds a JSON object.
 */
export function configContent(configMap: ConfigMap): Readonly<Record<string, unknown>> {
  const values = Object.values(configMap.data ?? {});
  const [text] = values;
  if (text === undefined || values.length !== 1)
    throw invalid(configMap, `has ${values.length} data keys instead of one`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw invalid(configMap, "does not hold JSON");
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw invalid(configMap, "does not hold a JSON object");
  }
  return content as Readonly<Record<string, unknown>>;
}

/**
 * @param nodeLabels undefined when the node could not be read: only the global number counts then.
 * @returns at least 1. The smallest number of all matching rules wins.
 */
export function concurrencyFor(
  config: LoadConcurrency,
  nodeLabels: Readonly<Record<string, string>> | undefined,
): number {
  const global = isPositive(config.globalConfig) ? config.globalConfig : 1;
  if (nodeLabels === undefined) return global;
  const matching = (config.perNodeConfig ?? [])
    .filter((rule) => isPositive(rule.number) && matchesLabels(rule.nodeSelector ?? {}, nodeLabels) === true)
    .map((rule) => rule.number as number);
  return matching.length === 0 ? global : Math.min(...matching);
}

function isPositive(value: number | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}

function invalid(configMap: ConfigMap, why: string): ConfigError {
  return new ConfigError("config-map-invalid", `the ConfigMap ${configMap.metadata.name} ${why}`);
}
