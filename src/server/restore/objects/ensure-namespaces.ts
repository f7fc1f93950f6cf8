// Makes a namespace before the first object in it, with the labels and annotations that it has in the Backup. One that is
// being deleted is awaited: nothing can be created in it, and what is in it goes with it.
import type { Namespace } from "../../../api/core.ts";
import { namespaces } from "../../../api/resources.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import type { NewObject, TypedClient } from "../../../kube/typed-client.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { MutableObject } from "./json-fields.ts";

export interface EnsureNamespacesOptions {
  readonly client: TypedClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** How long a namespace may take to go away. */
  readonly terminatingTimeoutMs: number;
  /** The Namespace to create, by its name in the Backup. */
  readonly compose: (source: string) => Promise<MutableObject>;
}

export type NamespaceOutcome = "created" | "present";

const pollMs = 1000;

export class EnsureNamespaces {
  readonly #options: EnsureNamespacesOptions;
  readonly #known = new Map<string, Promise<NamespaceOutcome>>();

  constructor(options: EnsureNamespacesOptions) {
    this.#options = options;
  }

  /** Asks the cluster once a namespace; a failure is the answer for all objects in it. @throws Error, KubeError */
  async ensure(source: string, target: string): Promise<NamespaceOutcome> {
    const known = this.#known.get(target) ?? this.#ensure(source, target);
    this.#known.set(target, known);
    return await known;
  }

  async #ensure(source: string, target: string): Promise<NamespaceOutcome> {
    const { client, signal } = this.#options;
    if (await this.#isUsable(target)) return "present";
    const namespace = await this.#options.compose(source);
    try {
      await client.create<Namespace>(namespaces, namespace as unknown as NewObject<Namespace>, { signal });
      return "created";
    } catch (error) {
      // A lost connection may have been one too late, and others make namespaces too.
      if (KubeError.is(error, "already-exists") || (await this.#isUsable(target))) return "present";
      throw error;
    }
  }

  /** False when it is not there. @throws Error when it does not go away in time */
  async #isUsable(name: string): Promise<boolean> {
    const { client, clock, signal, terminatingTimeoutMs, log } = this.#options;
    const start = clock.monotonicMs();
    for (;;) {
      const found = await client.find(namespaces, { name }, { signal });
      if (found === undefined) return false;
      if (found.metadata.deletionTimestamp === undefined && found.status?.phase !== "Terminating") return true;
      if (clock.monotonicMs() - start >= terminatingTimeoutMs) {
        throw new Error(`namespace ${name} is being deleted and has not gone after ${terminatingTimeoutMs / 1000} s`);
      }
      log.info("waiting for a namespace that is being deleted", { namespace: name });
      await clock.sleep(pollMs, signal);
    }
  }
}
