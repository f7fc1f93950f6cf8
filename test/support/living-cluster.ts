// A cluster in which workloads live: the real control plane with its controllers, a played node, our roles and CRDs (or
// Velero's), a storage location in a real S3 server, and our server and agent as processes with exactly the rights of
// manifests/rbac.
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { veleroBinary } from "./peers.ts";
import { PlayedNode, type PodRuntime } from "./played-node.ts";
import { eventually, type ProcessResult, type RunningProcess, runProcess, startProcess } from "./processes.ts";
import type { S3Server } from "./s3-server.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

const root = join(import.meta.dirname, "..", "..");
const program = join(root, "src", "main.ts");
const veleroApi = "/apis/velero.io/v1/namespaces/velero";
const nodeName = "node-1";
const agentLabels = { component: "velero", name: "node-agent", role: "node-agent" };

export interface LivingClusterOptions {
  readonly s3: S3Server;
  /** "ours" when absent; "velero" has the real client install its own. */
  readonly crds?: "ours" | "velero";
  /** Of the storage location "default". Absent: none is made. */
  readonly bucket?: string;
  readonly prefix?: string;
  /** True: no controllers and nobody who plays the node, so that pods stay as they are made. */
  readonly isBare?: boolean;
  /** What starts ours, before a role; the sources when absent. */
  readonly program?: readonly string[];
  /** Asked whenever a pod is played. */
  readonly runtime?: () => PodRuntime | undefined;
}

