// Objects in memory behind the methods of the typed client, for decisions that need a look at a few objects. It stores,
// selects by label and merges patches, and knows nothing else of an API server: what depends on one is tested on the
// real one.

import { KubeError } from "../../src/kube/kube-errors.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";

type Client = Pick<TypedClient, "get" | "find" | "list" | "listPages" | "create" | "mergePatch" | "delete" | "getPath">;
type Json = Record<string, unknown>;

interface StoredObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
}

interface GeneratedName {
  readonly metadata: { readonly name?: string; readonly generateName?: string };
}

interface Resource {
  readonly plural: string;
}

interface Address {
  readonly namespace?: string;
  readonly name: string;
}

interface CreateOptions {
  readonly dryRun?: boolean;
}

export class ObjectTable {
  readonly #objects = new Map<string, StoredObject>();
  /** Every call that changed something: "create podvolumebackups velero/x". */
  readonly writes: string[] = [];
  /** Called before each write; may throw what an API server would answer. */
  beforeWrite: (write: string) => void = () => {};
  #version = 0;
  #generated = 0;

  /** The table as the class that the code under test takes. */
  get client(): TypedClient {
    const client: { [method in keyof Client]: unknown } = {
      get: async (resource: Resource, address: Address) => this.must(resource, address),
      find: async (resource: Resource, address: Address) => this.find(resource, address),
      list: async (resource: Resource, options: { namespace?: string; labelSelector?: string }) => ({
        items: this.list(resource, options),
        resourceVersion: "1",
      }),
      listPages: async function* (this: ObjectTable, resource: Resource, options: { namespace?: string }) {
        yield { items: this.list(resource, options), resourceVersion: "1" };
      }.bind(this),
      create: async (resource: Resource, object: StoredObject, options: CreateOptions = {}) =>
        this.#create(resource, object, options),
      mergePatch: async (resource: Resource, address: Address, patch: Json) => this.#patch(resource, address, patch),
      delete: async (resource: Resource, address: Address) => this.#delete(resource, address),
      getPath: async () => ({}),
    };
    return client as unknown as TypedClient;
  }

  put(resource: Resource, object: object): void {
    const stored = structuredClone(object) as StoredObject & { metadata: Json };
    stored.metadata.resourceVersion = String(++this.#version);
    this.#objects.set(keyOf(resource, stored.metadata as unknown as Address), stored);
  }

  remove(resource: Resource, address: Address): void {
    this.#objects.delete(keyOf(resource, address));
  }

  find<T = Json>(resource: Resource, address: Address): T | undefined {
    return structuredClone(this.#objects.get(keyOf(resource, address))) as T | undefined;
  }

  must<T = Json>(resource: Resource, address: Address): T {
    const found = this.find<T>(resource, address);
    if (found === undefined) throw new KubeError("not-found", `no ${keyOf(resource, address)}`);
    return found;
  }

  list<T = StoredObject>(resource: Resource, options: { namespace?: string; labelSelector?: string } = {}): T[] {
    const wanted = (options.labelSelector ?? "").split(",").filter((part) => part !== "");
    return [...this.#objects]
      .filter(([key]) => key.startsWith(`${resource.plural} `))
      .map(([, object]) => structuredClone(object))
      .filter(({ metadata }) => options.namespace === undefined || metadata.namespace === options.namespace)
      .filter(({ metadata }) => wanted.every((part) => isLabelled(metadata.labels ?? {}, part))) as T[];
  }

  #create(resource: Resource, object: StoredObject & GeneratedName, { dryRun = false }: CreateOptions): unknown {
    const { generateName, name = `${generateName}${++this.#generated}` } = object.metadata;
    const named = { ...object, metadata: { ...object.metadata, name } };
    const key = keyOf(resource, named.metadata);
    if (dryRun) this.beforeWrite(`try to create ${key}`);
    else this.#note(`create ${key}`);
    if (this.#objects.has(key)) throw new KubeError("already-exists", `${key} exists`);
    if (dryRun) return named;
    this.put(resource, named);
    return this.find(resource, named.metadata);
  }

  #delete(resource: Resource, address: Address): void {
    if (this.find(resource, address) === undefined) return;
    this.#note(`delete ${keyOf(resource, address)}`);
    this.remove(resource, address);
  }

  #patch(resource: Resource, address: Address, patch: Json): unknown {
    this.#note(`patch ${keyOf(resource, address)}`);
    const object = this.must<{ metadata: Json }>(resource, address);
    const expected = (patch.metadata as Json | undefined)?.resourceVersion;
    if (expected !== undefined && expected !== object.metadata.resourceVersion)
      throw new KubeError("conflict", `${keyOf(resource, address)} has changed`);
    this.put(resource, merge(object, patch) as object);
    return this.find(resource, address);
  }

  #note(write: string): void {
    this.beforeWrite(write);
    this.writes.push(write);
  }
}

function keyOf(resource: Resource, { namespace, name }: Address): string {
  return `${resource.plural} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

function isLabelled(labels: Record<string, string>, part: string): boolean {
  const [name = "", value] = part.split("=");
  return labels[name] === value;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (patch === undefined || patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const merged: Json = { ...(typeof target === "object" ? (target as Json) : {}) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = merge(merged[name], value);
  }
  return merged;
}
