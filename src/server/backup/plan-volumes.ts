// Decides for every pod in scope which volumes are backed up now, which are passed over with a warning, and which are
// errors: a pure function of what the API server says, so that each rule is tested without one.
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../api/core.ts";
import { chooseVolumes, claimNameOf, isBlockDevice, isMounted, type SelectionMode } from "./choose-volumes.ts";

const excludeLabel = "velero.io/exclude-from-backup";

/** What was read from the API server before planning. */
export interface ClusterState {
  readonly pods: readonly Pod[];
  /** By "namespace/name". */
  readonly claims: ReadonlyMap<string, PersistentVolumeClaim>;
  /** By name. */
  readonly persistentVolumes: ReadonlyMap<string, PersistentVolume>;
  /** Names of the nodes on which a node agent's pod is running. */
  readonly agentNodes: ReadonlySet<string>;
}

export interface PlannedVolume {
  readonly pod: Pod;
  readonly node: string;
  readonly volume: Volume;
  /** The claim behind the volume, where there is one. */
  readonly claim: PersistentVolumeClaim | undefined;
}

export interface VolumePlan {
  readonly volumes: readonly PlannedVolume[];
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

type Verdict = { readonly warning: string } | { readonly error: string } | "taken-already" | PlannedVolume;

/** Plans a Backup. Pods are taken in the order given; a claim that several pods mount is taken with the first. */
export function planVolumes(state: ClusterState, mode: SelectionMode): VolumePlan {
  const plan = { volumes: [] as PlannedVolume[], warnings: [] as string[], errors: [] as string[] };
  const takenClaims = new Set<string>();
  for (const pod of state.pods) {
    if (pod.metadata.labels?.[excludeLabel] === "true") continue;
    const { volumes, unknownNames } = chooseVolumes(pod, mode);
    for (const name of unknownNames)
      plan.warnings.push(`pod ${podName(pod)} has no volume "${name}", which its annotation lists`);
    if (volumes.length === 0) continue;
    const problem = podProblem(pod, state.agentNodes);
    if (problem !== undefined) {
      plan[problem.kind].push(
        `pod ${podName(pod)}: ${problem.text}; its volumes ${volumes.map((volume) => volume.name).join(", ")} are skipped`,
      );
      continue;
    }
    for (const volume of volumes) {
      const verdict = judgeVolume(pod, volume, state, takenClaims);
      if (verdict === "taken-already") continue;
      if ("warning" in verdict) plan.warnings.push(verdict.warning);
      else if ("error" in verdict) plan.errors.push(verdict.error);
      else plan.volumes.push(verdict);
    }
  }
  return plan;
}

function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

function podProblem(
  pod: Pod,
  agentNodes: ReadonlySet<string>,
): { readonly kind: "warnings" | "errors"; readonly text: string } | undefined {
  const phase = pod.status?.phase ?? "unknown";
  if (pod.metadata.deletionTimestamp !== undefined) return { kind: "warnings", text: "it is being deleted" };
  if (phase !== "Running") return { kind: "warnings", text: `it is not running (phase ${phase})` };
  const node = pod.spec?.nodeName;
  if (node === undefined || node === "") return { kind: "warnings", text: "it is on no node yet" };
  if (!agentNodes.has(node)) return { kind: "errors", text: `no node-agent pod is running on its node ${node}` };
  return undefined;
}

function judgeVolume(pod: Pod, volume: Volume, state: ClusterState, takenClaims: Set<string>): Verdict {
  const where = `volume ${volume.name} of pod ${podName(pod)}`;
  const claimName = claimNameOf(pod, volume);
  const claimKey = `${pod.metadata.namespace}/${claimName}`;
  const claim = claimName === undefined ? undefined : state.claims.get(claimKey);
  if (claimName !== undefined && claim === undefined)
    return { error: `${where}: its claim ${claimName} does not exist` };
  if (claimName !== undefined && takenClaims.has(claimKey)) return "taken-already";
  const persistentVolume =
    claim?.spec?.volumeName === undefined ? undefined : state.persistentVolumes.get(claim.spec.volumeName);
  if (persistentVolume?.spec?.hostPath !== undefined) {
    return { warning: `${where} is skipped: its persistent volume ${persistentVolume.metadata.name} is a hostPath` };
  }
  if (isBlockDevice(pod, volume) || claim?.spec?.volumeMode === "Block") {
    return { warning: `${where} is skipped: it is a raw block device` };
  }
  if (!isMounted(pod, volume)) return { warning: `${where} is skipped: no container mounts it` };
  if (claimName !== undefined) takenClaims.add(claimKey);
  return { pod, node: pod.spec?.nodeName ?? "", volume, claim };
}