export async function startLivingCluster(options: LivingClusterOptions): Promise<LivingCluster> {
  const cluster = new LivingCluster(await startControlPlane({ controllers: options.isBare !== true }), options);
  try {
    await cluster.install();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

export class LivingCluster {
  readonly controlPlane: ControlPlane;
  readonly s3: S3Server;
  readonly folder: string = makeTemporaryDirectory("cluster");
  readonly node: PlayedNode;
  readonly #options: LivingClusterOptions;
  readonly #processes: RunningProcess[] = [];

  constructor(controlPlane: ControlPlane, options: LivingClusterOptions) {
    this.controlPlane = controlPlane;
    this.s3 = options.s3;
    this.#options = options;
    const { runtime } = options;
    const folder = join(this.folder, "node");
    this.node = new PlayedNode({ controlPlane, name: nodeName, folder, ...(runtime === undefined ? {} : { runtime }) });
  }

  async install(): Promise<void> {
    await this.kubectl("apply", "-f", join(root, "manifests", "namespace.yaml"));
    if (this.#options.crds === "velero") await this.velero("install", "--crds-only");
    else await this.kubectl("apply", "--server-side", "-f", join(root, "manifests", "crds"));
    await this.kubectl("wait", "--for=condition=Established", "crd", "--all");
    await this.kubectl("apply", "-f", join(root, "manifests", "rbac"));
    if (this.#options.isBare !== true) await this.node.start();
    await this.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `node-agent-${nodeName}`, namespace: "velero", labels: agentLabels },
      spec: { nodeName, containers: [{ name: "node-agent", image: "none" }], terminationGracePeriodSeconds: 0 },
    });
    // Velero's server looks for it before a restore. Nobody makes its pods here: the one above stands for them.
    await this.apply({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "node-agent", namespace: "velero" },
      spec: {
        selector: { matchLabels: { name: "node-agent" } },
        template: { metadata: { labels: agentLabels }, spec: { containers: [{ name: "node-agent", image: "none" }] } },
      },
    });
    await this.makeCredentials();
    if (this.#options.bucket !== undefined) await this.makeLocation("default", this.#options.bucket);
  }

  async makeCredentials(name = "cloud-credentials"): Promise<void> {
    const { accessKeyId, secretAccessKey } = this.s3;
    const cloud = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    const metadata = { name, namespace: "velero" };
    await this.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData: { cloud } });
  }

  async makeLocation(name: string, bucket: string): Promise<void> {
    const { prefix } = this.#options;
    await this.apply({
      apiVersion: "velero.io/v1",
      kind: "BackupStorageLocation",
      metadata: { name, namespace: "velero" },
      spec: {
        provider: "velero.io/aws",
        default: name === "default",
        objectStorage: { bucket, ...(prefix === undefined ? {} : { prefix }) },
        credential: { name: "cloud-credentials", key: "cloud" },
        config: { region: this.s3.region, s3Url: this.s3.endpoint, s3ForcePathStyle: "true" },
      },
    });
  }

  /** Ours, ready. */
  async startServer(...flags: string[]): Promise<RunningProcess> {
    const ready = (running: RunningProcess): boolean => running.output().includes("the server is running");
    return await this.#startRole("server", "stowage-server", { flags, env: {}, ready });
  }

  async startAgent(...flags: string[]): Promise<RunningProcess> {
    const ready = (running: RunningProcess): boolean => running.output().includes("watching for volumes");
    // Claims' directories are no mounts here, which nobody but root could make.
    const own = ["--host-pods-dir", this.node.podsDirectory, "--allow-unmounted-volumes", ...flags];
    return await this.#startRole("agent", "stowage-agent", { flags: own, env: { NODE_NAME: nodeName }, ready });
  }

  /** For processes that are started otherwise: ended with the rest. */
  adopt(process_: RunningProcess): void {
    this.#processes.push(process_);
  }

  /** Applies one object, or a list of them. */
  async apply(...objects: object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const { code, stderr } = await this.controlPlane.kubectl(["apply", "-f", "-"], JSON.stringify(list));
    if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
  }

  /** As administrator. @throws Error with what kubectl said */
  async kubectl(...words: string[]): Promise<string> {
    return outputOf(`kubectl ${words.join(" ")}`, await this.controlPlane.kubectl(words));
  }

  /** The real client of Velero 1.16. Never rejects for a bad exit status. */
  async tryVelero(...words: string[]): Promise<ProcessResult> {
    const args = ["--kubeconfig", this.controlPlane.adminKubeconfig, "--namespace", "velero", ...words];
    // It keeps its settings and kubectl-like caches in the home directory.
    const result = await runProcess(veleroBinary(), { args, env: { HOME: this.folder } });
    return { ...result, stdout: stripVTControlCharacters(result.stdout) };
  }

  /** @throws Error with what the client said */
  async velero(...words: string[]): Promise<string> {
    return outputOf(`velero ${words.join(" ")}`, await this.tryVelero(...words));
  }

  async get<T extends KubeObject>(plural: string, name: string): Promise<T | undefined> {
    const { status, body } = await this.controlPlane.call("GET", `${veleroApi}/${plural}/${name}`);
    return status === 200 ? (body as T) : undefined;
  }

  async list<T extends KubeObject>(plural: string, labelSelector = ""): Promise<readonly T[]> {
    const path = `${veleroApi}/${plural}?labelSelector=${encodeURIComponent(labelSelector)}`;
    return ((await this.controlPlane.must("GET", path)) as { readonly items: readonly T[] }).items;
  }

  /** Waits until no such namespace is left. */
  async deleteNamespace(name: string): Promise<void> {
    await this.kubectl("delete", "namespace", name, "--wait=false");
    const isGone = async (): Promise<boolean> =>
      (await this.controlPlane.call("GET", `/api/v1/namespaces/${name}`)).status === 404;
    await eventually(`the namespace ${name} is gone`, isGone, 60_000);
  }

  /** Waits until a pod with these labels runs, and gives its name. */
  async runningPod(namespace: string, labelSelector: string, timeoutMs = 60_000): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(labelSelector)}`;
    let name: string | undefined;
    const runs = async (): Promise<boolean> => {
      const { body } = await this.controlPlane.call("GET", path);
      const items = (body as { readonly items?: readonly RunningPod[] }).items ?? [];
      name = items.find(({ status }) => status?.phase === "Running")?.metadata.name;
      return name !== undefined;
    };
    await eventually(`a pod ${labelSelector} runs in ${namespace}`, runs, timeoutMs).catch((error) => {
      throw new Error(`${error.message}\n${this.outputs()}`);
    });
    return name ?? "";
  }

  /** What our processes have said last. */
  outputs(): string {
    return this.#processes.map((one) => one.output().slice(-6000)).join("\n---\n");
  }

  async stop(): Promise<void> {
    await this.node.stop().catch(() => undefined);
    await Promise.all(this.#processes.filter((one) => !one.hasEnded()).map((one) => one.stop(10_000)));
    await this.controlPlane.stop();
    removeDirectory(this.folder);
  }

  async #startRole(role: string, account: string, { flags, env, ready }: RoleStart): Promise<RunningProcess> {
    const kubeconfig = await this.controlPlane.serviceAccountKubeconfig("velero", account);
    const words = [role, "--kubeconfig", kubeconfig, "--namespace", "velero", "--metrics-address", "127.0.0.1:0"];
    const ports = role === "server" ? ["--download-address", "127.0.0.1:0"] : [];
    const [executable = "", ...first] = this.#options.program ?? [process.execPath, program];
    const started = await startProcess(executable, {
      name: `stowage ${role}`,
      args: [...first, ...words, ...ports, ...flags],
      env: { ...env, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      isReady: ready,
    });
    this.#processes.push(started);
    return started;
  }
}

interface RoleStart {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ready: (running: RunningProcess) => boolean;
}

interface RunningPod extends KubeObject {
  readonly status?: { readonly phase?: string };
}

function outputOf(what: string, { code, stdout, stderr }: ProcessResult): string {
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}\n${stdout}`);
  return stdout;
}
