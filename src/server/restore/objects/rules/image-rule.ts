// Other images for restored workloads: each value of the ConfigMap `velero.io/change-image-name` reads "old part,new part".
import { type MutableObject, objectAt, objectsAt } from "../json-fields.ts";

const templatePaths: Readonly<Record<string, readonly string[]>> = {
  pods: ["spec"],
  "deployments.apps": ["spec", "template", "spec"],
  "statefulsets.apps": ["spec", "template", "spec"],
  "daemonsets.apps": ["spec", "template", "spec"],
  "replicasets.apps": ["spec", "template", "spec"],
  replicationcontrollers: ["spec", "template", "spec"],
  "jobs.batch": ["spec", "template", "spec"],
  "cronjobs.batch": ["spec", "jobTemplate", "spec", "template", "spec"],
};

interface Replacement {
  readonly from: string;
  readonly to: string;
}

export class ImageRule {
  readonly #replacements: readonly Replacement[];

  /** The keys decide in which order the values are tried. */
  constructor(data: Readonly<Record<string, string>>) {
    this.#replacements = Object.keys(data)
      .toSorted()
      .flatMap((key) => replacementOf(data[key] ?? ""));
  }

  /** Changes the images of containers and init containers in place. */
  apply(groupResource: string, object: MutableObject): void {
    const path = Object.hasOwn(templatePaths, groupResource) ? templatePaths[groupResource] : undefined;
    const pod = path === undefined ? undefined : objectAt(object, ...path);
    for (const list of ["containers", "initContainers"]) {
      for (const container of objectsAt(pod, list)) {
        if (typeof container.image === "string") container.image = this.#replace(container.image);
      }
    }
  }

  /** The first that fits, everywhere in the image. */
  #replace(image: string): string {
    const found = this.#replacements.find(({ from }) => image.includes(from));
    return found === undefined ? image : image.replaceAll(found.from, () => found.to);
  }
}

function replacementOf(value: string): readonly Replacement[] {
  const comma = value.indexOf(",");
  const [from, to] = [value.slice(0, comma).trim(), value.slice(comma + 1).trim()];
  return comma < 0 || from === "" || to === "" ? [] : [{ from, to }];
}
