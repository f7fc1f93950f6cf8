// A pod is scheduled anew, and gets its service account's token anew.
import { filterAt, isJsonObject, type MutableObject, objectsAt, removeAt, textAt } from "../json-fields.ts";

const containerLists = ["containers", "initContainers"] as const;

export function changePod(pod: MutableObject): void {
  for (const field of ["nodeName", "priority"]) removeAt(pod, "spec", field);
  // Debugging leftovers; the API server refuses a new pod that has them.
  removeAt(pod, "spec", "ephemeralContainers");
  const isTokenVolume = tokenVolumeTest(textAt(pod, "spec", "serviceAccountName") ?? "default");
  const keeps = (entry: unknown): boolean => !(isJsonObject(entry) && isTokenVolume(entry.name));
  filterAt(pod, ["spec", "volumes"], keeps);
  for (const list of containerLists)
    for (const container of objectsAt(pod, "spec", list)) filterAt(container, ["volumeMounts"], keeps);
}

/** Volumes that the API server adds to every pod: their names end in five random characters. */
function tokenVolumeTest(serviceAccount: string): (name: unknown) => boolean {
  return (name) =>
    typeof name === "string" &&
    (name.startsWith(`${serviceAccount}-token-`) || /^kube-api-access-[a-z0-9]{5}$/.test(name));
}
