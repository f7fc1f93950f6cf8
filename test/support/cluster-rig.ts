// A cluster for end-to-end tests of the agent: the real control plane with our manifests, a real S3 server with one
// location, and a directory tree that plays the kubelet's pods directory. Pods exist in the API only.
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { initRepository, openStorage, type Repository } from "../../repo-format/index.ts";
import type { Pod, Volume } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { eventually, type RunningProcess, startProcess } from "./processes.ts";
import { type ResticResult, resticMust } from "./restic.ts";
import { type S3Server, startS3Server } from "./s3-server.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

const rigNamespace = "velero";
export const rigPassword = "a password for tests";
const repositoryRoot = join(import.meta.dirname, "..", "..");
const veleroApi = `/apis/velero.io/v1/namespaces/${rigNamespace}`;

export interface PodOptions {
  readonly namespace?: string;
  readonly name: string;
  readonly node: string;
  readonly volumes: readonly Volume[];
  /** Adds a restore-wait init container that runs. */
  readonly isWaiting?: boolean;
}

export interface AgentOptions {
  readonly node: string;
  /** The words before "agent"; default: node and the sources. */
  readonly program?: readonly string[];
  readonly flags?: readonly string[];
  /** Kubeconfig; the service account with the rights of manifests/rbac when absent. */
  readonly kubeconfig?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RigOptions {
  /** Install the CRDs of this folder of YAML files instead of ours. */
  readonly crds?: string;
}

/** Starts everything; call stop() at the end. */
export async function startClusterRig(options: RigOptions = {}): Promise<ClusterRig> {
  const folder = makeTemporaryDirectory("rig");
  const [controlPlane, s3] = await Promise.all([startControlPlane(), startS3Server({ buckets: ["backups"] })]);
  const rig = new ClusterRig({ folder, controlPlane, s3 });
  try {
    await rig.install(options.crds ?? join(repositoryRoot, "manifests", "crds"));
    return rig;
  } catch (error) {
    await rig.stop();
    throw error;
  }
}

export class ClusterRig {
  readonly folder: string;
  readonly hostPods: string;
  readonly controlPlane: ControlPlane;
  readonly s3: S3Server;
  readonly #agents: RunningProcess[] = [];
  #agentKubeconfig = "";
  #counter = 0;

  constructor(parts: { folder: string; controlPlane: ControlPlane; s3: S3Server }) {
    this.folder = parts.folder;
    this.controlPlane = parts.controlPlane;
    this.s3 = parts.s3;
    this.hostPods = join(parts.folder, "host_pods");
    mkdirSync(this.hostPods);
  }

  async install(crds: string): Promise<void> {
    await this.#kubectl(["create", "namespace", rigNamespace]);
    await this.#kubectl(["apply", "--server-side", "-f", crds]);
    await this.#kubectl(["apply", "--server-side", "-f", join(repositoryRoot, "manifests", "rbac")]);
    await this.#kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
    this.#agentKubeconfig = await this.controlPlane.serviceAccountKubeconfig(rigNamespace, "stowage-agent");
    await this.makeSecret("velero-repo-credentials", { "repository-password": rigPassword });
    const { accessKeyId, secretAccessKey } = this.s3;
    const cloud = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    await this.makeSecret("cloud-credentials", { cloud });
    await this.makeLocation("default");
  }

  async makeSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    const path = `/api/v1/namespaces/${rigNamespace}/secrets`;
    await this.controlPlane.call("DELETE", `${path}/${name}`);
    await this.controlPlane.must("POST", path, { metadata: { name }, stringData });
  }

  async makeLocation(name: string, bucket = "backups"): Promise<void> {
    await this.controlPlane.must("POST", `${veleroApi}/backupstoragelocations`, {
      apiVersion: "velero.io/v1",
      kind: "BackupStorageLocation",
      metadata: { name },
      spec: {
        provider: "aws",
        objectStorage: { bucket },
        credential: { name: "cloud-credentials", key: "cloud" },
        config: { region: this.s3.region, s3Url: this.s3.endpoint, s3ForcePathStyle: "true" },
      },
    });
  }

  /** restic's location of a namespace's repository. */
  repository(namespace: string): string {
    return this.s3.location("backups", `restic/${namespace}`);
  }

