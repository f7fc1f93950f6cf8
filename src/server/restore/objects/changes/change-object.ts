// From an object as it was backed up to one that can be created: metadata that the API server fills in itself is dropped,
// the status too, and each kind gets the changes of its own.
import type { MutableObject } from "../json-fields.ts";
import { changeBinding, changeSecret, changeServiceAccount } from "./account-changes.ts";
import type { ChangeContext } from "./change-context.ts";
import { changeClaim } from "./claim-change.ts";
import { changePersistentVolume } from "./persistent-volume-change.ts";
import { changePod } from "./pod-change.ts";
import { changeService } from "./service-change.ts";
import { changeCrd, changeJob, changeNamespace, changeWebhooks } from "./workload-changes.ts";

type Change = (object: MutableObject, context: ChangeContext) => void;

const changes: Readonly<Record<string, Change>> = {
  namespaces: changeNamespace,
  "customresourcedefinitions.apiextensions.k8s.io": changeCrd,
  pods: changePod,
  persistentvolumeclaims: changeClaim,
  persistentvolumes: changePersistentVolume,
  services: changeService,
  serviceaccounts: changeServiceAccount,
  secrets: changeSecret,
  "jobs.batch": changeJob,
  "rolebindings.rbac.authorization.k8s.io": changeBinding,
  "clusterrolebindings.rbac.authorization.k8s.io": changeBinding,
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": changeWebhooks,
  "validatingwebhookconfigurations.admissionregistration.k8s.io": changeWebhooks,
};

const metadataOfTheServer = [
  "generateName",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "ownerReferences",
  "managedFields",
];

/** Changes the object in place. */
export function changeObject(groupResource: string, object: MutableObject, context: ChangeContext): void {
  if (Object.hasOwn(changes, groupResource)) changes[groupResource]?.(object, context);
  // Afterwards, because the managed fields tell which ports of a Service somebody had asked for.
  for (const field of metadataOfTheServer) delete object.metadata[field];
  delete object.status;
}
