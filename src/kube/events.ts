// core/v1 Events: what `kubectl describe` shows under an object. Losing one is never a reason to fail.

import { type Clock, formatTimestamp, systemClock } from "../platform/clock.ts";
import { errorFacts } from "../platform/coded-error.ts";
import type { Logger } from "../platform/logger.ts";
import { KubeError } from "./kube-errors.ts";
import { type AnyKubeObject, apiVersionOf, type ResourceDescriptor } from "./kube-object.ts";
import type { TypedClient } from "./typed-client.ts";

interface CoreEvent extends AnyKubeObject {
  readonly involvedObject: InvolvedObject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string; readonly host?: string };
}

const events: ResourceDescriptor<CoreEvent> = {
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  isNamespaced: true,
};

export interface InvolvedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
}

export interface EventText {
  readonly type: "Normal" | "Warning";
  /** CamelCase, for programs. */
  readonly reason: string;
  readonly message: string;
}

export interface EventRecorderOptions {
  readonly client: TypedClient;
  readonly log: Logger;
  /** Shown as the event's source. */
  readonly component: string;
  readonly host?: string;
  readonly clock?: Clock;
}

/** The API server refuses longer messages. */
const maxMessageLength = 1024;
const maxRemembered = 1000;

interface Remembered {
  readonly name: string;
  readonly count: number;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  /** Repetitions raise a counter instead of making new events. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #pending = new Set<Promise<void>>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Sends in the background; failures are logged. */
  record(object: InvolvedObject, text: EventText): void {
    const sending = this.#send(object, { ...text, message: shorten(text.message) }).catch((error) => {
      const facts = { kind: object.kind, object: object.name, reason: text.reason, ...errorFacts(error) };
      this.#options.log.warn("an event could not be recorded", facts);
    });
    this.#pending.add(sending);
    void sending.finally(() => this.#pending.delete(sending));
  }

  /** Waits until what was recorded so far is sent or given up. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #send(object: InvolvedObject, text: EventText): Promise<void> {
    const key = [object.kind, object.namespace, object.name, object.uid, text.type, text.reason, text.message].join(
      "\n",
    );
    const known = this.#remembered.get(key);
    if (known !== undefined && (await this.#repeat(object, key, known))) return;
    const now = formatTimestamp(this.#clock.now());
    const { component, host } = this.#options;
    const created = await this.#options.client.create(events, {
      metadata: { namespace: object.namespace, ...{ generateName: `${object.name.slice(0, 200)}.` } },
      involvedObject: object,
      ...text,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component, ...(host === undefined ? {} : { host }) },
    });
    this.#remember(key, { name: created.metadata.name, count: 1 });
  }

  /** False when the first event has expired meanwhile. */
  async #repeat(object: InvolvedObject, key: string, known: Remembered): Promise<boolean> {
    const count = known.count + 1;
    const patch = { count, lastTimestamp: formatTimestamp(this.#clock.now()) };
    try {
      await this.#options.client.mergePatch(events, { namespace: object.namespace, name: known.name }, patch);
    } catch (error) {
      if (KubeError.is(error, "not-found")) return false;
      throw error;
    }
    this.#remember(key, { name: known.name, count });
    return true;
  }

  #remember(key: string, value: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, value);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

/** What an event says it is about. */
export function involvedObject<T extends AnyKubeObject>(resource: ResourceDescriptor<T>, object: T): InvolvedObject {
  const { name, namespace, uid } = object.metadata;
  const place = { name, namespace: namespace ?? "default", ...(uid === undefined ? {} : { uid }) };
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...place };
}

function shorten(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1)}…`;
}
