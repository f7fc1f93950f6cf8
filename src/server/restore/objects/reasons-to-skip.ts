// Single objects that stay where they are although their kind is restored: somebody else makes them, or they are done.
import type { BackupContents, ContentsIndex } from "./backup-contents.ts";
import { annotationOf, labelOf, type MutableObject, objectAt, objectsAt, textAt } from "./json-fields.ts";

export interface SkipContext {
  readonly contents: BackupContents;
  readonly index: ContentsIndex;
}

/** Why the object is not restored; undefined when it is. The object is as it was backed up. */
export async function reasonToSkip(
  groupResource: string,
  object: MutableObject,
  context: SkipContext,
): Promise<string | undefined> {
  if (ofTheApiServer.has(groupResource) && isNamed(object, "default", "kubernetes"))
    return "each cluster makes its own";
  switch (groupResource) {
    case "pods":
      return reasonToSkipPod(object);
    case "persistentvolumeclaims":
      // A restored one would not belong to the pod, and the pod would never start.
      return isOwnedByPod(object) ? "a controller makes it for the pod whose ephemeral volume it is" : undefined;
    case "jobs.batch":
      return textAt(object, "status", "completionTime") === undefined ? undefined : "the job had completed";
    case "configmaps":
      return rootCertificates.has(object.metadata.name) ? "each cluster makes its own" : undefined;
    case "secrets":
      return reasonToSkipSecret(object);
    case "apiservices.apiregistration.k8s.io":
      return labelOf(object, "kube-aggregator.kubernetes.io/automanaged") === undefined
        ? undefined
        : "the API server makes it itself";
    case "endpoints":
      return await reasonToSkipEndpoints(object, context);
    case "endpointslices.discovery.k8s.io":
      return sliceControllers.has(labelOf(object, "endpointslice.kubernetes.io/managed-by") ?? "")
        ? "a controller makes it for its Service"
        : undefined;
    default:
      return undefined;
  }
}

function isOwnedByPod(claim: MutableObject): boolean {
  return objectsAt(claim, "metadata", "ownerReferences").some(
    (owner) => owner.kind === "Pod" && owner.controller === true,
  );
}

/** The Service of the API server itself, and where it leads. */
const ofTheApiServer: ReadonlySet<string> = new Set(["services", "endpoints", "endpointslices.discovery.k8s.io"]);

function isNamed({ metadata }: MutableObject, namespace: string, name: string): boolean {
  return metadata.namespace === namespace && metadata.name === name;
}

/** Certificates of the cluster's own authority, put into every namespace by a controller. */
const rootCertificates: ReadonlySet<string> = new Set(["kube-root-ca.crt", "openshift-service-ca.crt"]);

const sliceControllers: ReadonlySet<string> = new Set([
  "endpointslice-controller.k8s.io",
  "endpointslicemirroring-controller.k8s.io",
]);

function reasonToSkipPod(pod: MutableObject): string | undefined {
  if (annotationOf(pod, "kubernetes.io/config.mirror") !== undefined) return "it is the mirror of a node's static pod";
  const phase = textAt(pod, "status", "phase");
  return phase === "Succeeded" || phase === "Failed" ? `the pod had ended (${phase})` : undefined;
}

/** The controller gives its tokens five random characters; other names were chosen by somebody. */
function reasonToSkipSecret(secret: MutableObject): string | undefined {
  if (secret.type !== "kubernetes.io/service-account-token") return undefined;
  const account = annotationOf(secret, "kubernetes.io/service-account.name");
  const prefix = `${account}-token-`;
  const { name } = secret.metadata;
  const isMade = account !== undefined && name.startsWith(prefix) && /^[a-z0-9]{5}$/.test(name.slice(prefix.length));
  return isMade ? "a controller makes it for its service account" : undefined;
}

/** With a selector the Service's controller makes them; old ones would send its traffic to addresses of other pods. */
async function reasonToSkipEndpoints(
  endpoints: MutableObject,
  { contents, index }: SkipContext,
): Promise<string | undefined> {
  const { name, namespace } = endpoints.metadata;
  const reason = "a controller makes it for its Service";
  if (annotationOf(endpoints, "endpoints.kubernetes.io/last-change-trigger-time") !== undefined) return reason;
  if (!index.has("services", { namespace, name })) return undefined;
  const service = await contents.read("services", { namespace, name });
  return objectAt(service, "spec", "selector") === undefined ? undefined : reason;
}
