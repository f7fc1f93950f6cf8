// In which order the kinds come back (velero-contract §9.4). Pods come before their controllers on purpose: the restored
// pod keeps its init container that waits for the volumes' data, and the ReplicaSet then adopts it.

export const crdKind = "customresourcedefinitions.apiextensions.k8s.io";

const first: readonly string[] = [
  crdKind,
  "namespaces",
  "storageclasses.storage.k8s.io",
  "volumesnapshotclasses.snapshot.storage.k8s.io",
  "volumesnapshotcontents.snapshot.storage.k8s.io",
  "volumesnapshots.snapshot.storage.k8s.io",
  "datauploads.velero.io",
  "persistentvolumes",
  "persistentvolumeclaims",
  "clusterroles.rbac.authorization.k8s.io",
  "roles.rbac.authorization.k8s.io",
  "serviceaccounts",
  "clusterrolebindings.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "secrets",
  "configmaps",
  "limitranges",
  "priorityclasses.scheduling.k8s.io",
  "pods",
  "replicasets.apps",
  "clusterclasses.cluster.x-k8s.io",
  "endpoints",
  "services",
];

const last: readonly string[] = [
  "clusterbootstraps.run.tanzu.vmware.com",
  "clusters.cluster.x-k8s.io",
  "clusterresourcesets.addons.cluster.x-k8s.io",
  "apps.kappctrl.k14s.io",
  "packageinstalls.packaging.carvel.dev",
];

/** The kinds of the first list, the others by name, the kinds of the last list. */
export function inRestoreOrder(groupResources: readonly string[]): readonly string[] {
  return groupResources.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : Number(a > b)));
}

function rank(groupResource: string): number {
  const early = first.indexOf(groupResource);
  if (early >= 0) return early;
  const late = last.indexOf(groupResource);
  return late < 0 ? first.length : first.length + 1 + late;
}
