// Pods as users write them, around busybox; what a test cares about is given, the rest is filled in.
import { busyboxImage } from "./images.ts";
import type { Manifest } from "./node-rig.ts";

export interface PodWish {
  readonly namespace: string;
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** As in a pod's spec; each is mounted at /NAME of the container `app`, unless `mounts` says otherwise. */
  readonly volumes?: readonly VolumeWish[];
  readonly mounts?: readonly object[];
  /** Joins the pod's spec, or replaces parts of it. */
  readonly spec?: object;
  /** Joins the container `app`. */
  readonly container?: object;
}

export interface VolumeWish {
  readonly name: string;
  readonly [source: string]: unknown;
}

const sleepForever: readonly string[] = ["sleep", "2000000000"];

function podSpec({ volumes = [], mounts, spec = {}, container = {} }: Omit<PodWish, "namespace" | "name">): object {
  const volumeMounts = mounts ?? volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const app = { name: "app", image: busyboxImage, command: sleepForever, volumeMounts, ...container };
  return { containers: [app], volumes, terminationGracePeriodSeconds: 0, ...spec };
}

export function pod(wish: PodWish): Manifest {
  const { namespace, name, annotations = {} } = wish;
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace, name, annotations }, spec: podSpec(wish) };
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** The strictest of Kubernetes' pod security levels. */
export function restrictedNamespace(name: string): Manifest {
  return namespace(name, { "pod-security.kubernetes.io/enforce": "restricted" });
}

/** What that level asks of every container. */
export const restrictedContainer: object = {
  runAsUser: 1234,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/** A Deployment or StatefulSet of one pod with the label `app`. */
export function workload(kind: "Deployment" | "StatefulSet", wish: PodWish, spec: object = {}): Manifest {
  const { namespace: place, name, annotations = {} } = wish;
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { namespace: place, name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: podSpec(wish) },
      ...spec,
    },
  };
}

/** Volumes that are folders of the node, of the class `local`; a pod that wants one makes them bind. */
export function localVolumes(nodeName: string, paths: Readonly<Record<string, string>>): Manifest[] {
  const affinity = { key: "kubernetes.io/hostname", operator: "In", values: [nodeName] };
  const storageClass = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "local" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
  };
  const volumes = Object.entries(paths).map(([name, path]) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "local",
      persistentVolumeReclaimPolicy: "Retain",
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [affinity] }] } },
    },
  }));
  return [storageClass, ...volumes];
}

export function claimSpec(storageClassName = "local"): object {
  return { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage: "1Gi" } } };
}

/** A driver that attaches nothing, and a claim bound to a volume of it; both have the name. */
export function csiVolume(driver: string, place: string, name: string): Manifest[] {
  const capacity = { storage: "1Gi" };
  const common = { accessModes: ["ReadWriteOnce"], storageClassName: "by-hand" };
  return [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "CSIDriver",
      metadata: { name: driver },
      spec: { attachRequired: false, volumeLifecycleModes: ["Persistent", "Ephemeral"] },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name },
      spec: { ...common, capacity, csi: { driver, volumeHandle: name } },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { namespace: place, name },
      spec: { ...common, volumeName: name, resources: { requests: capacity } },
    },
  ];
}
