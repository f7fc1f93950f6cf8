// `stowageThrottle` in the node-agent ConfigMap: what the transfers of a node may use, and what counts as pressure. Velero
// passes over keys that it does not know; a wrong one inside of ours is refused, because a limit that is misspelt is none.

import type { ConfigMap } from "../../src/api/core.ts";
import type { LabelSelector } from "../../src/api/kube-object.ts";
import { matchesLabels } from "../../src/api/label-selector.ts";
import { ConfigError } from "../../src/platform/config-error.ts";
import { parseSize } from "../../src/platform/role-flags.ts";
import { configContent } from "../data-path/load-concurrency.ts";
import type { ThrottleLimits } from "../data-path/throttle.ts";

const key = "stowageThrottle";
const limitKeys = ["upload", "download", "concurrentFiles"] as const;
const resources = ["cpu", "io", "memory"] as const;
export type PressureResource = (typeof resources)[number];

export interface PressureSettings {
  /** Percent of the last ten seconds in which something waited for the resource; above it there is pressure. */
  readonly thresholds: Readonly<Partial<Record<PressureResource, number>>>;
  /** The share to which the limits fall at most, above 0 to 1. */
  readonly leastShare: number;
}

export interface ThrottleSettings {
  readonly limits: ThrottleLimits;
  /** Undefined: pressure is of no interest. */
  readonly pressure: PressureSettings | undefined;
}

type Content = Readonly<Record<string, unknown>>;

/** @throws ConfigError "config-map-invalid", naming the key, what it holds and what it should */
export function readThrottleSettings(
  configMap: ConfigMap,
  nodeLabels: Readonly<Record<string, string>>,
): ThrottleSettings {
  const problem = (path: string, wanted: string): ConfigError =>
    new ConfigError("config-map-invalid", `the ConfigMap ${configMap.metadata.name}: ${key}${path} ${wanted}`);
  const content = configContent(configMap)[key];
  if (content === undefined) return { limits: {}, pressure: undefined };
  const all = new Part(content, "", problem);
  all.refuseOthers([...limitKeys, "perNodeConfig", "onPressure"]);
  const rules = all.list("perNodeConfig").filter((rule) => isForNode(rule, nodeLabels));
  return {
    limits: smallest(limitsOf(all), rules.map(limitsOf)),
    pressure: all.has("onPressure") ? pressureOf(all.part("onPressure")) : undefined,
  };
}

/** One object in the JSON, and where it is. */
class Part {
  readonly #content: Content;
  readonly #path: string;
  readonly #problem: (path: string, wanted: string) => ConfigError;

  constructor(content: unknown, path: string, problem: (path: string, wanted: string) => ConfigError) {
    if (typeof content !== "object" || content === null || Array.isArray(content))
      throw problem(path, `must be an object, not ${JSON.stringify(content)}`);
    this.#content = content as Content;
    this.#path = path;
    this.#problem = problem;
  }

  refuseOthers(known: readonly string[]): void {
    const other = Object.keys(this.#content).find((name) => !known.includes(name));
    if (other !== undefined) throw this.refusal(other, `is not known; there are ${known.join(", ")}`);
  }

  has(name: string): boolean {
    return this.#content[name] !== undefined;
  }

  part(name: string): Part {
    return new Part(this.#content[name], `${this.#path}.${name}`, this.#problem);
  }

  list(name: string): Part[] {
    const items = this.#content[name] ?? [];
    if (!Array.isArray(items)) throw this.refusal(name, "must be a list");
    return items.map((item, index) => new Part(item, `${this.#path}.${name}[${index}]`, this.#problem));
  }

  /** Undefined when it is absent. @throws ConfigError when `read` cannot make anything of it */
  value<T>(name: string, wanted: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.#content[name];
    if (value === undefined) return undefined;
    const result = read(value);
    if (result !== undefined) return result;
    throw this.refusal(name, `must be ${wanted}, not ${JSON.stringify(value)}`);
  }

  refusal(name: string, wanted: string): ConfigError {
    return this.#problem(`${this.#path}.${name}`, wanted);
  }
}

function isForNode(rule: Part, nodeLabels: Readonly<Record<string, string>>): boolean {
  rule.refuseOthers(["nodeSelector", ...limitKeys]);
  // Also of rules for other nodes: what is wrong is wrong everywhere.
  limitsOf(rule);
  const wanted = "a label selector";
  return rule.value("nodeSelector", wanted, (value) => matchesLabels(value as LabelSelector, nodeLabels)) ?? true;
}

function limitsOf(part: Part): ThrottleLimits {
  const rate = 'bytes a second above 0, such as "20Mi" or 500000';
  return {
    uploadBytesPerSecond: part.value("upload", rate, (value) => parseSize(String(value))),
    downloadBytesPerSecond: part.value("download", rate, (value) => parseSize(String(value))),
    concurrentFiles: part.value("concurrentFiles", "a whole number above 0", (value) =>
      Number.isInteger(value) && (value as number) > 0 ? (value as number) : undefined,
    ),
  };
}

/** As with loadConcurrency: of all rules that match, the smallest number wins over the general one. */
function smallest(general: ThrottleLimits, rules: readonly ThrottleLimits[]): ThrottleLimits {
  const least = (name: keyof ThrottleLimits): number | undefined => {
    const numbers = rules.flatMap((rule) => rule[name] ?? []);
    return numbers.length === 0 ? general[name] : Math.min(...numbers);
  };
  return {
    uploadBytesPerSecond: least("uploadBytesPerSecond"),
    downloadBytesPerSecond: least("downloadBytesPerSecond"),
    concurrentFiles: least("concurrentFiles"),
  };
}

function pressureOf(part: Part): PressureSettings {
  part.refuseOthers([...resources, "lowestPercent"]);
  const wanted = "a percentage above 0, up to 100";
  const percent = (name: string): number | undefined =>
    part.value(name, wanted, (value) => (typeof value === "number" && value > 0 && value <= 100 ? value : undefined));
  const named = resources.flatMap((name) => {
    const threshold = percent(name);
    return threshold === undefined ? [] : [[name, threshold] as const];
  });
  return { thresholds: Object.fromEntries(named), leastShare: (percent("lowestPercent") ?? 10) / 100 };
}
