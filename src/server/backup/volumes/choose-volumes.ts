// Which of a pod's volumes a Backup takes, and why not the others: what its volume policy says, else the opt-in list, or
// everything but the opt-out list; never those whose content comes from the API server or belongs to the node (velero.io:
// "Volumes to back up").
import type { Pod, Volume } from "../../../api/core.ts";
import { annotations } from "../../../api/names.ts";
import type { PolicyAction } from "./volume-policy.ts";

/** "opt-in": only volumes that the annotation lists. "opt-out": all but those that the other annotation lists. */
export type SelectionMode = "opt-in" | "opt-out";

export interface SelectionRules {
  readonly mode: SelectionMode;
  /** What the volume policy says about a volume; it goes before the annotations. Absent without a policy. */
  readonly actionFor?: (volume: Volume) => PolicyAction | undefined;
  /** Said of volumes with a claim while the Backup's filters leave claims out; absent while they do not. */
  readonly claimsExcluded?: string | undefined;
}

export interface LeftVolume {
  readonly volume: Volume;
  /** "it is not listed in …"; goes on after "volume x of pod y is skipped: ". */
  readonly reason: string;
  /** silent: as the user wants it. warning: listed by name, and still not taken. error: it was to be saved, and is not. */
  readonly weight: "silent" | "warning" | "error";
}

export interface ChosenVolumes {
  /** In the order of the pod, or of the annotation that lists them. */
  readonly volumes: readonly Volume[];
  /** Listed in the annotation, but not among the pod's volumes. */
  readonly unknownNames: readonly string[];
  /** All others, but for those whose content is in the API server and is saved from there (unless they are listed). */
  readonly left: readonly LeftVolume[];
}

const apiSources = ["secret", "configMap", "projected", "downwardAPI"] as const satisfies readonly (keyof Volume)[];

const policyReasons: Readonly<Record<Exclude<PolicyAction, "fs-backup">, Omit<LeftVolume, "volume">>> = {
  skip: { reason: "its volume policy says skip", weight: "silent" },
  custom: { reason: "its volume policy leaves it to somebody else (custom)", weight: "silent" },
  snapshot: {
    reason: "its volume policy wants a snapshot, and this server takes none yet; say fs-backup or skip",
    weight: "error",
  },
};

/** Applies the rules to one pod. */
export function chooseVolumes(pod: Pod, rules: SelectionRules): ChosenVolumes {
  const all = pod.spec?.volumes ?? [];
  const listed = rules.mode === "opt-in" ? [...new Set(namesIn(pod, annotations.backupVolumes))] : [];
  const excluded = new Set(rules.mode === "opt-out" ? namesIn(pod, annotations.backupVolumesExcludes) : []);
  const known = new Set(all.map(({ name }) => name));
  const rank = new Map(listed.map((name, position) => [name, position]));
  const inOrder = all.toSorted((a, b) => (rank.get(a.name) ?? all.length) - (rank.get(b.name) ?? all.length));
  const judged = inOrder.map((volume) => ({ volume, verdict: judge(pod, volume, { rules, rank, excluded }) }));
  return {
    volumes: judged.filter(({ verdict }) => verdict === "take").map(({ volume }) => volume),
    unknownNames: listed.filter((name) => !known.has(name)),
    left: judged.flatMap(({ volume, verdict }) =>
      verdict === "take" || verdict === "pass over" ? [] : { volume, ...verdict },
    ),
  };
}

interface Lists {
  readonly rules: SelectionRules;
  /** Names that the opt-in annotation lists. */
  readonly rank: ReadonlyMap<string, number>;
  readonly excluded: ReadonlySet<string>;
}

type Verdict = "take" | "pass over" | Omit<LeftVolume, "volume">;

function judge(pod: Pod, volume: Volume, { rules, rank, excluded }: Lists): Verdict {
  const isListed = rank.has(volume.name);
  const weight = isListed ? "warning" : "silent";
  if (comesFromApi(volume))
    return isListed ? { reason: "volumes of its kind are never backed up", weight } : "pass over";
  if (volume.hostPath !== undefined && volume.hostPath !== null)
    return { reason: "volumes of its kind are never backed up (hostPath)", weight };
  if (rules.claimsExcluded !== undefined && claimNameOf(pod, volume) !== undefined)
    return { reason: rules.claimsExcluded, weight };
  const action = rules.actionFor?.(volume);
  if (action === "fs-backup") return "take";
  if (action !== undefined) return policyReasons[action];
  if (rules.mode === "opt-in")
    return isListed ? "take" : { reason: `the pod's annotation ${annotations.backupVolumes} does not list it`, weight };
  return excluded.has(volume.name)
    ? { reason: `the pod's annotation ${annotations.backupVolumesExcludes} lists it`, weight }
    : "take";
}

/** True for volumes that show what the API server holds. */
function comesFromApi(volume: Volume): boolean {
  return (
    volume.name.startsWith("default-token") ||
    apiSources.some((source) => volume[source] !== undefined && volume[source] !== null)
  );
}

/** The names in an annotation: separated by commas, taken literally, as Velero does. */
function namesIn(pod: Pod, annotation: string): string[] {
  const text = pod.metadata.annotations?.[annotation];
  return text === undefined || text === "" ? [] : text.split(",");
}

/** True when a regular container mounts the volume as a file system; init containers do not count. */
export function isMounted(pod: Pod, volume: Volume): boolean {
  return (pod.spec?.containers ?? []).some((container) =>
    container.volumeMounts?.some((mount) => mount.name === volume.name),
  );
}

/** True when a container uses the volume as a raw block device. */
export function isBlockDevice(pod: Pod, volume: Volume): boolean {
  return (pod.spec?.containers ?? []).some((container) =>
    container.volumeDevices?.some((device) => device.name === volume.name),
  );
}

/** The claim behind a volume: named by it, or made for it from a template under the pod's name. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}
