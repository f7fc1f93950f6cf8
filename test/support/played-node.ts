// Plays what a cluster has and tests have not: scheduler, kubelet and a provisioner of volumes, for one node. Pods of the real
// API server get their node, their directories and, step by step, the status that a kubelet would report; nothing runs in
// their containers but the real restore-helper, as a process, for init containers called restore-wait. A claim's volume is a
// directory that moves from pod to pod.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Container, PersistentVolumeClaim, Pod, Volume } from "../../src/api/core.ts";
import type { ControlPlane } from "./control-plane.ts";
import { type RunningProcess, startProcess } from "./processes.ts";

const core = "/api/v1";
const mergePatch = "application/merge-patch+json";
const program = join(import.meta.dirname, "..", "..", "src", "main.ts");

export interface PlayedNodeOptions {
  readonly controlPlane: ControlPlane;
  readonly name: string;
  /** Pods' directories and volumes at rest lie below it. */
  readonly folder: string;
  /** Storage class whose claims it provisions; made at the start. */
  readonly storageClass?: string;
  /** Between two looks at the API server; 200 when absent. */
  readonly periodMs?: number;
  /** Runs the programs of some pods; without it nothing runs but our restore-helper. */
  readonly runtime?: () => PodRuntime | undefined;
}

/** Directory of a pod's own volume. */
export type VolumePath = (volume: Volume) => Promise<string>;

/** Runs the programs of pods whose images it knows. */
export interface PodRuntime {
  has(container: Container): boolean;
  /** As it is now; started first when it never was, or has to be again. */
  stateOf(pod: Pod, container: Container, pathOf: VolumePath): Promise<ContainerState>;
  /** A claim's volume has come there. */
  mount(path: string): Promise<void>;
  /** Asks the pod's programs to end. @returns true when none is left */
  end(pod: Pod): boolean;
}

export interface ContainerState {
  readonly state: Running | Terminated;
  readonly restartCount?: number;
}

interface NamedState extends ContainerState {
  readonly name: string;
}

interface Running {
  readonly running: { readonly startedAt: string };
}

interface Terminated {
  readonly terminated: { readonly exitCode: number; readonly reason: string; readonly message?: string };
}

const running: Running = { running: { startedAt: new Date(0).toISOString() } };