  /** Makes the repository of a namespace with the engine, quickly. */
  async initRepository(namespace: string, password: string = rigPassword): Promise<void> {
    const { accessKeyId, secretAccessKey, region } = this.s3;
    const storage = await openStorage(this.repository(namespace), {
      create: true,
      s3: { region, credentials: { accessKeyId, secretAccessKey } } as never,
    });
    const identity = { hostname: "rig", username: "rig", pid: process.pid, uid: 0, gid: 0 };
    const repository: Repository = await initRepository({
      storage,
      password,
      identity,
      kdf: { N: 2 ** 10, r: 8, p: 1 },
    });
    await repository.close();
  }

  restic(namespace: string, args: readonly string[]): Promise<ResticResult> {
    return resticMust(args, { repository: this.repository(namespace), password: rigPassword, env: this.s3.env });
  }

  async makePod(options: PodOptions): Promise<Pod> {
    const namespace = options.namespace ?? "app";
    await this.controlPlane.call("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
    const container = { name: "app", image: "none" };
    const waiting = { name: "restore-wait", image: "none", command: ["/velero-restore-helper"] };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const pod = (await this.controlPlane.must("POST", path, {
      metadata: { name: options.name },
      spec: {
        nodeName: options.node,
        containers: [container],
        volumes: options.volumes,
        terminationGracePeriodSeconds: 0,
        ...(options.isWaiting === true ? { initContainers: [waiting] } : {}),
      },
    })) as Pod;
    if (options.isWaiting === true) await this.setRestoreWait(pod, { running: {} });
    return pod;
  }

  /** What a kubelet would report about the restore-wait container. */
  async setRestoreWait(pod: Pod, state: object): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/status`;
    const status = { name: "restore-wait", image: "none", imageID: "", ready: false, restartCount: 0, state };
    const patch = { status: { initContainerStatuses: [status] } };
    await this.controlPlane.must("PATCH", path, patch, "application/merge-patch+json");
  }

  async deletePod(pod: Pod): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    await this.controlPlane.must("DELETE", path, { gracePeriodSeconds: 0 });
  }

  /** The directory that the kubelet would have made for an emptyDir volume. */
  volumePath(pod: Pod, volume: string, plugin = "kubernetes.io~empty-dir"): string {
    const path = join(this.hostPods, pod.metadata.uid ?? "", "volumes", plugin, volume);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** A bound claim with its CSI volume. */
  async makeClaim(namespace: string, name: string): Promise<{ readonly uid: string; readonly volume: string }> {
    await this.controlPlane.call("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
    const volume = `pv-${namespace}-${name}`;
    const size = { storage: "1Gi" };
    await this.controlPlane.must("POST", "/api/v1/persistentvolumes", {
      metadata: { name: volume },
      spec: { capacity: size, accessModes: ["ReadWriteOnce"], csi: { driver: "test.csi", volumeHandle: volume } },
    });
    const claim = (await this.controlPlane.must("POST", `/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
      metadata: { name },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: size }, volumeName: volume },
    })) as KubeObject;
    return { uid: claim.metadata.uid ?? "", volume };
  }

  async makeBackup(
    pod: Pod,
    volume: string,
    change: Partial<PodVolumeBackup["spec"]> = {},
    labels: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const name = `backup-${++this.#counter}`;
    const namespace = pod.metadata.namespace ?? "";
    await this.controlPlane.must("POST", `${veleroApi}/podvolumebackups`, {
      apiVersion: "velero.io/v1",
      kind: "PodVolumeBackup",
      metadata: { name, labels: { "velero.io/backup-name": "b", ...labels } },
      spec: {
        node: pod.spec?.nodeName,
        pod: { kind: "Pod", namespace, name: pod.metadata.name, uid: pod.metadata.uid },
        volume,
        backupStorageLocation: "default",
        repoIdentifier: this.repository(namespace),
        tags: { backup: "b", ns: namespace, pod: pod.metadata.name, volume },
        uploaderType: "restic",
        ...change,
      },
      status: { progress: {} },
    });
    return name;
  }

  async makeRestore(
    pod: Pod,
    volume: string,
    change: Partial<PodVolumeRestore["spec"]>,
    uid: string = randomUUID(),
  ): Promise<string> {
    const name = `restore-${++this.#counter}`;
    const namespace = pod.metadata.namespace ?? "";
    const sourceNamespace = change.sourceNamespace ?? namespace;
    await this.controlPlane.must("POST", `${veleroApi}/podvolumerestores`, {
      apiVersion: "velero.io/v1",
      kind: "PodVolumeRestore",
      metadata: {
        name,
        labels: { "velero.io/pod-uid": pod.metadata.uid },
        ownerReferences: [{ apiVersion: "velero.io/v1", kind: "Restore", name: "r", uid, controller: true }],
      },
      spec: {
        pod: { kind: "Pod", namespace, name: pod.metadata.name, uid: pod.metadata.uid },
        volume,
        backupStorageLocation: "default",
        repoIdentifier: this.repository(sourceNamespace),
        sourceNamespace,
        snapshotID: "",
        uploaderType: "restic",
        ...change,
      },
      status: { progress: {} },
    });
    return name;
  }

  async get<T>(plural: string, name: string): Promise<T> {
    return (await this.controlPlane.must("GET", `${veleroApi}/${plural}/${name}`)) as T;
  }

  async patch(plural: string, name: string, patch: object): Promise<void> {
    await this.controlPlane.must("PATCH", `${veleroApi}/${plural}/${name}`, patch, "application/merge-patch+json");
  }

  /** Waits until it is Completed or Failed. */
  async backupEnd(name: string, timeoutMs = 60_000): Promise<PodVolumeBackup> {
    return await this.#end<PodVolumeBackup>("podvolumebackups", name, timeoutMs);
  }

  async restoreEnd(name: string, timeoutMs = 60_000): Promise<PodVolumeRestore> {
    return await this.#end<PodVolumeRestore>("podvolumerestores", name, timeoutMs);
  }

  async startAgent(options: AgentOptions): Promise<RunningProcess> {
    const flags = [
      ...["--kubeconfig", options.kubeconfig ?? this.#agentKubeconfig],
      ...["--host-pods-dir", this.hostPods, "--metrics-address", "127.0.0.1:0", "--log-level", "debug"],
      ...(options.flags ?? []),
    ];
    const [program, ...words] = options.program ?? [process.execPath, join(repositoryRoot, "src", "main.ts")];
    const agent = await startProcess(program ?? process.execPath, {
      name: `agent of ${options.node}`,
      args: [...words, "agent", ...flags],
      env: {
        ...{ NODE_NAME: options.node, VELERO_NAMESPACE: rigNamespace },
        ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
        ...options.env,
      },
      isReady: (running) => running.output().includes("watching for volumes"),
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Lock files in a namespace's repository. */
  locks(namespace: string): string[] {
    try {
      return readdirSync(join(this.s3.dataFolder, "backups", "restic", namespace, "locks"));
    } catch {
      // No lock was ever taken.
      return [];
    }
  }

  packFolder(namespace: string): string {
    return join(this.s3.dataFolder, "backups", "restic", namespace, "data");
  }

  removePacks(namespace: string): void {
    rmSync(this.packFolder(namespace), { recursive: true });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.filter((agent) => !agent.hasEnded()).map((agent) => agent.stop(20_000)));
    await Promise.all([this.controlPlane.stop(), this.s3.stop()]);
    removeDirectory(this.folder);
  }

  async #end<T extends { readonly status?: { readonly phase?: string } }>(
    plural: string,
    name: string,
    timeoutMs: number,
  ): Promise<T> {
    let object: T | undefined;
    const hasEnded = async () => {
      object = await this.get<T>(plural, name);
      return object.status?.phase === "Completed" || object.status?.phase === "Failed";
    };
    await eventually(`${plural} ${name} ends`, hasEnded, timeoutMs).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(object)}\n${this.#agents.map((a) => a.output()).join("\n")}`);
    });
    if (object === undefined) throw new Error("bug: it has ended");
    return object;
  }

  async #kubectl(args: readonly string[]): Promise<void> {
    const result = await this.controlPlane.kubectl(args);
    if (result.code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${result.stderr}`);
  }
}
