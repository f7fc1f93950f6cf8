// Claims that a Restore brings back without anybody to fill them: their data were saved through a pod that it does not bring
// back. Velero says nothing of them.
import type { Pod } from "../../../api/core.ts";
import { annotations } from "../../../api/names.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import type { ReprovisionedClaim } from "../objects/restore-objects-options.ts";

export interface EmptyClaim {
  /** Where it was made. */
  readonly namespace: string;
  /** A sentence without a full stop. */
  readonly warning: string;
}

/** @param restoredPods as they were backed up. */
export function emptyClaims(
  reprovisioned: readonly ReprovisionedClaim[],
  volumeBackups: readonly PodVolumeBackup[],
  restoredPods: readonly Pod[],
): readonly EmptyClaim[] {
  const pods = new Set(restoredPods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  return reprovisioned.flatMap(({ claim, sourceNamespace }) => {
    const own = volumeBackups.filter((one) => isOfClaim(one, sourceNamespace, claim.name));
    const [first] = own;
    if (first === undefined || own.some(({ spec }) => pods.has(`${spec.pod.namespace}/${spec.pod.name}`))) return [];
    const through = `pod ${first.spec.pod.namespace}/${first.spec.pod.name}`;
    const warning = `claim ${claim.namespace}/${claim.name} comes back without its data: they were backed up through ${through}, which is not restored`;
    return [{ namespace: claim.namespace, warning }];
  });
}

function isOfClaim({ metadata, spec, status }: PodVolumeBackup, namespace: string, claim: string): boolean {
  if (spec.pod.namespace !== namespace || (status?.snapshotID ?? "") === "") return false;
  return metadata.annotations?.[annotations.pvcName] === claim;
}
