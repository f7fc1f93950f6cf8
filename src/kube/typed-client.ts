// The API server as typed calls: get, list, create, merge patch, delete, watch per resource. Everything else in the
// program talks to Kubernetes through this class.

import { backoffDelayMs } from "../platform/backoff.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { type KubeRequest, requestTime, sendRequest, streamLines } from "./http-transport.ts";
import type { KubeConnection } from "./kube-connection.ts";
import { type ApiStatus, errorOfStatus, KubeError } from "./kube-errors.ts";
import { type AnyKubeObject, apiVersionOf, type ResourceDescriptor, withDefaults } from "./kube-object.ts";
import { describeCall, pathOf, type Query } from "./resource-path.ts";

export interface ObjectAddress {
  readonly name: string;
  /** Required for namespaced resources. */
  readonly namespace?: string | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Writes go to this part of the object, for example "status". */
  readonly subresource?: string;
  /** The server does everything but store. */
  readonly dryRun?: boolean;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects per request; 500 when absent. A function is asked before each. */
  readonly pageSize?: number | (() => number);
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  /** After this time the server ends the watch. */
  readonly timeoutSeconds: number;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** An object to be created: metadata may lack a name when it has generateName. */
export type NewObject<T extends AnyKubeObject> = Omit<T, "metadata"> & {
  readonly metadata: Partial<T["metadata"]>;
};

/** Any part of an object; null deletes a field (RFC 7386). */
export type MergePatch = Readonly<Record<string, unknown>>;

export interface TypedClientOptions {
  readonly connection: KubeConnection;
  readonly clock?: Clock;
  /** For one answer; 30 s when absent. */
  readonly timeoutMs?: number;
}

const retryBackoff = { firstMs: 200, factor: 2, maxMs: 5000, jitter: 0.5 };
const maxAttempts = 4;

/** The server sends a bookmark about once a minute; a watch that says nothing for longer hangs on a dead connection. */
const longestSilenceSeconds = 150;

export class TypedClient {
  readonly #connection: KubeConnection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(options: TypedClientOptions) {
    this.#connection = options.connection;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** @throws KubeError "not-found" and the others of the table */
  async get<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    address: ObjectAddress,
    options: CallOptions = {},
  ): Promise<T> {
    const action = describeCall("get", resource, address);
    const found = await this.#send({ method: "GET", path: pathOf(resource, address), action }, options);
    return withDefaults(resource, found as T);
  }

