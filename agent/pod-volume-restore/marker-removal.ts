// Removes .velero from restored volumes once restore-wait has ended: the helper often runs as a user who may not, and
// nothing of a restore is to stay in an application's volume.

import { annotations } from "../../src/api/names.ts";
import { podVolumeStage } from "../../src/api/phases.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { podVolumeRestores } from "../../src/api/resources.ts";
import type { Informer } from "../../src/kube/informer.ts";
import { splitKey } from "../../src/kube/kube-object.ts";
import type { AgentContext } from "../agent-context.ts";
import { wasClaimedOn } from "../claim.ts";
import { removeMarkers } from "../data-path/done-marker.ts";
import type { LocalPods } from "./local-pods.ts";
import { hasDoneWaiting } from "./restore-wait.ts";
import { locateTarget, restoreUidOf } from "./transfer.ts";

export class MarkerRemoval {
  readonly #context: AgentContext;
  readonly #informer: Pick<Informer<PodVolumeRestore>, "get">;
  readonly #localPods: LocalPods;

  constructor(context: AgentContext, informer: Pick<Informer<PodVolumeRestore>, "get">, localPods: LocalPods) {
    this.#context = context;
    this.#informer = informer;
    this.#localPods = localPods;
  }

  /** Only for restores that this node carried out, that have ended, and whose pod waits no longer. */
  async reconcile(name: string, signal: AbortSignal): Promise<undefined> {
    const { namespace, name: objectName } = splitKey(name);
    const restore = this.#informer.get(namespace, objectName);
    if (restore === undefined || !this.#isWanted(restore)) return;
    const volume = await locateTarget(this.#context, restore, signal);
    if (removeMarkers(volume.path, restoreUidOf(restore))) {
      this.#context.log.debug("removed the restore markers from a volume", { restore: name, path: volume.path });
    }
    const patch = { metadata: { annotations: { [annotations.markerRemoved]: "true" } } };
    await this.#context.client.mergePatch(podVolumeRestores, restore.metadata, patch, { signal });
  }

  #isWanted(restore: PodVolumeRestore): boolean {
    if (podVolumeStage(restore) !== "ended" || !wasClaimedOn(restore, this.#context.config.nodeName)) return false;
    if (restore.metadata.annotations?.[annotations.markerRemoved] === "true") return false;
    const pod = this.#localPods.podOf(restore);
    return pod !== undefined && hasDoneWaiting(pod);
  }
}
