// What an object needs to be of use after a restore: the claims of a pod, the volume of a claim. velero-contract §9.3.
import type { PersistentVolumeClaim, Pod } from "../../../api/core.ts";
import { groupResourceOf } from "../../../kube/discovery.ts";
import type { AnyKubeObject, ResourceDescriptor } from "../../../kube/kube-object.ts";

/** A kind by group and kind, because versions differ between clusters. */
export interface RelatedItem {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export function relatedItems(
  resource: ResourceDescriptor<AnyKubeObject>,
  object: AnyKubeObject,
): readonly RelatedItem[] {
  const name = groupResourceOf(resource);
  if (name === "pods") return relatedToPod(object as Pod);
  if (name === "persistentvolumeclaims") return relatedToClaim(object as PersistentVolumeClaim);
  return [];
}

function relatedToPod({ metadata, spec }: Pod): readonly RelatedItem[] {
  const { namespace = "", name } = metadata;
  const claims = (spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [`${name}-${volume.name}`];
  });
  const { priorityClassName = "" } = (spec ?? {}) as { readonly priorityClassName?: string };
  return [
    ...claims.map((claim) => ({ group: "", kind: "PersistentVolumeClaim", namespace, name: claim })),
    ...(priorityClassName === ""
      ? []
      : [{ group: "scheduling.k8s.io", kind: "PriorityClass", name: priorityClassName }]),
  ];
}

function relatedToClaim({ spec }: PersistentVolumeClaim): readonly RelatedItem[] {
  const { volumeName = "" } = spec ?? {};
  return volumeName === "" ? [] : [{ group: "", kind: "PersistentVolume", name: volumeName }];
}

interface ClusterRoleBinding extends AnyKubeObject {
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
  readonly subjects?: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[] | null;
}

/** The role of a binding that gives rights to one of these accounts ("namespace/name"); undefined when it gives none. */
export function roleForAccounts(
  binding: AnyKubeObject,
  accounts: ReadonlySet<string>,
): readonly RelatedItem[] | undefined {
  const { subjects, roleRef } = binding as ClusterRoleBinding;
  const isTheirs = (subjects ?? []).some(
    ({ kind, namespace, name }) => kind === "ServiceAccount" && accounts.has(`${namespace}/${name}`),
  );
  if (!isTheirs) return undefined;
  const name = roleRef?.kind === "ClusterRole" ? (roleRef.name ?? "") : "";
  return name === "" ? [] : [{ group: "rbac.authorization.k8s.io", kind: "ClusterRole", name }];
}
