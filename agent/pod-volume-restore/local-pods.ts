// The pods of this node, from the side of the PodVolumeRestores: which pod one belongs to, and whether it is gone.

import type { Pod } from "../../src/api/core.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { pods } from "../../src/api/resources.ts";
import type { Informer } from "../../src/kube/informer.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";

const maxRemembered = 10_000;

export class LocalPods {
  readonly #informer: Pick<Informer<Pod>, "get">;
  /** Uids of pods that were deleted while this process ran, or that it has looked for in vain. */
  readonly #gone = new Set<string>();

  constructor(informer: Pick<Informer<Pod>, "get" | "onChange">) {
    this.#informer = informer;
    informer.onChange((change) => {
      if (change.type === "deleted") this.#remember(change.object.metadata.uid ?? "");
    });
  }

  /** Undefined when the pod is not on this node, or one of the same name has taken its place. */
  podOf(restore: PodVolumeRestore): Pod | undefined {
    const { namespace = "", name = "", uid = "" } = restore.spec.pod;
    const pod = this.#informer.get(namespace, name);
    return uid === "" || pod?.metadata.uid === uid ? pod : undefined;
  }

  isGone(restore: PodVolumeRestore): boolean {
    return this.#gone.has(restore.spec.pod.uid ?? "");
  }

  /**
   * Looks for the pods of other nodes' restores, once at the start: one that was deleted while its node had no agent was
   * seen by nobody. Returns the restores whose pod is gone for good; whoever comes first writes it down.
   */
  async findGone(
    restores: readonly PodVolumeRestore[],
    client: Pick<TypedClient, "find">,
    signal: AbortSignal,
  ): Promise<PodVolumeRestore[]> {
    const gone: PodVolumeRestore[] = [];
    for (const restore of restores) {
      const { namespace = "", name = "", uid = "" } = restore.spec.pod;
      // Without its uid a pod may still come.
      if (uid === "" || this.podOf(restore) !== undefined) continue;
      const pod = await client.find(pods, { namespace, name }, { signal });
      if (pod?.metadata.uid === uid) continue;
      this.#remember(uid);
      gone.push(restore);
    }
    return gone;
  }

  #remember(uid: string): void {
    this.#gone.add(uid);
    const [oldest] = this.#gone;
    if (this.#gone.size > maxRemembered && oldest !== undefined) this.#gone.delete(oldest);
  }
}

/** Whether a restore belongs to this pod, for waking it up when the pod changes. */
export function belongsTo(restore: PodVolumeRestore, pod: Pod): boolean {
  const { namespace, name, uid = "" } = restore.spec.pod;
  if (uid !== "") return uid === pod.metadata.uid;
  return namespace === pod.metadata.namespace && name === pod.metadata.name;
}
