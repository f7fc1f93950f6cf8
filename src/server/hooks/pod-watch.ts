// Waits for pods to get somewhere: one watch for all of them, begun with the first.
import type { Pod } from "../../api/core.ts";
import { pods } from "../../api/resources.ts";
import { Informer } from "../../kube/informer.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/coded-error.ts";
import type { Logger } from "../../platform/logger.ts";

export interface PodWatchOptions {
  readonly client: TypedClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Which pods are watched. */
  readonly labelSelector: string;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** gone: deleted, or replaced by another pod of its name. stopped: the signal fired. */
export type PodState = Pod | "timed-out" | "gone" | "stopped";

/** Changes wake whoever waits; this is for events that were missed, and for pods that lost their labels. */
const recheckMs = 10_000;

export class PodWatch {
  readonly #options: PodWatchOptions;
  readonly #waiting = new Map<string, Set<() => void>>();
  #informer: Informer<Pod> | undefined;

  constructor(options: PodWatchOptions) {
    this.#options = options;
  }

  /** The pod once it is as wanted. Never rejects. */
  async until(
    pod: Pod,
    isWanted: (pod: Pod) => boolean,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<PodState> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    while (!signal.aborted) {
      // Before the look, so that no change falls between the two.
      const change = this.#listen(pod.metadata.uid ?? "");
      try {
        const current = await this.#look(pod, signal);
        if (current === "gone") return "gone";
        if (current !== "unknown" && isWanted(current)) return current;
        const remainingMs = deadlineMs - clock.monotonicMs();
        if (remainingMs <= 0) return "timed-out";
        await this.#wait(change.happened, Math.min(remainingMs, recheckMs), signal);
      } finally {
        change.forget();
      }
    }
    return "stopped";
  }

  /** As the watch knows it; asked for where the watch does not (any more). */
  async #look(pod: Pod, signal: AbortSignal): Promise<Pod | "gone" | "unknown"> {
    const { namespace = "", name, uid } = pod.metadata;
    const { client, log } = this.#options;
    try {
      const known = this.#watched().get(namespace, name);
      const current = known ?? (await client.find(pods, { namespace, name }, { signal }));
      return current?.metadata.uid === uid ? (current as Pod) : "gone";
    } catch (error) {
      log.debug("a pod could not be read, will try again", { pod: `${namespace}/${name}`, error: messageOf(error) });
      return "unknown";
    }
  }

  #watched(): Informer<Pod> {
    if (this.#informer !== undefined) return this.#informer;
    const { client, clock, log, labelSelector, signal } = this.#options;
    const informer = new Informer<Pod>({ client, resource: pods, labelSelector, log, clock });
    informer.onChange(({ object }) => {
      for (const wake of this.#waiting.get(object.metadata.uid ?? "") ?? []) wake();
    });
    void informer.run(signal);
    this.#informer = informer;
    return informer;
  }

  #listen(uid: string): { readonly happened: Promise<void>; readonly forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listeners = this.#waiting.get(uid) ?? new Set();
    this.#waiting.set(uid, listeners.add(resolve));
    const forget = (): void => {
      listeners.delete(resolve);
      if (listeners.size === 0) this.#waiting.delete(uid);
    };
    return { happened: promise, forget };
  }

  async #wait(happened: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
    const rest = new AbortController();
    // Both reasons to end it early are as good as its end.
    const sleeping = this.#options.clock.sleep(ms, AbortSignal.any([signal, rest.signal])).catch(() => undefined);
    await Promise.race([happened, sleeping]);
    rest.abort();
  }
}
