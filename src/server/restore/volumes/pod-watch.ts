// Looks after the pods whose volumes are being restored: at first often, later seldom, and with one list for all of them.
import type { Pod } from "../../../api/core.ts";
import { labels } from "../../../api/names.ts";
import { pods } from "../../../api/resources.ts";
import type { Restore } from "../../../api/restore.ts";
import { validName } from "../../../api/valid-name.ts";
import { keyOfObject } from "../../../kube/kube-object.ts";
import { nodesWithAgent } from "../../volume-work/agent-nodes.ts";
import type { RestoreContext } from "../restore-context.ts";
import { type PodObstacle, podObstacle } from "./pod-obstacle.ts";

export interface WatchedPod {
  /** As it was created. */
  readonly pod: Pod;
  readonly isClaimed: boolean;
}

interface Sight {
  readonly kind: PodObstacle["kind"];
  readonly sinceMs: number;
}

const firstIntervalMs = 1000;
const lastIntervalMs = 10_000;
const growth = 1.5;

export class PodWatch {
  readonly #context: RestoreContext;
  readonly #restore: Restore;
  /** By pod uid: what stands in its way, and since when. */
  readonly #seen = new Map<string, Sight>();
  #intervalMs = firstIntervalMs;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: RestoreContext, restore: Restore) {
    this.#context = context;
    this.#restore = restore;
  }

  /** By pod uid, why its volumes will never be restored; empty while it is not yet time to look again. */
  async hopeless(watched: readonly WatchedPod[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < this.#intervalMs) return new Map();
    this.#intervalMs = Math.min(lastIntervalMs, this.#intervalMs * growth);
    this.#lookedAtMs = nowMs;
    const agentNodes = await nodesWithAgent(this.#context, signal);
    const current = await this.#readPods(signal);
    const reasons = new Map<string, string>();
    for (const { pod, isClaimed } of watched) {
      const now = current.get(keyOfObject(pod)) ?? (await this.#readPod(pod, signal));
      const patienceMs = this.#context.settings.resourceTimeoutMs;
      const obstacle = podObstacle({ wanted: pod, current: now, agentNodes, isClaimed, patienceMs });
      const reason = this.#judge(pod.metadata.uid ?? "", obstacle, nowMs);
      if (reason !== undefined) reasons.set(pod.metadata.uid ?? "", reason);
    }
    return reasons;
  }

  #judge(uid: string, obstacle: PodObstacle | undefined, nowMs: number): string | undefined {
    if (obstacle === undefined) {
      this.#seen.delete(uid);
      return undefined;
    }
    const known = this.#seen.get(uid);
    const sinceMs = known?.kind === obstacle.kind ? known.sinceMs : nowMs;
    this.#seen.set(uid, { kind: obstacle.kind, sinceMs });
    return nowMs - sinceMs >= obstacle.patienceMs ? obstacle.reason : undefined;
  }

  async #readPods(signal: AbortSignal): Promise<ReadonlyMap<string, Pod>> {
    const labelSelector = `${labels.restoreName}=${validName(this.#restore.metadata.name)}`;
    const { items } = await this.#context.client.list(pods, { labelSelector, signal });
    return new Map(items.map((pod) => [keyOfObject(pod), pod]));
  }

  /** It may have lost its label, or its name may be somebody else's by now. */
  async #readPod({ metadata }: Pod, signal: AbortSignal): Promise<Pod | undefined> {
    const { namespace, name } = metadata;
    return await this.#context.client.find(pods, { namespace, name }, { signal });
  }
}
