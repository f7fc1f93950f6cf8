// What an object needs beside it: the claims and the priority class of a pod, the volume of a claim. They come back first.
import type { ItemAddress } from "../../tarball/tarball-reader.ts";
import type { ContentsIndex } from "./backup-contents.ts";
import { type MutableObject, objectsAt, textAt } from "./json-fields.ts";
import type { RestoreScope } from "./restore-scope.ts";

export interface RelatedItem {
  readonly groupResource: string;
  readonly address: ItemAddress;
}

/** Those that are in the Backup and that the Restore does not leave out; labels do not count. */
export function relatedItems(
  groupResource: string,
  original: MutableObject,
  { scope, index }: { readonly scope: RestoreScope; readonly index: ContentsIndex },
): readonly RelatedItem[] {
  return namedItems(groupResource, original).filter(
    ({ groupResource: kind, address }) =>
      scope.includesKind(kind) &&
      (address.namespace !== undefined || scope.clusterScope !== "none") &&
      index.has(kind, address),
  );
}

function namedItems(groupResource: string, original: MutableObject): readonly RelatedItem[] {
  const { namespace } = original.metadata;
  if (groupResource === "persistentvolumeclaims") {
    const name = textAt(original, "spec", "volumeName") ?? "";
    return name === "" ? [] : [{ groupResource: "persistentvolumes", address: { name } }];
  }
  if (groupResource !== "pods") return [];
  const claims = objectsAt(original, "spec", "volumes").flatMap((volume) => {
    const name = textAt(volume, "persistentVolumeClaim", "claimName");
    return name === undefined ? [] : [{ groupResource: "persistentvolumeclaims", address: { namespace, name } }];
  });
  const priority = textAt(original, "spec", "priorityClassName") ?? "";
  if (priority === "") return claims;
  return [{ groupResource: "priorityclasses.scheduling.k8s.io", address: { name: priority } }, ...claims];
}
