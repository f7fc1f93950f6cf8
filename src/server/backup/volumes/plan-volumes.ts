// Decides for every pod in scope which volumes are backed up now, which are passed over with a warning, and which are
// errors: a pure function of what the API server says, so that each rule is tested without one. The order of the checks
// and their weight are Velero's (pkg/podvolume/backupper.go).
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../../api/core.ts";
import { excludeFromBackup } from "../choose-namespaces.ts";
import {
  type ChosenVolumes,
  chooseVolumes,
  claimNameOf,
  isBlockDevice,
  isMounted,
  type SelectionMode,
} from "./choose-volumes.ts";
import { actionOf, type VolumePolicy } from "./volume-policy.ts";

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

export interface PlanOptions {
  readonly mode: SelectionMode;
  readonly policy?: VolumePolicy | undefined;
  /** The Backup's filters leave persistentvolumeclaims out: volumes with a claim are not taken. */
  readonly withoutClaims?: boolean;
  /** What is there already when a server goes on with the work of one that was ended, or plans pod by pod. */
  readonly earlier?: readonly EarlierVolume[];
}

export interface PlannedVolume {
  readonly pod: Pod;
  readonly node: string;
  readonly volume: Volume;
  /** The claim behind the volume, where there is one. */
  readonly claim: PersistentVolumeClaim | undefined;
}

/** A volume that is not taken; for volumeinfo ("skipped, because") and for `describe`. */
export interface SkippedVolume {
  /** Absent for a claim that no pod uses. */
  readonly pod?: Pod;
  /** The volume's name in the pod; "" for a claim that no pod uses. */
  readonly volume: string;
  readonly claim: PersistentVolumeClaim | undefined;
  readonly persistentVolume: PersistentVolume | undefined;
  /** The end of a sentence that begins with the volume's name: "its volume policy says skip". */
  readonly reason: string;
}

export interface VolumePlan {
  readonly volumes: readonly PlannedVolume[];
  /**
   * Every other volume of the pods. Not among them: what the API server holds (secret, configMap, projected, downwardAPI),
   * and claims that another pod's volume, or another volume of the same pod, takes.
   */
  readonly skipped: readonly SkippedVolume[];
  /** Sentences that name pod and volume. */
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
  readonly #skipped: SkippedVolume[] = [];
  readonly #state: ClusterState;
  readonly #options: PlanOptions;
  /** Uid of a claim → the pod through which it is taken. */
  readonly #takenBy = new Map<string, string>();

  constructor(state: ClusterState, options: PlanOptions) {
    this.#state = state;
    this.#options = options;
    for (const { claimUid, podUid } of options.earlier ?? []) {
      if (claimUid !== undefined && podUid !== undefined) this.#takenBy.set(claimUid, podUid);
    }
  }

