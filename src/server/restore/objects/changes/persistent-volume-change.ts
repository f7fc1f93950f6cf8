// A PersistentVolume that comes back as it was is bound to its claim anew, wherever the claim is now.
import { type MutableObject, objectAt, removeAnnotations, removeAt, textAt } from "../json-fields.ts";
import { type ChangeContext, mappedNamespace } from "./change-context.ts";

export function changePersistentVolume(volume: MutableObject, { namespaceMapping }: ChangeContext): void {
  removeAnnotations(volume, ["pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"]);
  for (const field of ["uid", "resourceVersion"]) removeAt(volume, "spec", "claimRef", field);
  const claim = objectAt(volume, "spec", "claimRef");
  const namespace = textAt(claim, "namespace");
  if (claim !== undefined && namespace !== undefined) claim.namespace = mappedNamespace(namespaceMapping, namespace);
}