  /** Undefined instead of "not-found". */
  async find<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    address: ObjectAddress,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      return await this.get(resource, address, options);
    } catch (error) {
      if (KubeError.is(error, "not-found")) return undefined;
      throw error;
    }
  }

  /** All objects, read page by page; one consistent state of the cluster. */
  async list<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    const items: T[] = [];
    let resourceVersion = "";
    for await (const page of this.listPages(resource, options)) {
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  /**
   * The same page by page, for what may be too much to hold at once. Objects lack apiVersion and kind, as in every list.
   * @throws KubeError "gone" when the pages take longer than the server keeps a state (five minutes): list again.
   */
  async *listPages<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    options: ListOptions = {},
  ): AsyncGenerator<ObjectList<T>> {
    const { pageSize = 500 } = options;
    let token: string | undefined;
    do {
      const limit = typeof pageSize === "function" ? pageSize() : pageSize;
      const query = { ...selectorQuery(options), limit: String(limit), continue: token };
      const path = pathOf(resource, { namespace: options.namespace }, query);
      const action = describeCall("list", resource, { namespace: options.namespace });
      const page = (await this.#send({ method: "GET", path, action }, options)) as RawList<T>;
      const items = (page.items ?? []).map((item) => withDefaults(resource, item));
      yield { items, resourceVersion: page.metadata.resourceVersion ?? "" };
      token = page.metadata.continue;
    } while (token !== undefined && token !== "");
  }

  async create<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    object: NewObject<T>,
    options: CallOptions = {},
  ): Promise<T> {
    const namespace = object.metadata.namespace;
    const name = object.metadata.name ?? (object.metadata as { generateName?: string }).generateName ?? "";
    const body = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
    const path = pathOf(resource, { namespace }, dryRunQuery(options));
    const action = describeCall("create", resource, { namespace, name });
    return (await this.#send({ method: "POST", path, action, body }, options)) as T;
  }

  /**
   * RFC 7386 merge patch of the main resource.
   * With a `metadata.resourceVersion` inside the patch it fails with "conflict" when the object has changed.
   */
  async mergePatch<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    address: ObjectAddress,
    patch: MergePatch,
    options: CallOptions = {},
  ): Promise<T> {
    const path = pathOf(resource, { ...address, subresource: options.subresource }, dryRunQuery(options));
    const contentType = "application/merge-patch+json";
    const action = describeCall("patch", resource, address);
    const patched = await this.#send({ method: "PATCH", path, action, body: patch, contentType }, options);
    return withDefaults(resource, patched as T);
  }

  /** Writes the whole object; its resourceVersion must be the stored one. */
  async replace<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    const path = pathOf(resource, { name, namespace, subresource: options.subresource }, dryRunQuery(options));
    const body = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
    return (await this.#send(
      { method: "PUT", path, action: describeCall("update", resource, object.metadata), body },
      options,
    )) as T;
  }

  /** Absent is success. Dependents are deleted in the background. */
  async delete<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    address: ObjectAddress,
    options: CallOptions & { readonly uid?: string; readonly gracePeriodSeconds?: number } = {},
  ): Promise<void> {
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: "Background",
      ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
      ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
    };
    const path = pathOf(resource, address, dryRunQuery(options));
    try {
      await this.#send({ method: "DELETE", path, action: describeCall("delete", resource, address), body }, options);
    } catch (error) {
      if (!KubeError.is(error, "not-found")) throw error;
    }
  }

  /**
   * Changes after `resourceVersion`, in order, until the server ends the watch.
   * @throws KubeError "gone" when that version is too old: list again.
   */
  async *watch<T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const action = describeCall("watch", resource, { namespace: options.namespace });
    const query = {
      ...selectorQuery(options),
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(options.timeoutSeconds),
    };
    const path = pathOf(resource, { namespace: options.namespace }, query);
    const timeoutMs = Math.min(options.timeoutSeconds + 15, longestSilenceSeconds) * 1000;
    const lines = streamLines(this.#connection, { method: "GET", path, action, timeoutMs, signal: options.signal });
    for await (const line of lines) yield watchEventOf(resource, line, action);
  }

  /** Any path of the API server: /version, /openapi/v3, a pod's log. */
  async getPath(path: string, options: CallOptions & { readonly accept?: string } = {}): Promise<unknown> {
    return await this.#send({ method: "GET", path, action: `get ${path}`, accept: options.accept }, options);
  }

  /** The API server's clock in milliseconds since the epoch, to half a second; undefined when it does not say. */
  async serverTime(options: CallOptions = {}): Promise<number | undefined> {
    const { signal } = options;
    const request = { method: "GET", path: "/version", action: "ask for the time" } as const;
    return await requestTime(this.#connection, { ...request, timeoutMs: this.#timeoutMs, signal });
  }

  /** Retries what the server asked to retry, and lost connections where a repetition can do no harm. */
  async #send(request: Omit<KubeRequest, "timeoutMs" | "signal">, options: CallOptions): Promise<unknown> {
    const { signal } = options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await sendRequest(this.#connection, { ...request, timeoutMs: this.#timeoutMs, signal });
      } catch (error) {
        if (attempt + 1 >= maxAttempts || !isWorthRepeating(error, request.method)) throw error;
        const asked = (error as KubeError).retryAfterSeconds;
        const delayMs = asked === undefined ? backoffDelayMs(attempt, retryBackoff) : Math.min(asked, 30) * 1000;
        await this.#clock.sleep(delayMs, signal);
      }
    }
  }
}

interface RawList<T> {
  readonly items?: readonly T[];
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
}

function isWorthRepeating(error: unknown, method: KubeRequest["method"]): boolean {
  if (!KubeError.is(error, "unavailable")) return false;
  const { httpStatus, systemCode, isReusedSocket } = error.details;
  if (httpStatus === 429) return true;
  // A create that was perhaps carried out would be made twice (generateName). It cannot have been without a connection,
  // nor on an idle one that the server had closed.
  return method !== "POST" || systemCode === "ECONNREFUSED" || (systemCode === "ECONNRESET" && isReusedSocket === true);
}

function selectorQuery(options: ListOptions): Query {
  return { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
}

function dryRunQuery(options: CallOptions): Query {
  return options.dryRun === true ? { dryRun: "All" } : {};
}

function watchEventOf<T extends AnyKubeObject>(
  resource: ResourceDescriptor<T>,
  line: string,
  action: string,
): WatchEvent<T> {
  const event = JSON.parse(line) as { type: string; object: unknown };
  if (event.type === "ERROR") {
    const status = event.object as ApiStatus;
    throw errorOfStatus(status.code ?? 500, status, action);
  }
  const object = event.object as T;
  if (event.type === "BOOKMARK") return { type: "BOOKMARK", resourceVersion: object.metadata.resourceVersion ?? "" };
  return { type: event.type as "ADDED" | "MODIFIED" | "DELETED", object: withDefaults(resource, object) };
}
