// Plays the kubelet: no container runs here, but pods get their directories, and their status says that they run.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, nodeName } from "./cluster.ts";

const mergePatch = "application/merge-patch+json";

export interface PlayedPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Directory of an emptyDir volume of the pod. */
  volume(name: string): string;
}

export interface PodWish {
  readonly name: string;
  readonly namespace: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly volumes: readonly string[];
  /** Makes the pod a restored one: its init container `restore-wait` runs with this restore's uid. */
  readonly restoreUid?: string;
}

/** Creates a pod on the node and plays its start. */
export async function runPod(cluster: Cluster, wish: PodWish): Promise<PlayedPod> {
  const path = `/api/v1/namespaces/${wish.namespace}/pods`;
  const created = (await cluster.control.must("POST", path, podObject(wish))) as { metadata: { uid: string } };
  const { uid } = created.metadata;
  const volume = (name: string): string => join(cluster.podsDirectory, uid, "volumes", "kubernetes.io~empty-dir", name);
  mkdirSync(join(cluster.podsDirectory, uid), { recursive: true });
  for (const name of wish.volumes) mkdirSync(volume(name), { recursive: true });
  const waiting = wish.restoreUid !== undefined;
  const status = waiting
    ? { phase: "Pending", initContainerStatuses: [initStatus({ running: { startedAt: new Date().toISOString() } })] }
    : { phase: "Running" };
  await cluster.control.must("PATCH", `${path}/${wish.name}/status`, { status }, mergePatch);
  return { name: wish.name, namespace: wish.namespace, uid, volume };
}

/** The init container has ended well and the app runs. */
export async function finishInit(cluster: Cluster, pod: PlayedPod): Promise<void> {
  const ended = { terminated: { exitCode: 0, reason: "Completed" } };
  const status = { phase: "Running", initContainerStatuses: [initStatus(ended)] };
  await cluster.control.must(
    "PATCH",
    `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/status`,
    { status },
    mergePatch,
  );
}

function initStatus(state: object): object {
  return { name: "restore-wait", image: "stowage", imageID: "", ready: false, restartCount: 0, state };
}

function podObject(wish: PodWish): object {
  const mounts = (prefix: string): object[] => wish.volumes.map((name) => ({ name, mountPath: `${prefix}/${name}` }));
  const helper = { name: "restore-wait", image: "stowage", args: [wish.restoreUid], volumeMounts: mounts("/restores") };
  return {
    metadata: { name: wish.name, labels: wish.labels ?? {}, annotations: wish.annotations ?? {} },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      ...(wish.restoreUid === undefined ? {} : { initContainers: [helper] }),
      containers: [{ name: "app", image: "app", volumeMounts: mounts("") }],
      volumes: wish.volumes.map((name) => ({ name, emptyDir: {} })),
    },
  };
}
