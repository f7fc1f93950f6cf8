// A cluster for tests of the server: the real control plane with CRDs and our roles, storage locations in directories,
// pods that exist in the API only. The test itself writes what agents would, or starts real ones over a directory tree that
// plays the kubelet's.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { isBackupEnded } from "../../src/api/phases.ts";
import type { PodVolumeBackup, PodVolumeBackupStatus } from "../../src/api/pod-volume-backup.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { eventually, type RunningProcess, startProcess } from "./processes.ts";
import type { S3Server } from "./s3-server.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const core = "/api/v1";
const velero = "/apis/velero.io/v1/namespaces/velero";
const mergePatch = "application/merge-patch+json";

export type VeleroPlural =
  | "backups"
  | "podvolumebackups"
  | "podvolumerestores"
  | "backuprepositories"
  | "backupstoragelocations"
  | "restores"
  | "schedules"
  | "deletebackuprequests"
  | "downloadrequests"
  | "serverstatusrequests";

const freePorts = ["--metrics-address", "127.0.0.1:0", "--download-address", "127.0.0.1:0"];

const pluralsInUse: readonly VeleroPlural[] = [
  "backups",
  "podvolumebackups",
  "podvolumerestores",
  "backuprepositories",
  "backupstoragelocations",
  "restores",
  "schedules",
  "deletebackuprequests",
  "downloadrequests",
  "serverstatusrequests",
];

export interface PodWish {
  readonly name: string;
  /** Default "app"; made when it is not there. */
  readonly namespace?: string;
  /** Default "node-1"; "" leaves the pod unscheduled. */
  readonly node?: string;
  /** Default "Running". */
  readonly phase?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default one emptyDir "data". */
  readonly volumes?: readonly Volume[];
  /** What the container mounts; default all volumes but the devices. */
  readonly mounted?: readonly string[];
  readonly devices?: readonly string[];
  readonly initMounted?: readonly string[];
  readonly finalizers?: readonly string[];
}

export interface ClaimWish {
  readonly namespace: string;
  readonly name: string;
  readonly volume?: PersistentVolume["spec"];
}

export interface BackupWish {
  readonly spec?: object;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly status?: object;
}

/** @param crds folder of CRDs to install instead of ours. */
export async function startServerRig(crds: string = join(root, "manifests", "crds")): Promise<ServerRig> {
  const rig = new ServerRig(await startControlPlane());
  try {
    await rig.install(crds);
    return rig;
  } catch (error) {
    await rig.stop();
    throw error;
  }
}

export class ServerRig {
  readonly controlPlane: ControlPlane;
  /** Storage locations with provider `local` keep their data below it. */
  readonly folder: string = makeTemporaryDirectory("server");
  readonly #processes: RunningProcess[] = [];
  readonly #namespaces = new Set<string>();
  #kubeconfig = "";
  #agentKubeconfig: string | undefined;

  constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
  }

  async install(crds: string): Promise<void> {
    await this.#kubectl("create", "namespace", "velero");
    await this.#kubectl("apply", "--server-side", "-f", crds);
    await this.#kubectl("apply", "--server-side", "-f", join(root, "manifests", "rbac"));
    await this.#kubectl("wait", "--for=condition=Established", "crd", "--all");
    // The storage of a new kind takes a moment more.
    for (const plural of pluralsInUse) {
      const isServed = async (): Promise<boolean> =>
        (await this.controlPlane.call("GET", `${velero}/${plural}`)).status === 200;
      await eventually(`${plural} are served`, isServed);
    }
    this.#kubeconfig = await this.controlPlane.serviceAccountKubeconfig("velero", "stowage-server");
  }

  /** With exactly the rights of manifests/rbac. */
  async startServer(...flags: string[]): Promise<RunningProcess> {
    const words = ["server", "--kubeconfig", this.#kubeconfig, "--namespace", "velero", "--log-level", "debug"];
    const server = await startProcess(process.execPath, {
      name: "stowage server",
      args: [join(root, "src", "main.ts"), ...words, ...freePorts, ...flags],
      env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      isReady: (running) => running.output().includes("the server is running"),
    });
    this.#processes.push(server);
    return server;
  }

  /** The real agent of a node, with exactly the rights of manifests/rbac, and the pod that says that it runs. */
  async startAgent(node: string, ...flags: string[]): Promise<RunningProcess> {
    this.#agentKubeconfig ??= await this.controlPlane.serviceAccountKubeconfig("velero", "stowage-agent");
    const words = ["agent", "--kubeconfig", this.#agentKubeconfig, "--namespace", "velero", "--log-level", "debug"];
    const agent = await startProcess(process.execPath, {
      name: `agent of ${node}`,
      args: [
        ...[join(root, "src", "main.ts"), ...words, "--host-pods-dir", this.hostPods],
        ...["--metrics-address", "127.0.0.1:0", ...flags],
      ],
      env: { NODE_NAME: node, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      isReady: (running) => running.output().includes("watching for volumes"),
    });
    this.#processes.push(agent);
    return agent;
  }

  /** Where the kubelet would keep the pods' directories. */
  get hostPods(): string {
    return join(this.folder, "host_pods");
  }

  /** The directory that the kubelet would have made for a volume; made now. */
  volumePath(pod: Pod, volume: string, plugin = "kubernetes.io~empty-dir"): string {
    const path = join(this.hostPods, pod.metadata.uid ?? "", "volumes", plugin, volume);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Reads /metrics of a server. */
  async metrics(server: RunningProcess): Promise<string> {
    const port = /serving metrics.*?port=(\d+)/.exec(server.output())?.[1];
    return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  }

  async makeNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#namespaces.has(name)) return;
    this.#namespaces.add(name);
    await this.controlPlane.must("POST", `${core}/namespaces`, { metadata: { name, labels } });
  }

  /** A location in a directory of its own, which need not exist. */
  async makeLocation(name: string, change: Partial<BackupStorageLocation["spec"]> = {}): Promise<void> {
    mkdirSync(join(this.folder, name), { recursive: true });
    await this.make("backupstoragelocations", {
      kind: "BackupStorageLocation",
      metadata: { name },
      spec: {
        provider: "local",
        objectStorage: { bucket: "bucket" },
        config: { path: join(this.folder, name) },
        ...change,
      },
    });
  }

  /** The default location, in the bucket "backups" of an S3 server, with its Secret. */
  async makeS3Location(s3: S3Server, prefix?: string): Promise<void> {
    const cloud = `[default]\naws_access_key_id = ${s3.accessKeyId}\naws_secret_access_key = ${s3.secretAccessKey}\n`;
    const secret = { metadata: { name: "cloud" }, stringData: { cloud } };
    await this.controlPlane.must("POST", `${core}/namespaces/velero/secrets`, secret);
    await this.makeLocation("s3", {
      provider: "aws",
      default: true,
      objectStorage: { bucket: "backups", ...(prefix === undefined ? {} : { prefix }) },
      credential: { name: "cloud", key: "cloud" },
      config: { region: s3.region, s3Url: s3.endpoint, s3ForcePathStyle: "true" },
    });
  }

  /** The pod that says that an agent is running on a node. */
  async makeAgentPod(node: string, labels: Readonly<Record<string, string>> = { role: "node-agent" }): Promise<void> {
    await this.makePod({ namespace: "velero", name: `node-agent-${node}`, node, labels, volumes: [] });
  }

  async makePod(wish: PodWish): Promise<Pod> {
    const { namespace = "app", node = "node-1", phase = "Running", volumes = [{ name: "data", emptyDir: {} }] } = wish;
    if (namespace !== "velero") await this.makeNamespace(namespace);
    const devices = wish.devices ?? [];
    const mounted = wish.mounted ?? volumes.map((volume) => volume.name).filter((name) => !devices.includes(name));
    const mounts = (names: readonly string[]): object[] => names.map((name) => ({ name, mountPath: `/${name}` }));
    const path = `${core}/namespaces/${namespace}/pods`;
    const { name, annotations = {}, labels = {}, finalizers = [] } = wish;
    const pod = (await this.controlPlane.must("POST", path, {
      metadata: { name, annotations, labels, finalizers },
      spec: {
        ...(node === "" ? {} : { nodeName: node }),
        terminationGracePeriodSeconds: 0,
        initContainers: [{ name: "init", image: "none", volumeMounts: mounts(wish.initMounted ?? []) }],
        containers: [
          {
            name: "app",
            image: "none",
            volumeMounts: mounts(mounted),
            volumeDevices: devices.map((device) => ({ name: device, devicePath: `/dev/${device}` })),
          },
        ],
        volumes,
      },
    })) as Pod;
    mkdirSync(join(this.hostPods, pod.metadata.uid ?? ""), { recursive: true });
    await this.controlPlane.must("PATCH", `${path}/${name}/status`, { status: { phase } }, mergePatch);
    return pod;
  }

  /** A claim with its volume; CSI when nothing else is wished. */
  async makeClaim({ namespace, name, volume }: ClaimWish): Promise<PersistentVolumeClaim> {
    await this.makeNamespace(namespace);
    const volumeName = `pv-${namespace}-${name}`;
    const size = { storage: "1Gi" };
    const spec = { accessModes: ["ReadWriteMany"], volumeName, volumeMode: volume?.volumeMode ?? "Filesystem" };
    const source = volume ?? { csi: { driver: "test.csi", volumeHandle: volumeName } };
    await this.controlPlane.must("POST", `${core}/persistentvolumes`, {
      metadata: { name: volumeName },
      spec: { capacity: size, accessModes: ["ReadWriteMany"], ...source },
    });
    const path = `${core}/namespaces/${namespace}/persistentvolumeclaims`;
    const claim = { metadata: { name }, spec: { ...spec, resources: { requests: size } } };
    return (await this.controlPlane.must("POST", path, claim)) as PersistentVolumeClaim;
  }

  async makeBackup(name: string, { spec = {}, status, ...metadata }: BackupWish = {}): Promise<Backup> {
    const object = {
      kind: "Backup",
      metadata: { name, ...metadata },
      spec,
      ...(status === undefined ? {} : { status }),
    };
    return (await this.make("backups", object)) as Backup;
  }

  async make(plural: VeleroPlural, object: object): Promise<KubeObject> {
    const body = { apiVersion: "velero.io/v1", ...object };
    return (await this.controlPlane.must("POST", `${velero}/${plural}`, body)) as KubeObject;
  }

  async get<T>(plural: VeleroPlural, name: string): Promise<T> {
    return (await this.controlPlane.must("GET", `${velero}/${plural}/${name}`)) as T;
  }

  async list<T>(plural: VeleroPlural, labelSelector = ""): Promise<T[]> {
    const path = `${velero}/${plural}?labelSelector=${encodeURIComponent(labelSelector)}`;
    return ((await this.controlPlane.must("GET", path)) as { items: T[] }).items;
  }

  async patch(plural: VeleroPlural, name: string, patch: object): Promise<void> {
    await this.controlPlane.must("PATCH", `${velero}/${plural}/${name}`, patch, mergePatch);
  }

  async delete(plural: VeleroPlural, name: string): Promise<void> {
    await this.controlPlane.must("DELETE", `${velero}/${plural}/${name}`);
  }

  async volumeBackups(backup: string): Promise<PodVolumeBackup[]> {
    return await this.list<PodVolumeBackup>("podvolumebackups", `velero.io/backup-name=${backup}`);
  }

  /** Waits until a condition on an object holds, and gives the object. */
  async when<T>(plural: VeleroPlural, name: string, condition: (object: T) => boolean, timeoutMs = 30_000): Promise<T> {
    let object: T | undefined;
    const holds = async (): Promise<boolean> => {
      const answer = await this.controlPlane.call("GET", `${velero}/${plural}/${name}`);
      object = answer.status === 200 ? (answer.body as T) : undefined;
      return object !== undefined && condition(object);
    };
    await eventually(`${plural} ${name}: ${condition}`, holds, timeoutMs).catch((error) => {
      const outputs = this.#processes.map((one) => one.output().slice(-4000)).join("\n---\n");
      throw new Error(`${error.message}: ${JSON.stringify(object, undefined, 1)}\n${outputs}`);
    });
    return object as T;
  }

  async backupEnd(name: string, timeoutMs = 30_000): Promise<Backup> {
    return await this.when<Backup>("backups", name, isBackupEnded, timeoutMs);
  }

  /** All of the Backup's volumes are asked for. */
  async backupPlanned(name: string): Promise<Backup> {
    return await this.when<Backup>(
      "backups",
      name,
      (backup) => backup.metadata.annotations?.["stowage.dev/volumes"] !== undefined || isBackupEnded(backup),
    );
  }

  /** Writes what an agent would at the end of every volume of a Backup. */
  async settle(
    backup: string,
    status: PodVolumeBackupStatus = { phase: "Completed", snapshotID: "01234567" },
  ): Promise<void> {
    for (const { metadata } of await this.volumeBackups(backup)) {
      await this.patch("podvolumebackups", metadata.name, { status });
    }
  }

  /** Names of a Backup's volumes as "pod/volume", in order. */
  async volumesOf(backup: string): Promise<string[]> {
    const found = await this.volumeBackups(backup);
    return found.map(({ spec }) => `${spec.pod.name}/${spec.volume}`).sort();
  }

  /** "type reason: message" of the events about an object. */
  async eventsOf(name: string): Promise<string[]> {
    const path = `${core}/namespaces/velero/events?fieldSelector=involvedObject.name%3D${name}`;
    const { items } = (await this.controlPlane.must("GET", path)) as {
      items: { type: string; reason: string; message: string }[];
    };
    return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.filter((server) => !server.hasEnded()).map((server) => server.stop()));
    await this.controlPlane.stop();
    removeDirectory(this.folder);
  }

  async #kubectl(...args: string[]): Promise<void> {
    const { code, stderr } = await this.controlPlane.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  }
}
