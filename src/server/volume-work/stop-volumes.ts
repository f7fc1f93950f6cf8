// Ends PodVolumeBackups or PodVolumeRestores that nobody needs to wait for any more. An agent that works on one is asked to
// stop (spec.cancel) and writes the end itself; where nobody works on it, or nobody answers, the server does.
import { annotations } from "../../api/names.ts";
import { podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../api/pod-volume-restore.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { ResourceDescriptor } from "../../kube/kube-object.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, formatTimestamp } from "../../platform/clock.ts";

export interface StopOptions {
  readonly client: Pick<TypedClient, "mergePatch">;
  readonly namespace: string;
  readonly clock: Clock;
  /** Becomes the message of those that the server ends itself. */
  readonly reason: string;
  /** Agents had their time: end those too that were asked to stop. */
  readonly isPatienceOver: boolean;
}

type VolumeWork = PodVolumeBackup | PodVolumeRestore;

export async function stopVolumes<T extends VolumeWork>(
  resource: ResourceDescriptor<T>,
  items: readonly T[],
  options: StopOptions,
): Promise<void> {
  for (const one of items) {
    try {
      await stopVolume(resource, one, options);
    } catch (error) {
      // Deleted, or changed by its agent: the next look at it sees that.
      if (!KubeError.is(error, "not-found") && !KubeError.is(error, "conflict")) throw error;
    }
  }
}

async function stopVolume<T extends VolumeWork>(
  resource: ResourceDescriptor<T>,
  one: T,
  options: StopOptions,
): Promise<void> {
  const { client, namespace, clock, reason } = options;
  const address = { namespace, name: one.metadata.name };
  const fail = async (object: T, message: string): Promise<void> => {
    await client.mergePatch(resource, address, {
      metadata: { resourceVersion: object.metadata.resourceVersion, annotations: { [annotations.claimedBy]: null } },
      status: { phase: "Failed", message, completionTimestamp: formatTimestamp(clock.now()) },
    });
  };
  const stage = podVolumeStage(one);
  if (stage === "ended") return;
  if (stage === "unclaimed") return await fail(one, reason);
  if (one.spec.cancel !== true) {
    const asked = await client.mergePatch(resource, address, { spec: { cancel: true } });
    if (asked.spec.cancel === true) return;
    // CRDs before Velero 1.17 have no such field: the agent notices that its claim is gone.
    return await fail(asked, reason);
  }
  if (options.isPatienceOver) await fail(one, `${reason}; the agent of node ${nodeOf(one)} did not stop`);
}

/** A claim says it where the resource does not: `<node>/<random id>`. */
function nodeOf(one: VolumeWork): string {
  if ("node" in one.spec) return one.spec.node;
  const claimant = one.metadata.annotations?.[annotations.claimedBy]?.split("/")[0];
  return (one as PodVolumeRestore).status?.node ?? claimant ?? "(unknown)";
}
