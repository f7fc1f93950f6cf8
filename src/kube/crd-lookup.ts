// What the installed CustomResourceDefinitions can hold. CRDs prune fields that they do not know and refuse unknown enum
// values, so one program has to look before it writes to the CRDs of several Velero versions.

import { type Clock, systemClock } from "../platform/clock.ts";
import { KubeError } from "./kube-errors.ts";
import type { AnyKubeObject, ResourceDescriptor } from "./kube-object.ts";
import type { TypedClient } from "./typed-client.ts";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly unknown[];
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

interface CustomResourceDefinition extends AnyKubeObject {
  readonly spec: {
    readonly versions: readonly {
      readonly name: string;
      readonly schema?: { readonly openAPIV3Schema?: Schema };
      readonly subresources?: { readonly status?: unknown };
    }[];
  };
}

const customResourceDefinitions: ResourceDescriptor<CustomResourceDefinition> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  isNamespaced: false,
};

/** The schema of one version of one kind. */
export class InstalledCrd {
  readonly #schema: Schema;
  /** With a status subresource, writes of the status to the main resource are lost silently. */
  readonly hasStatusSubresource: boolean;

  constructor(schema: Schema, hasStatusSubresource = false) {
    this.#schema = schema;
    this.hasStatusSubresource = hasStatusSubresource;
  }

  /** `path` is dotted: "status.incrementalBytes". */
  hasField(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /** The allowed values; undefined when the field is unknown or takes any value. */
  enumValues(path: string): readonly string[] | undefined {
    const found = this.#find(path);
    return found === undefined || found === "anything" ? undefined : (found.enum as readonly string[] | undefined);
  }

  #find(path: string): Schema | "anything" | undefined {
    let schema: Schema = this.#schema;
    for (const step of path.split(".")) {
      const next = schema.properties?.[step];
      if (next === undefined) return schema["x-kubernetes-preserve-unknown-fields"] === true ? "anything" : undefined;
      schema = next;
    }
    return schema;
  }
}

export interface CrdLookupOptions {
  readonly client: TypedClient;
  readonly clock?: Clock;
  /** How long an answer is believed; one minute when absent. CRDs change when Velero is upgraded. */
  readonly maxAgeMs?: number;
}

/** Reads CRDs and remembers them for a while. */
export class CrdLookup {
  readonly #options: CrdLookupOptions;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly crd: InstalledCrd | undefined; readonly readAtMs: number }>();

  constructor(options: CrdLookupOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Undefined when the CRD is not installed, or when the process may not read CRDs. */
  async find(resource: ResourceDescriptor<AnyKubeObject>, signal?: AbortSignal): Promise<InstalledCrd | undefined> {
    const name = `${resource.plural}.${resource.group}`;
    const known = this.#known.get(name);
    const maxAgeMs = this.#options.maxAgeMs ?? 60_000;
    if (known !== undefined && this.#clock.monotonicMs() - known.readAtMs < maxAgeMs) return known.crd;
    const crd = await this.#read(name, resource.version, signal);
    this.#known.set(name, { crd, readAtMs: this.#clock.monotonicMs() });
    return crd;
  }

  async #read(name: string, version: string, signal?: AbortSignal): Promise<InstalledCrd | undefined> {
    try {
      const definition = await this.#options.client.get(customResourceDefinitions, { name }, { signal });
      const served = definition.spec.versions.find((candidate) => candidate.name === version);
      const schema = served?.schema?.openAPIV3Schema;
      return schema === undefined ? undefined : new InstalledCrd(schema, served?.subresources?.status !== undefined);
    } catch (error) {
      if (KubeError.is(error, "not-found") || KubeError.is(error, "forbidden")) return undefined;
      throw error;
    }
  }
}

export interface KeptFields {
  /** The fields that the CRD can hold. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The others, as annotations. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Splits fields into those that the installed CRD keeps and those that it would prune; the latter become annotations
 * `<prefix><field in kebab case>`. With an unknown CRD all fields are sent as they are.
 * @param parent the dotted path of the object that holds the fields, for example "status".
 */
export function keepPrunedFields(
  crd: InstalledCrd | undefined,
  parent: string,
  fields: Readonly<Record<string, unknown>>,
  annotationPrefix: string,
): KeptFields {
  const entries = Object.entries(fields);
  const isKept = ([name]: [string, unknown]) => crd === undefined || crd.hasField(`${parent}.${name}`);
  const pruned = entries.filter((entry) => !isKept(entry) && entry[1] !== undefined && entry[1] !== null);
  return {
    fields: Object.fromEntries(entries.filter(isKept)),
    annotations: Object.fromEntries(pruned.map(([name, value]) => [annotationPrefix + kebabCase(name), textOf(value)])),
  };
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]+/g, (capitals) => `-${capitals.toLowerCase()}`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
