// Where an object lies in the tarball of a Backup (velero-contract §7.5), and which object a path means.

import { groupResourceOf } from "../../kube/discovery.ts";
import { type AnyKubeObject, keyOfObject, type ResourceDescriptor, splitKey } from "../../kube/kube-object.ts";

export const versionPath = "metadata/version";
/** What this server writes; every 1.x can be read. */
export const formatVersion = "1.1.0";

/** Both places of an object: for every restore, and by version for those that look at versions. */
export function pathsOfItem(resource: ResourceDescriptor<AnyKubeObject>, object: AnyKubeObject): readonly string[] {
  const { namespace, name } = splitKey(keyOfObject(object));
  const folder = `resources/${groupResourceOf(resource)}`;
  const place = namespace === "" ? `cluster/${name}.json` : `namespaces/${namespace}/${name}.json`;
  return [`${folder}/${place}`, `${folder}/${resource.version}-preferredversion/${place}`];
}

export interface ItemPath {
  readonly groupResource: string;
  /** "namespace/name", or the bare name of a cluster-scoped object. */
  readonly key: string;
}

/** Longer than any name that the API server accepts. */
const longestPart = 512;

/**
 * @returns undefined for paths that are none of an object, and for the second place, by version.
 * @throws RangeError when a part of the path is nothing that can be a name
 */
export function parseItemPath(path: string): ItemPath | undefined {
  const [top, ...folders] = path.split("/");
  const file = folders.pop() ?? "";
  if (top !== "resources" || !file.endsWith(".json")) return undefined;
  const name = file.slice(0, -".json".length);
  const unsafe = [...folders, name].find((part) => !isSafePart(part));
  if (unsafe !== undefined) throw new RangeError(`${JSON.stringify(unsafe.slice(0, 80))} is not a name`);
  const [groupResource = "", scope, ...rest] = folders;
  if (scope === "cluster" && rest.length === 0) return { groupResource, key: name };
  if (scope === "namespaces" && rest.length === 1) return { groupResource, key: `${rest[0]}/${name}` };
  return undefined;
}

function isSafePart(part: string): boolean {
  return part !== "" && part !== "." && part !== ".." && part.length <= longestPart && !/[\p{Cc}\\]/u.test(part);
}
