// A local copy of the objects of one resource, kept current by list and watch: resumes where a watch ended, lists again
// when the server has forgotten that version, and backs off when the server is away.

import { backoffDelayMs, reconnectBackoff } from "../platform/backoff.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { errorFacts } from "../platform/coded-error.ts";
import type { Logger } from "../platform/logger.ts";
import { KubeError } from "./kube-errors.ts";
import type { AnyKubeObject, ResourceDescriptor } from "./kube-object.ts";
import { type ObjectChange, ObjectStore } from "./object-store.ts";
import type { TypedClient } from "./typed-client.ts";

export interface InformerOptions<T extends AnyKubeObject> {
  readonly client: TypedClient;
  readonly resource: ResourceDescriptor<T>;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Objects for which this is false are treated as if they did not exist. */
  readonly filter?: (object: T) => boolean;
  /** Called with every object that is listed or watched and is there, wanted or not; must not throw. */
  readonly onSeen?: (object: T) => void;
  /** Length of one watch request; 5 to 10 minutes when absent. */
  readonly watchSeconds?: number;
}

const healthyWatchMs = 5000;
const watchEndedEarly: KubeError = new KubeError("unavailable", "the server ended the watch");

export class Informer<T extends AnyKubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #store = new ObjectStore<T>();
  readonly #listeners: ((change: ObjectChange<T>) => void)[] = [];
  readonly #firstList = Promise.withResolvers<void>();
  #isSynced = false;
  #resourceVersion: string | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    // A run that ends before its first list is reported by run(); nobody need wait for this promise.
    this.#firstList.promise.catch(() => undefined);
  }

  /** Called for every change, in order; must not throw and must not block. Register before run(). */
  onChange(listener: (change: ObjectChange<T>) => void): void {
    this.#listeners.push(listener);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#store.get(namespace === "" ? name : `${namespace}/${name}`);
  }

  list(): T[] {
    return [...this.#store.values()];
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when the first list is in the store and its listeners were called; rejects when run() ends before. */
  get synced(): Promise<void> {
    return this.#firstList.promise;
  }

  /** Runs until the signal fires; failures of the server are logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const startMs = this.#clock.monotonicMs();
      let error: unknown = watchEndedEarly;
      try {
        await this.#listOnce(signal);
        await this.#watchOnce(signal);
      } catch (thrown) {
        error = thrown;
      }
      // A watch that lived for a while is proof that all is well, however it ended.
      const wasLong = this.#clock.monotonicMs() - startMs > healthyWatchMs;
      failures = wasLong ? 0 : failures + 1;
      if (KubeError.is(error, "gone")) this.#resourceVersion = undefined;
      if (signal.aborted || (wasLong && error === watchEndedEarly)) continue;
      await this.#pause(error, failures - 1, signal);
    }
    this.#firstList.reject(new KubeError("cancelled", "the informer was stopped before its first list"));
  }

  async #listOnce(signal: AbortSignal): Promise<void> {
    if (this.#resourceVersion !== undefined) return;
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options;
    const list = await client.list(resource, { namespace, labelSelector, fieldSelector, signal });
    const wanted = list.items.map(withoutManagedFields).filter((object) => this.#isWanted(object));
    for (const change of this.#store.replaceAll(wanted)) this.#notify(change);
    this.#resourceVersion = list.resourceVersion;
    this.#isSynced = true;
    this.#firstList.resolve();
  }

  async #watchOnce(signal: AbortSignal): Promise<void> {
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options;
    const events = client.watch(resource, {
      namespace,
      labelSelector,
      fieldSelector,
      signal,
      resourceVersion: this.#resourceVersion ?? "",
      timeoutSeconds: this.#options.watchSeconds ?? 300 + Math.floor(Math.random() * 300),
    });
    for await (const event of events) {
      if (event.type === "BOOKMARK") {
        this.#resourceVersion = event.resourceVersion;
        continue;
      }
      const object = withoutManagedFields(event.object);
      const isPresent = event.type !== "DELETED" && this.#isWanted(object);
      this.#notify(isPresent ? this.#store.put(object) : this.#store.remove(object));
      this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
    }
  }

  async #pause(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const delayMs = backoffDelayMs(Math.max(0, failures), reconnectBackoff);
    const facts = { resource: this.#options.resource.plural, delaySeconds: Math.round(delayMs / 1000) };
    const log = KubeError.is(error, "gone") || error === watchEndedEarly ? "debug" : "warn";
    this.#options.log[log]("watching was interrupted, will try again", { ...facts, ...errorFacts(error) });
    // Only the signal ends a sleep early; the loop looks at it.
    await this.#clock.sleep(delayMs, signal).catch(() => undefined);
  }

  #isWanted(object: T): boolean {
    this.#options.onSeen?.(object);
    return this.#options.filter === undefined || this.#options.filter(object);
  }

  #notify(change: ObjectChange<T> | undefined): void {
    if (change === undefined) return;
    for (const listener of this.#listeners) listener(change);
  }
}

/** Often half of an object's size, and of no use here. */
function withoutManagedFields<T extends AnyKubeObject>(object: T): T {
  const metadata = object.metadata as { managedFields?: unknown };
  if (metadata.managedFields !== undefined) delete metadata.managedFields;
  return object;
}
