// Which of a pod's volumes a Backup takes: the opt-in list, or everything but the opt-out list, and never those whose
// content comes from the API server or belongs to the node (velero.io: "Volumes to back up").
import type { Pod, Volume } from "../../api/core.ts";
import { annotations } from "../../api/names.ts";

/** "opt-in": only volumes that the annotation lists. "opt-out": all but those that the other annotation lists. */
export type SelectionMode = "opt-in" | "opt-out";

export interface ChosenVolumes {
  /** In the order of the pod, or of the annotation that lists them. */
  readonly volumes: readonly Volume[];
  /** Listed in the annotation, but not among the pod's volumes. */
  readonly unknownNames: readonly string[];
  /** Listed in the annotation, but never backed up. */
  readonly refused: readonly Volume[];
}

const neverSources = [
  "hostPath",
  "secret",
  "configMap",
  "projected",
  "downwardAPI",
] as const satisfies readonly (keyof Volume)[];

/** True for volumes that are never backed up, whatever the annotations say. */
function isNeverBackedUp(volume: Volume): boolean {
  return (
    volume.name.startsWith("default-token") ||
    neverSources.some((source) => volume[source] !== undefined && volume[source] !== null)
  );
}

/** The names in an annotation: separated by commas, taken literally, as Velero does. */
function namesIn(pod: Pod, annotation: string): string[] {
  const text = pod.metadata.annotations?.[annotation];
  return text === undefined || text === "" ? [] : text.split(",");
}

/** Applies the annotations of one pod. */
export function chooseVolumes(pod: Pod, mode: SelectionMode): ChosenVolumes {
  const volumes = pod.spec?.volumes ?? [];
  if (mode === "opt-out") {
    const excluded = new Set(namesIn(pod, annotations.backupVolumesExcludes));
    const chosen = volumes.filter((volume) => !isNeverBackedUp(volume) && !excluded.has(volume.name));
    return { volumes: chosen, unknownNames: [], refused: [] };
  }
  const byName = new Map(volumes.map((volume) => [volume.name, volume]));
  const names = [...new Set(namesIn(pod, annotations.backupVolumes))];
  const listed = names.flatMap((name) => byName.get(name) ?? []);
  return {
    volumes: listed.filter((volume) => !isNeverBackedUp(volume)),
    unknownNames: names.filter((name) => !byName.has(name)),
    refused: listed.filter(isNeverBackedUp),
  };
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
