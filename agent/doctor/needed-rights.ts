// Every right that the agent needs, with what it is needed for. The role in manifests/rbac/agent.yaml holds these and no
// others, which a test compares.

export interface NeededRight {
  /** "" is the core group. */
  readonly group: string;
  readonly resource: string;
  /** Only of this object. */
  readonly name?: string;
  readonly verbs: readonly string[];
  /** In Velero's namespace, or everywhere in the cluster. */
  readonly scope: "namespace" | "cluster";
  /** Without a vital right no volume can be moved; without another one something is missing. */
  readonly isVital: boolean;
  /** What goes wrong without it. */
  readonly loss: string;
}

const watched = ["get", "list", "watch"];
const inNamespace = { scope: "namespace", isVital: true } as const;
const inCluster = { scope: "cluster", isVital: true } as const;
const work = "it cannot see and carry out its work";
const fields = "it cannot see which fields the installed CRDs have";

export const neededRights: readonly NeededRight[] = [
  { ...inNamespace, group: "velero.io", resource: "podvolumebackups", verbs: [...watched, "patch"], loss: work },
  { ...inNamespace, group: "velero.io", resource: "podvolumerestores", verbs: [...watched, "patch"], loss: work },
  {
    ...inNamespace,
    group: "velero.io",
    resource: "backuprepositories",
    verbs: [...watched, "create"],
    loss: "it cannot find repositories and ask for new ones",
  },
  {
    ...inNamespace,
    group: "velero.io",
    resource: "backupstoragelocations",
    verbs: watched,
    loss: "it does not know where the repositories are",
  },
  {
    ...inNamespace,
    group: "",
    resource: "secrets",
    verbs: ["get"],
    loss: "it has no password of the repositories and no credentials of the store",
  },
  {
    ...inNamespace,
    isVital: false,
    group: "",
    resource: "configmaps",
    verbs: watched,
    loss: "its settings (--node-agent-configmap) cannot be read, or changes of them not be seen",
  },
  {
    ...inCluster,
    group: "",
    resource: "pods",
    verbs: watched,
    loss: "it cannot find the volumes of pods",
  },
  {
    ...inCluster,
    group: "",
    resource: "persistentvolumeclaims",
    verbs: ["get"],
    loss: "it cannot find the volumes of claims",
  },
  {
    ...inCluster,
    group: "",
    resource: "persistentvolumes",
    verbs: ["get"],
    loss: "it cannot find the volumes of claims",
  },
  {
    ...inCluster,
    isVital: false,
    group: "storage.k8s.io",
    resource: "csidrivers",
    verbs: ["get"],
    loss: "volumes that were migrated to CSI are not found",
  },
  {
    ...inCluster,
    isVital: false,
    group: "",
    resource: "nodes",
    verbs: ["get"],
    loss: "settings for single nodes do not count",
  },
  ...["podvolumebackups", "podvolumerestores"].map((plural) => ({
    ...inCluster,
    isVital: false,
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    name: `${plural}.velero.io`,
    verbs: ["get"],
    loss: fields,
  })),
  {
    ...inCluster,
    isVital: false,
    group: "",
    resource: "events",
    verbs: ["create", "patch"],
    loss: "kubectl describe does not show what it did",
  },
];