  addPod(pod: Pod): void {
    const chosen = this.#choose(pod);
    const candidates = chosen.volumes
      .map((volume) => this.#candidate(pod, volume))
      .filter((candidate) => !this.#isTaken(pod, candidate))
      .filter((candidate) => this.#hasItsClaim(pod, candidate));
    if (candidates.length + chosen.unknownNames.length === 0) return;
    const problem = podProblem(pod, this.#state.agentNodes);
    if (problem !== undefined) {
      const names = [...candidates.map(({ volume }) => volume.name), ...chosen.unknownNames].join(", ");
      this[problem.kind].push(`pod ${nameOf(pod)}: ${problem.text}; its volumes ${names} are skipped`);
      for (const candidate of candidates) this.#skip(pod, candidate, `its pod could not be backed up: ${problem.text}`);
      return;
    }
    for (const name of chosen.unknownNames)
      this.warnings.push(
        `${placeOf(pod, name)} is skipped: the pod's annotation lists it, but the pod has no such volume`,
      );
    for (const candidate of candidates) this.#addVolume(pod, candidate);
  }

  /** Without those whose claim was taken after all, through another pod. */
  get skipped(): SkippedVolume[] {
    return this.#skipped.filter(({ claim }) => !this.#takenBy.has(claim?.metadata.uid ?? ""));
  }

  #choose(pod: Pod): ChosenVolumes {
    const { mode, policy, withoutClaims } = this.#options;
    const chosen = chooseVolumes(pod, {
      mode,
      claimsExcluded: withoutClaims === true ? "the Backup leaves out persistentvolumeclaims" : undefined,
      ...(policy === undefined ? {} : { actionFor: (volume) => this.#policyAction(policy, pod, volume) }),
    });
    for (const { volume, reason, weight } of chosen.left) {
      this.#skip(pod, this.#candidate(pod, volume), reason);
      const sentence = `${placeOf(pod, volume.name)} is skipped: ${reason}`;
      if (weight === "warning") this.warnings.push(sentence);
      if (weight === "error") this.errors.push(sentence);
    }
    return chosen;
  }

  #policyAction(policy: VolumePolicy, pod: Pod, volume: Volume): ReturnType<typeof actionOf> {
    const { claim } = this.#candidate(pod, volume);
    return actionOf(policy, { volume, claim, persistentVolume: this.#persistentVolumeOf(claim) });
  }

  #candidate(pod: Pod, volume: Volume): Candidate {
    const claimName = claimNameOf(pod, volume);
    const claim = this.#state.claims.get(`${pod.metadata.namespace}/${claimName}`);
    return { volume, claimName, claim: claimName === undefined ? undefined : claim };
  }

  #persistentVolumeOf(claim: PersistentVolumeClaim | undefined): PersistentVolume | undefined {
    return this.#state.persistentVolumes.get(claim?.spec?.volumeName ?? "");
  }

  /** A claim that several pods mount is taken through the first of them. */
  #isTaken(pod: Pod, { claim }: Candidate): boolean {
    const takenBy = this.#takenBy.get(claim?.metadata.uid ?? "");
    return takenBy !== undefined && takenBy !== pod.metadata.uid;
  }

  #hasItsClaim(pod: Pod, candidate: Candidate): boolean {
    const { volume, claimName, claim } = candidate;
    if (claimName === undefined || claim !== undefined) return true;
    this.errors.push(`${placeOf(pod, volume.name)}: its claim ${claimName} does not exist`);
    this.#skip(pod, candidate, `its claim ${claimName} does not exist`);
    return false;
  }

  #addVolume(pod: Pod, candidate: Candidate): void {
    const { volume, claim } = candidate;
    const problem = this.#volumeProblem(pod, volume, claim);
    if (problem !== undefined) {
      this.warnings.push(`${placeOf(pod, volume.name)} is skipped: ${problem}`);
      this.#skip(pod, candidate, problem);
      return;
    }
    if (claim?.metadata.uid !== undefined) {
      // A pod may mount one claim under two names.
      if (this.#takenBy.has(claim.metadata.uid) && this.#isPlanned(pod, claim)) return;
      this.#takenBy.set(claim.metadata.uid, pod.metadata.uid ?? "");
    }
    this.volumes.push({ pod, node: pod.spec?.nodeName ?? "", volume, claim });
  }

  #skip(pod: Pod, { volume, claim }: Candidate, reason: string): void {
    const persistentVolume = this.#persistentVolumeOf(claim);
    this.#skipped.push({ pod, volume: volume.name, claim, persistentVolume, reason });
  }

  #isPlanned(pod: Pod, claim: PersistentVolumeClaim): boolean {
    return this.volumes.some((planned) => planned.pod === pod && planned.claim === claim);
  }

  #volumeProblem(pod: Pod, volume: Volume, claim: PersistentVolumeClaim | undefined): string | undefined {
    const persistentVolume = this.#persistentVolumeOf(claim);
    if (persistentVolume?.spec?.hostPath !== undefined)
      return `its persistent volume ${persistentVolume.metadata.name} is a hostPath`;
    if (isBlockDevice(pod, volume) || claim?.spec?.volumeMode === "Block") return "it is a raw block device";
    return isMounted(pod, volume) ? undefined : "no container mounts it (init containers do not count)";
  }
}

/** Plans a Backup. Pods are taken in the order given; those that are labelled out of every Backup count as absent. */
export function planVolumes(state: ClusterState, options: PlanOptions): VolumePlan {
  const planner = new Planner(state, options);
  for (const pod of state.pods) {
    if (!excludeFromBackup(pod)) planner.addPod(pod);
  }
  const { volumes, skipped, warnings, errors } = planner;
  return { volumes, skipped, warnings, errors };
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
