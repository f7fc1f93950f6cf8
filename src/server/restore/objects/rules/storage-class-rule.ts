// Other storage classes for restored claims, volumes and StatefulSets: the ConfigMap `velero.io/change-storage-class` maps
// old names to new ones. A class that is not in the cluster is an error of the object: its volume would stay pending.
import { storageClasses } from "../../../../api/resources.ts";
import type { TypedClient } from "../../../../kube/typed-client.ts";
import { type JsonObject, type MutableObject, objectAt, objectsAt } from "../json-fields.ts";

export class StorageClassRule {
  readonly #data: Readonly<Record<string, string>>;
  readonly #client: Pick<TypedClient, "find">;
  readonly #known = new Set<string>();

  constructor(data: Readonly<Record<string, string>>, client: Pick<TypedClient, "find">) {
    this.#data = data;
    this.#client = client;
  }

  /** Changes the object in place. @throws Error when the new class is not in the cluster; KubeError */
  async apply(groupResource: string, object: MutableObject, signal: AbortSignal): Promise<void> {
    for (const spec of specsWithClass(groupResource, object)) {
      const name = spec.storageClassName;
      if (typeof name !== "string" || !Object.hasOwn(this.#data, name)) continue;
      const wanted = this.#data[name] ?? name;
      await this.#mustExist(wanted, name, signal);
      spec.storageClassName = wanted;
    }
  }

  async #mustExist(wanted: string, old: string, signal: AbortSignal): Promise<void> {
    if (this.#known.has(wanted)) return;
    const found = await this.#client.find(storageClasses, { name: wanted }, { signal });
    if (found === undefined) {
      throw new Error(`storage class ${wanted}, which replaces ${old}, does not exist in the cluster`);
    }
    this.#known.add(wanted);
  }
}

function specsWithClass(groupResource: string, object: MutableObject): readonly JsonObject[] {
  const own = objectAt(object, "spec");
  switch (groupResource) {
    case "persistentvolumeclaims":
    case "persistentvolumes":
      return own === undefined ? [] : [own];
    case "statefulsets.apps":
      return objectsAt(object, "spec", "volumeClaimTemplates")
        .map((template) => objectAt(template, "spec"))
        .filter((spec) => spec !== undefined);
    default:
      return [];
  }
}