function ended(exitCode: number): Terminated {
  return { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error" } };
}

function hasSucceeded({ state }: ContainerState): boolean {
  return "terminated" in state && state.terminated.exitCode === 0;
}

function phaseOf(containers: readonly NamedState[]): string {
  if (!containers.every(({ state }) => "terminated" in state)) return "Running";
  return containers.every(hasSucceeded) ? "Succeeded" : "Failed";
}

export class PlayedNode {
  readonly name: string;
  /** Where the kubelet keeps the pods' directories. */
  readonly podsDirectory: string;
  readonly #options: PlayedNodeOptions;
  readonly #stop = new AbortController();
  /** By the pod's uid: one process for each folder of volumes. */
  readonly #helpers = new Map<string, readonly RunningProcess[]>();
  /** By the pod's uid, of pods whose programs run. */
  readonly #statuses = new Map<string, string>();
  #running: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(options: PlayedNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.podsDirectory = join(options.folder, "pods");
    mkdirSync(this.podsDirectory, { recursive: true });
    mkdirSync(join(options.folder, "volumes"), { recursive: true });
  }

  /** Makes the Node and the storage class, and begins to play. */
  async start(): Promise<void> {
    const { controlPlane, storageClass = "played" } = this.#options;
    const labels = { "kubernetes.io/os": "linux", "kubernetes.io/hostname": this.name };
    await controlPlane.call("POST", `${core}/nodes`, { metadata: { name: this.name, labels } });
    await controlPlane.call("POST", "/apis/storage.k8s.io/v1/storageclasses", {
      metadata: { name: storageClass },
      provisioner: "played.example/directory",
    });
    this.#running = this.#play();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all([...this.#helpers.values()].flat().map((helper) => helper.stop(0)));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Directory of a pod's volume, as the agent sees it below the host pods mount. */
  volumePath(pod: Pod, volumeName: string, claim?: PersistentVolumeClaim): string {
    const volumes = join(this.podsDirectory, pod.metadata.uid ?? "", "volumes");
    const volume = claim?.spec?.volumeName;
    return volume === undefined
      ? join(volumes, "kubernetes.io~empty-dir", volumeName)
      : join(volumes, "kubernetes.io~csi", volume, "mount");
  }

  /** The pod as it is now, and the directory of one of its volumes. */
  async findVolume(namespace: string, pod: string, volumeName: string): Promise<string> {
    const found = (await this.#must("GET", `${core}/namespaces/${namespace}/pods/${pod}`)) as Pod;
    const volume = found.spec?.volumes?.find(({ name }) => name === volumeName);
    if (volume === undefined) throw new Error(`pod ${namespace}/${pod} has no volume ${volumeName}`);
    return this.volumePath(found, volumeName, await this.#claimOf(found, volume));
  }

  async #play(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#provision();
        for (const pod of await this.#list<Pod>(`${core}/pods`)) await this.#playPod(pod);
      } catch (error) {
        // The API server may be away for a while; what is wrong for good shows at the end.
        this.#failure = error;
      }
      await new Promise((resolve) => setTimeout(resolve, this.#options.periodMs ?? 200));
    }
    this.#failure = undefined;
  }

  async #playPod(pod: Pod): Promise<void> {
    const { metadata, spec, status } = pod;
    const path = `${core}/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) {
      if (spec?.nodeName === this.name) await this.#endPod(pod, path);
      return;
    }
    if (spec?.nodeName === undefined) return await this.#schedule(pod, path);
    const isRun = [...(spec.initContainers ?? []), ...spec.containers].some((one) => this.#runtime?.has(one) === true);
    const done = [...(isRun ? [] : ["Running"]), "Succeeded", "Failed"];
    if (spec.nodeName !== this.name || done.includes(status?.phase ?? "")) return;
    if (!(await this.#mountVolumes(pod))) return;
    await this.#playContainers(pod, path);
  }

  async #schedule(pod: Pod, path: string): Promise<void> {
    await this.#options.controlPlane.call("POST", `${path}/binding`, {
      metadata: { name: pod.metadata.name },
      target: { apiVersion: "v1", kind: "Node", name: this.name },
    });
  }

  /** False while a claim has no volume yet. */
  async #mountVolumes(pod: Pod): Promise<boolean> {
    const paths: string[] = [];
    const claimed: string[] = [];
    for (const volume of pod.spec?.volumes ?? []) {
      const claim = await this.#claimOf(pod, volume);
      if (claim !== undefined && (claim.spec?.volumeName ?? "") === "") return false;
      const path = this.volumePath(pod, volume.name, claim);
      if (claim !== undefined && !existsSync(path)) this.#moveIn(claim.spec?.volumeName ?? "", path);
      paths.push(path);
      if (claim !== undefined) claimed.push(path);
    }
    mkdirSync(join(this.podsDirectory, pod.metadata.uid ?? ""), { recursive: true });
    for (const path of paths) mkdirSync(path, { recursive: true });
    for (const path of claimed) await this.#runtime?.mount(path);
    return true;
  }

  #moveIn(volume: string, path: string): void {
    mkdirSync(dirname(path), { recursive: true });
    const atRest = join(this.#options.folder, "volumes", volume);
    if (existsSync(atRest)) renameSync(atRest, path);
  }

  async #claimOf(pod: Pod, volume: Volume): Promise<PersistentVolumeClaim | undefined> {
    const name = volume.persistentVolumeClaim?.claimName;
    if (name === undefined) return undefined;
    const path = `${core}/namespaces/${pod.metadata.namespace}/persistentvolumeclaims/${name}`;
    return (await this.#must("GET", path)) as PersistentVolumeClaim;
  }

  get #runtime(): PodRuntime | undefined {
    return this.#options.runtime?.();
  }

  /** Init containers one after the other; each but restore-wait ends at once, unless the runtime has a program for it. */
  async #playContainers(pod: Pod, path: string): Promise<void> {
    const inits = pod.spec?.initContainers ?? [];
    const states: NamedState[] = [];
    for (const container of inits) {
      states.push({ name: container.name, ...(await this.#initState(pod, container)) });
      if (!states.every(hasSucceeded)) break;
    }
    const areInitsDone = states.length === inits.length && states.every(hasSucceeded);
    const apps: NamedState[] = [];
    for (const container of areInitsDone ? (pod.spec?.containers ?? []) : []) {
      const run = await this.#programState(pod, container);
      apps.push({ name: container.name, ...(run ?? { state: running }) });
    }
    const statusOf = ({ name, state, restartCount = 0 }: NamedState): object => {
      const isReady = "running" in state && areInitsDone;
      return { name, state, ready: isReady, image: "none", imageID: "", restartCount };
    };
    const status = {
      phase: areInitsDone ? phaseOf(apps) : "Pending",
      initContainerStatuses: states.map(statusOf),
      containerStatuses: apps.map(statusOf),
      conditions: areInitsDone ? [{ type: "Ready", status: "True" }] : [],
    };
    await this.#report(pod, path, status);
  }

  /** Pods whose programs run are looked at again and again. */
  async #report(pod: Pod, path: string, status: object): Promise<void> {
    const uid = pod.metadata.uid ?? "";
    const text = JSON.stringify(status);
    if (this.#statuses.get(uid) === text) return;
    const { status: code } = await this.#options.controlPlane.call("PATCH", `${path}/status`, { status }, mergePatch);
    if (code === 200) this.#statuses.set(uid, text);
  }

  async #programState(pod: Pod, container: Container): Promise<ContainerState | undefined> {
    const runtime = this.#runtime;
    if (runtime?.has(container) !== true) return undefined;
    const pathOf = async (volume: Volume): Promise<string> =>
      this.volumePath(pod, volume.name, await this.#claimOf(pod, volume));
    return await runtime.stateOf(pod, container, pathOf);
  }

  async #initState(pod: Pod, container: Container): Promise<ContainerState> {
    const run = await this.#programState(pod, container);
    if (run !== undefined) return run;
    return { state: container.name === "restore-wait" ? await this.#waitState(pod, container) : ended(0) };
  }

  /** Runs the real restore-helper over the pod's volumes: in a pod they lie side by side, here in several folders. */
  async #waitState(pod: Pod, container: Container): Promise<Running | Terminated> {
    const uid = pod.metadata.uid ?? "";
    const known = this.#helpers.get(uid);
    if (known === undefined) {
      const folders = await this.#foldersOfVolumes(pod, container);
      this.#helpers.set(uid, await Promise.all(folders.map((folder) => this.#startHelper(pod, container, folder))));
      return running;
    }
    if (!known.every((helper) => helper.hasEnded())) return running;
    const codes = await Promise.all(known.map(async (helper) => (await helper.ended).code ?? 1));
    return ended(Math.max(...codes));
  }

  #startHelper(pod: Pod, container: Container, folder: string): Promise<RunningProcess> {
    const log = join(this.podsDirectory, pod.metadata.uid ?? "", "termination-log");
    const words = ["restore-helper", container.args?.[0] ?? "", "--restores-dir", folder, "--termination-log", log];
    return startProcess(process.execPath, {
      name: `restore-helper of ${pod.metadata.name}`,
      args: [program, ...words],
    });
  }

  async #foldersOfVolumes(pod: Pod, container: Container): Promise<readonly string[]> {
    const folders = new Set<string>();
    for (const { name, mountPath } of container.volumeMounts ?? []) {
      const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
      if (volume === undefined || !mountPath.startsWith("/restores/")) continue;
      folders.add(dirname(this.volumePath(pod, name, await this.#claimOf(pod, volume))));
    }
    return [...folders];
  }

  async #endPod(pod: Pod, path: string): Promise<void> {
    const uid = pod.metadata.uid ?? "";
    if (this.#runtime?.end(pod) === false) return;
    this.#statuses.delete(uid);
    await Promise.all((this.#helpers.get(uid) ?? []).map((helper) => helper.stop(0)));
    this.#helpers.delete(uid);
    for (const volume of pod.spec?.volumes ?? []) {
      const claim = await this.#claimOf(pod, volume).catch(() => undefined);
      const from = this.volumePath(pod, volume.name, claim);
      const name = claim?.spec?.volumeName;
      if (name !== undefined && existsSync(from)) renameSync(from, join(this.#options.folder, "volumes", name));
    }
    rmSync(join(this.podsDirectory, uid), { recursive: true, force: true });
    const atOnce = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 };
    await this.#options.controlPlane.call("DELETE", path, atOnce);
  }

  /** A volume for each claim of the storage class that has none. */
  async #provision(): Promise<void> {
    const { storageClass = "played" } = this.#options;
    for (const claim of await this.#list<PersistentVolumeClaim>(`${core}/persistentvolumeclaims`)) {
      const { name, namespace, uid } = claim.metadata;
      const isOurs = claim.spec?.storageClassName === storageClass && claim.metadata.deletionTimestamp === undefined;
      if (!isOurs || (claim.spec?.volumeName ?? "") !== "") continue;
      const volume = `pvc-${uid}`;
      const requests = (claim.spec?.resources as { readonly requests?: object } | undefined)?.requests;
      await this.#options.controlPlane.call("POST", `${core}/persistentvolumes`, {
        metadata: { name: volume },
        spec: {
          capacity: requests,
          accessModes: claim.spec?.accessModes,
          storageClassName: storageClass,
          persistentVolumeReclaimPolicy: "Retain",
          claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid },
          csi: { driver: "played.example", volumeHandle: volume },
        },
      });
      // The real controller does it too, where it runs.
      const path = `${core}/namespaces/${namespace}/persistentvolumeclaims/${name}`;
      await this.#options.controlPlane.call("PATCH", path, { spec: { volumeName: volume } }, mergePatch);
    }
  }

  async #list<T>(path: string): Promise<readonly T[]> {
    return ((await this.#must("GET", path)) as { readonly items: readonly T[] }).items;
  }

  #must(method: string, path: string): Promise<unknown> {
    return this.#options.controlPlane.must(method, path);
  }
}
