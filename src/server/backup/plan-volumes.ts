// Decides for every pod in scope which volumes are backed up now, which are passed over with a warning, and which are
// errors: a pure function of what the API server says, so that each rule is tested without one. The order of the checks
// and their weight are Velero's (pkg/podvolume/backupper.go).
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../api/core.ts";
import { excludeFromBackup } from "./choose-namespaces.ts";
import { chooseVolumes, claimNameOf, isBlockDevice, isMounted, type SelectionMode } from "./choose-volumes.ts";

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

/** What an earlier try at the same Backup has made already. */
export interface EarlierVolume {
  readonly podUid: string | undefined;
  readonly volume: string;
  readonly claimUid: string | undefined;
}

interface Candidate {
  readonly volume: Volume;
  readonly claimName: string | undefined;
  readonly claim: PersistentVolumeClaim | undefined;
}

class Planner {
  readonly volumes: PlannedVolume[] = [];
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  readonly #state: ClusterState;
  /** Uid of a claim → the pod through which it is taken. */
  readonly #takenBy = new Map<string, string>();

  constructor(state: ClusterState, earlier: readonly EarlierVolume[]) {
    this.#state = state;
    for (const { claimUid, podUid } of earlier) {
      if (claimUid !== undefined && podUid !== undefined) this.#takenBy.set(claimUid, podUid);
    }
  }

  addPod(pod: Pod, mode: SelectionMode): void {
    const { volumes, unknownNames, refused } = chooseVolumes(pod, mode);
    for (const { name } of refused)
      this.warnings.push(`${placeOf(pod, name)} is skipped: volumes of its kind are never backed up`);
    const candidates = volumes
      .map((volume) => this.#candidate(pod, volume))
      .filter((candidate) => !this.#isTaken(pod, candidate))
      .filter((candidate) => this.#hasItsClaim(pod, candidate));
    if (candidates.length + unknownNames.length === 0) return;
    const problem = podProblem(pod, this.#state.agentNodes);
    if (problem !== undefined) {
      const names = [...candidates.map(({ volume }) => volume.name), ...unknownNames].join(", ");
      this[problem.kind].push(`pod ${nameOf(pod)}: ${problem.text}; its volumes ${names} are skipped`);
      return;
    }
    for (const name of unknownNames)
      this.warnings.push(
        `${placeOf(pod, name)} is skipped: the pod's annotation lists it, but the pod has no such volume`,
      );
    for (const candidate of candidates) this.#addVolume(pod, candidate);
  }

  #candidate(pod: Pod, volume: Volume): Candidate {
    const claimName = claimNameOf(pod, volume);
    const claim = this.#state.claims.get(`${pod.metadata.namespace}/${claimName}`);
    return { volume, claimName, claim: claimName === undefined ? undefined : claim };
  }

  /** A claim that several pods mount is taken through the first of them. */
  #isTaken(pod: Pod, { claim }: Candidate): boolean {
    const takenBy = this.#takenBy.get(claim?.metadata.uid ?? "");
    return takenBy !== undefined && takenBy !== pod.metadata.uid;
  }

  #hasItsClaim(pod: Pod, { volume, claimName, claim }: Candidate): boolean {
    if (claimName === undefined || claim !== undefined) return true;
    this.errors.push(`${placeOf(pod, volume.name)}: its claim ${claimName} does not exist`);
    return false;
  }

  #addVolume(pod: Pod, { volume, claim }: Candidate): void {
    const problem = this.#volumeProblem(pod, volume, claim);
    if (problem !== undefined) {
      this.warnings.push(`${placeOf(pod, volume.name)} is skipped: ${problem}`);
      return;
    }
    if (claim?.metadata.uid !== undefined) {
      // A pod may mount one claim under two names.
      if (this.#takenBy.has(claim.metadata.uid) && this.#isPlanned(pod, claim)) return;
      this.#takenBy.set(claim.metadata.uid, pod.metadata.uid ?? "");
    }
    this.volumes.push({ pod, node: pod.spec?.nodeName ?? "", volume, claim });
  }

  #isPlanned(pod: Pod, claim: PersistentVolumeClaim): boolean {
    return this.volumes.some((planned) => planned.pod === pod && planned.claim === claim);
  }

  #volumeProblem(pod: Pod, volume: Volume, claim: PersistentVolumeClaim | undefined): string | undefined {
    const persistentVolume = this.#state.persistentVolumes.get(claim?.spec?.volumeName ?? "");
    if (persistentVolume?.spec?.hostPath !== undefined)
      return `its persistent volume ${persistentVolume.metadata.name} is a hostPath`;
    if (isBlockDevice(pod, volume) || claim?.spec?.volumeMode === "Block") return "it is a raw block device";
    return isMounted(pod, volume) ? undefined : "no container mounts it (init containers do not count)";
  }
}

/**
 * Plans a Backup. Pods are taken in the order given.
 * @param earlier what is there already when a server goes on with the work of one that was ended.
 */
export function planVolumes(
  state: ClusterState,
  mode: SelectionMode,
  earlier: readonly EarlierVolume[] = [],
): VolumePlan {
  const planner = new Planner(state, earlier);
  for (const pod of state.pods) {
    if (!excludeFromBackup(pod)) planner.addPod(pod, mode);
  }
  const { volumes, warnings, errors } = planner;
  return { volumes, warnings, errors };
}

/** "namespace/name". */
function nameOf(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

function placeOf(pod: Pod, volume: string): string {
  return `volume ${volume} of pod ${nameOf(pod)}`;
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
