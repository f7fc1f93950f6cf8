// Pods in memory that can be watched: what a test puts or removes reaches watchers as events.
import type { Pod } from "../../src/api/core.ts";
import { pods } from "../../src/api/resources.ts";
import type { TypedClient, WatchEvent, WatchOptions } from "../../src/kube/typed-client.ts";
import { settle } from "./manual-clock.ts";
import { ObjectTable } from "./object-table.ts";

export class WatchedPods {
  readonly table: ObjectTable = new ObjectTable();
  /** What lists and watches selected by. */
  readonly selectors: Set<string | undefined> = new Set();
  /** Watches that are open. */
  watches = 0;
  /** Thrown by every look at a single pod, while it is set. */
  outage: Error | undefined;
  readonly #events: WatchEvent<Pod>[] = [];
  #wake: () => void = () => {};

  get client(): TypedClient {
    const { client } = this.table;
    return {
      ...client,
      find: async (...args: Parameters<TypedClient["find"]>) => {
        if (this.outage !== undefined) throw this.outage;
        return await client.find(...args);
      },
      list: async (...args: Parameters<TypedClient["list"]>) => {
        this.selectors.add(args[1]?.labelSelector);
        return await client.list(...args);
      },
      watch: (_: unknown, options: WatchOptions) => this.#watch(options),
    } as unknown as TypedClient;
  }

  /** Makes or changes a pod; everybody who watches sees it before this resolves. */
  async put(pod: Pod): Promise<Pod> {
    this.table.put(pods, pod);
    return await this.#tell("MODIFIED", this.#stored(pod));
  }

  async remove(pod: Pod): Promise<void> {
    const { namespace = "", name } = pod.metadata;
    const stored = this.#stored(pod);
    this.table.remove(pods, { namespace, name });
    await this.#tell("DELETED", stored);
  }

  /** Removes a pod without telling those who watch. */
  removeUnseen(pod: Pod): void {
    this.table.remove(pods, { namespace: pod.metadata.namespace ?? "", name: pod.metadata.name });
  }

  #stored({ metadata: { namespace = "", name } }: Pod): Pod {
    return this.table.must<Pod>(pods, { namespace, name });
  }

  async #tell(type: "MODIFIED" | "DELETED", object: Pod): Promise<Pod> {
    this.#events.push({ type, object });
    this.#wake();
    await settle();
    return object;
  }

  async *#watch({ signal, labelSelector }: WatchOptions): AsyncGenerator<WatchEvent<Pod>> {
    this.selectors.add(labelSelector);
    this.watches++;
    signal?.addEventListener("abort", () => this.#wake());
    try {
      while (signal?.aborted !== true) {
        const event = this.#events.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.watches--;
    }
  }
}
