// Claims whose data nobody copies, because no pod of the Backup uses them: told like every other volume that is not taken.
import { excludeFromBackup } from "../choose-namespaces.ts";
import { claimNameOf } from "./choose-volumes.ts";
import type { ClusterState, SkippedVolume } from "./plan-volumes.ts";

/** @param state all pods and claims of the Backup. */
export function unusedClaims({
  pods,
  claims,
  persistentVolumes,
}: Pick<ClusterState, "pods" | "claims" | "persistentVolumes">): SkippedVolume[] {
  const used = new Set<string>();
  for (const pod of pods.filter((one) => !excludeFromBackup(one))) {
    for (const volume of pod.spec?.volumes ?? []) used.add(`${pod.metadata.namespace}/${claimNameOf(pod, volume)}`);
  }
  return [...claims]
    .filter(([key, claim]) => !used.has(key) && !excludeFromBackup(claim))
    .map(([, claim]) => ({
      volume: "",
      claim,
      persistentVolume: persistentVolumes.get(claim.spec?.volumeName ?? ""),
      reason: "no pod of the Backup uses its claim",
    }));
}
