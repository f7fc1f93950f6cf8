// The form in which an object is saved: as the API server gave it, but for what would keep a restored object from working.
import type { PersistentVolumeClaim } from "../../../api/core.ts";
import { groupResourceOf } from "../../../kube/discovery.ts";
import type { AnyKubeObject, ResourceDescriptor } from "../../../kube/kube-object.ts";

export function savedForm(resource: ResourceDescriptor<AnyKubeObject>, object: AnyKubeObject): AnyKubeObject {
  return groupResourceOf(resource) === "persistentvolumeclaims" ? savedClaim(object) : object;
}

/**
 * A claim that has its volume no longer needs what it was once made from, and the snapshot or selector will not be there where
 * it is restored. As Velero's own action does.
 */
function savedClaim(claim: PersistentVolumeClaim): AnyKubeObject {
  const { spec, status } = claim;
  if (status?.phase !== "Bound" || (spec?.volumeName ?? "") === "") return claim;
  const { dataSource, dataSourceRef, selector, ...kept } = spec as Record<string, unknown>;
  // Without a class nothing provisions a volume: then the selector is how one is found.
  const keepsSelector = selector !== undefined && spec?.storageClassName === "";
  return { ...claim, spec: { ...kept, ...(keepsSelector ? { selector } : {}) } } as AnyKubeObject;
}
