// Ends PodVolumeBackups that nobody needs to wait for any more. An agent that works on one is asked to stop (spec.cancel)
// and writes the end itself; where nobody works on it, or nobody answers, the server does.
import { annotations } from "../../api/names.ts";
import { podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../api/resources.ts";
import { KubeError } from "../../kube/kube-errors.ts";
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

export async function stopVolumes(items: readonly PodVolumeBackup[], options: StopOptions): Promise<void> {
  for (const one of items) {
    try {
      await stopVolume(one, options);
    } catch (error) {
      // Deleted, or changed by its agent: the next look at the Backup sees that.
      if (!KubeError.is(error, "not-found") && !KubeError.is(error, "conflict")) throw error;
    }
  }
}

async function stopVolume(one: PodVolumeBackup, options: StopOptions): Promise<void> {
  const stage = podVolumeStage(one);
  if (stage === "ended") return;
  if (stage === "unclaimed") return await fail(one, options, options.reason);
  if (one.spec.cancel !== true) {
    const asked = await options.client.mergePatch(podVolumeBackups, addressOf(one, options), {
      spec: { cancel: true },
    });
    if (asked.spec.cancel === true) return;
    // CRDs before Velero 1.17 have no such field: the agent notices that its claim is gone.
    return await fail(asked, options, options.reason);
  }
  if (options.isPatienceOver)
    await fail(one, options, `${options.reason}; the agent of node ${one.spec.node} did not stop`);
}

async function fail(one: PodVolumeBackup, options: StopOptions, message: string): Promise<void> {
  await options.client.mergePatch(podVolumeBackups, addressOf(one, options), {
    metadata: { resourceVersion: one.metadata.resourceVersion, annotations: { [annotations.claimedBy]: null } },
    status: { phase: "Failed", message, completionTimestamp: formatTimestamp(options.clock.now()) },
  });
}

function addressOf(one: PodVolumeBackup, { namespace }: StopOptions): { namespace: string; name: string } {
  return { namespace, name: one.metadata.name };
}
