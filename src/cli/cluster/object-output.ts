// Resources as JSON or YAML, for scripts and for kubectl apply.
import type { KubeObject, Resource } from "../../api/kube-object.ts";

export type ObjectFormat = "json" | "yaml";

/** The object as the API server would give it alone; newline included. */
export async function encodeObject<T extends KubeObject>(
  format: ObjectFormat,
  resource: Resource<T>,
  object: object,
): Promise<string> {
  return encode(format, complete(resource, object));
}

/** One object alone, several as a list, as velero and `kubectl get NAME` print them. */
export async function encodeObjects<T extends KubeObject>(
  format: ObjectFormat,
  resource: Resource<T>,
  objects: readonly T[],
): Promise<string> {
  const items = objects.map((object) => complete(resource, object));
  if (items.length === 1) return encode(format, items[0] ?? {});
  return encode(format, { apiVersion: apiVersion(resource), kind: `${resource.kind}List`, metadata: {}, items });
}

/** Any value; newline included. */
export async function encode(format: ObjectFormat, value: object): Promise<string> {
  if (format === "json") return `${JSON.stringify(value, undefined, 2)}\n`;
  const { formatYaml } = await import("../../platform/yaml.ts");
  return formatYaml(value);
}

/** Items of a list lack kind and version; who wrote which field is of no use to anybody here. */
function complete<T extends KubeObject>(resource: Resource<T>, object: object): object {
  const { metadata, ...rest } = object as { metadata: Record<string, unknown> };
  const { managedFields: _, ...kept } = metadata;
  return { apiVersion: apiVersion(resource), kind: resource.kind, metadata: kept, ...rest };
}

function apiVersion(resource: Resource<KubeObject>): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}
