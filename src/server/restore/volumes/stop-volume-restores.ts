// Ends all PodVolumeRestores of a Restore that will not be waited for.
import { labels } from "../../../api/names.ts";
import { podVolumeRestores } from "../../../api/resources.ts";
import type { Restore } from "../../../api/restore.ts";
import { stopVolumes } from "../../volume-work/stop-volumes.ts";
import type { RestoreContext } from "../restore-context.ts";

export async function stopVolumeRestores(
  restore: Restore,
  { client, namespace, clock }: Pick<RestoreContext, "client" | "namespace" | "clock">,
  { reason, signal }: { readonly reason: string; readonly signal: AbortSignal },
): Promise<void> {
  const labelSelector = `${labels.restoreUid}=${restore.metadata.uid}`;
  const { items } = await client.list(podVolumeRestores, { namespace, labelSelector, signal });
  await stopVolumes(podVolumeRestores, items, { client, namespace, clock, reason, isPatienceOver: false });
}
