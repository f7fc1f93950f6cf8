// A claim is bound anew: what the controllers noted about the old binding is dropped.
import { annotationOf, type MutableObject, removeAnnotations } from "../json-fields.ts";
import type { ChangeContext } from "./change-context.ts";

const selectedNode = "volume.kubernetes.io/selected-node";

const bindingNotes = [
  "pv.kubernetes.io/bind-completed",
  "pv.kubernetes.io/bound-by-controller",
  "volume.beta.kubernetes.io/storage-provisioner",
  "volume.kubernetes.io/storage-provisioner",
  "velero.io/volume-snapshot-name",
  "velero.io/data-upload-name",
];

export function changeClaim(claim: MutableObject, { nodeMapping }: ChangeContext): void {
  removeAnnotations(claim, bindingNotes);
  const node = nodeMapping.get(annotationOf(claim, selectedNode) ?? "");
  // Without a mapping the scheduler chooses: the pod that uses the claim is scheduled anew as well.
  removeAnnotations(claim, [selectedNode]);
  if (node !== undefined) claim.metadata.annotations = { ...claim.metadata.annotations, [selectedNode]: node };
}
