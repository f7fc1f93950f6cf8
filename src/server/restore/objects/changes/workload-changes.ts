// Jobs get their selector anew; namespaces, webhooks and CRDs lose what the API server would refuse or knows better.
import { type MutableObject, objectAt, objectsAt, removeAt, textAt } from "../json-fields.ts";

const controllerUidLabels = ["controller-uid", "batch.kubernetes.io/controller-uid"];

export function changeJob(job: MutableObject): void {
  for (const label of controllerUidLabels) {
    removeAt(job, "spec", "selector", "matchLabels", label);
    removeAt(job, "spec", "template", "metadata", "labels", label);
    removeAt(job, "metadata", "labels", label);
  }
}

export function changeNamespace(namespace: MutableObject): void {
  removeAt(namespace, "metadata", "labels", "kubernetes.io/metadata.name");
  // Its finalizer is the API server's own affair.
  removeAt(namespace, "spec");
}

/** v1 refuses the values that earlier versions allowed. */
export function changeWebhooks(configuration: MutableObject): void {
  for (const webhook of objectsAt(configuration, "webhooks")) {
    const sideEffects = textAt(webhook, "sideEffects");
    if (sideEffects !== "None" && sideEffects !== "NoneOnDryRun") webhook.sideEffects = "None";
  }
}

/** v1 refuses a CRD that keeps unknown fields as a whole, as those from before had; each version may still keep them. */
export function changeCrd(definition: MutableObject): void {
  const spec = objectAt(definition, "spec");
  if (spec?.preserveUnknownFields !== true) return;
  delete spec.preserveUnknownFields;
  for (const version of objectsAt(spec, "versions")) {
    const schema = objectAt(version, "schema", "openAPIV3Schema");
    if (schema !== undefined) schema["x-kubernetes-preserve-unknown-fields"] = true;
  }
}
