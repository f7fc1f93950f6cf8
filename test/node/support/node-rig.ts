// A real node with Stowage on it, installed as users install it: the image, `kubectl apply -k manifests`, a location on an
// S3 server that the pods reach on this machine. And what tests do there: pods with files, Backups, Restores.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Backup } from "../../../src/api/backup.ts";
import type { Pod } from "../../../src/api/core.ts";
import type { KubeObject } from "../../../src/api/kube-object.ts";
import type { PodVolumeBackup } from "../../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../../src/api/pod-volume-restore.ts";
import type { Restore } from "../../../src/api/restore.ts";
import { eventually, type ProcessResult } from "../../support/processes.ts";
import { type ResticResult, resticMust } from "../../support/restic.ts";
import { type S3Server, startS3Server } from "../../support/s3-server.ts";
import { type BuiltImage, buildStowageImage } from "./images.ts";
import { RealNode } from "./real-node.ts";

const manifests = join(import.meta.dirname, "..", "..", "..", "manifests");
const bucket = "backups";
const veleroNamespace = "velero";

/** An object as it is written in a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export class NodeRig {
  readonly node: RealNode;
  readonly s3: S3Server;
  readonly image: BuiltImage;
  #password = "";

  private constructor(node: RealNode, s3: S3Server, image: BuiltImage) {
    this.node = node;
    this.s3 = s3;
    this.image = image;
  }

  /** From nothing to an agent and a server that are ready, and a location that is available. */
  static async start(): Promise<NodeRig> {
    const [image, node] = await Promise.all([buildStowageImage(), RealNode.start()]);
    let s3: S3Server | undefined;
    try {
      await node.importImage(image.tarFile);
      s3 = await startS3Server({ buckets: [bucket], address: node.addresses.machine });
      const rig = new NodeRig(node, s3, image);
      await rig.#install();
      return rig;
    } catch (error) {
      await Promise.all([node.stop(), s3?.stop()]);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await this.s3.stop();
  }

  /** Rejects with what kubectl says. */
  async kubectl(...args: readonly string[]): Promise<string> {
    return must(`kubectl ${args.join(" ")}`, await this.node.kubectl(args));
  }

  async apply(...objects: readonly Manifest[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    must("kubectl apply", await this.node.kubectl(["apply", "-f", "-"], JSON.stringify(list)));
  }

  async get<T extends object = KubeObject>(
    kind: string,
    name: string,
    namespace: string = veleroNamespace,
  ): Promise<T> {
    return JSON.parse(await this.kubectl("-n", namespace, "get", kind, name, "-o", "json")) as T;
  }

  async list<T>(kind: string, namespace: string, selector = ""): Promise<readonly T[]> {
    const words = ["-n", namespace, "get", kind, "-o", "json", ...(selector === "" ? [] : ["-l", selector])];
    return (JSON.parse(await this.kubectl(...words)) as { items: T[] }).items;
  }

  /** Waits until a pod's containers are ready. */
  async ready(namespace: string, name: string, timeoutMs = 60_000): Promise<Pod> {
    await this.until(`pod ${namespace}/${name} is ready`, async () => isReady(await this.#find(namespace, name)), {
      timeoutMs,
      explain: () => this.describe(namespace, name),
    });
    return await this.get<Pod>("pod", name, namespace);
  }

  async describe(namespace: string, name: string): Promise<string> {
    return (await this.node.kubectl(["-n", namespace, "describe", "pod", name])).stdout;
  }

  /** Runs a shell's words in a pod's container `app`. */
  async shell(namespace: string, pod: string, script: string): Promise<string> {
    return await this.kubectl("-n", namespace, "exec", pod, "-c", "app", "--", "sh", "-ec", script);
  }

  async until(what: string, condition: () => Promise<boolean>, options: UntilOptions = {}): Promise<void> {
    await eventually(what, condition, options.timeoutMs ?? 60_000).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await options.explain?.()}`, { cause: error });
    });
  }

  async makeBackup(name: string, spec: Partial<Backup["spec"]>): Promise<void> {
    const metadata = { name, namespace: veleroNamespace };
    await this.apply({ apiVersion: "velero.io/v1", kind: "Backup", metadata, spec });
  }

  async backupEnd(name: string, timeoutMs = 120_000): Promise<Backup> {
    await this.#ended("backup", name, timeoutMs);
    return await this.get<Backup>("backup", name);
  }

  async backup(name: string, spec: Partial<Backup["spec"]>): Promise<Backup> {
    await this.makeBackup(name, spec);
    return await this.backupEnd(name);
  }

  async volumeBackups(backup: string): Promise<readonly PodVolumeBackup[]> {
    return await this.list<PodVolumeBackup>("podvolumebackups", veleroNamespace, `velero.io/backup-name=${backup}`);
  }

  async makeRestore(name: string, spec: Partial<Restore["spec"]>): Promise<void> {
    const metadata = { name, namespace: veleroNamespace };
    await this.apply({ apiVersion: "velero.io/v1", kind: "Restore", metadata, spec });
  }

  async restoreEnd(name: string, timeoutMs = 120_000): Promise<Restore> {
    await this.#ended("restore", name, timeoutMs);
    return await this.get<Restore>("restore", name);
  }

  async restore(name: string, spec: Partial<Restore["spec"]>): Promise<Restore> {
    await this.makeRestore(name, spec);
    return await this.restoreEnd(name);
  }

  async volumeRestores(restore: string): Promise<readonly PodVolumeRestore[]> {
    return await this.list<PodVolumeRestore>("podvolumerestores", veleroNamespace, `velero.io/restore-name=${restore}`);
  }

  /** The agent's pod of the moment. */
  async agentPod(): Promise<Pod> {
    const alive = await this.agentPods();
    const [pod] = alive;
    if (pod === undefined || alive.length > 1) throw new Error(`${alive.length} agent pods`);
    return pod;
  }

  /** Those that are not on their way out. */
  async agentPods(): Promise<readonly Pod[]> {
    const pods = await this.list<Pod>("pods", veleroNamespace, "name=node-agent");
    return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  }

  async agentReady(): Promise<void> {
    await this.kubectl("-n", veleroNamespace, "rollout", "status", "daemonset/node-agent", "--timeout=60s");
  }

  async logs(name: string, namespace: string = veleroNamespace): Promise<string> {
    return (await this.node.kubectl(["-n", namespace, "logs", name, "--all-containers", "--prefix"])).stdout;
  }

  /** Stock restic on a namespace's repository. */
  async restic(namespace: string, ...args: readonly string[]): Promise<ResticResult> {
    const repository = this.s3.location(bucket, `restic/${namespace}`);
    return await resticMust(args, { repository, password: this.#password, env: this.s3.env });
  }

  /** Names of the lock files in a namespace's repository. */
  locks(namespace: string): string[] {
    try {
      return readdirSync(join(this.s3.dataFolder, bucket, "restic", namespace, "locks"));
    } catch {
      // No lock was ever taken.
      return [];
    }
  }

  async #install(): Promise<void> {
    await this.kubectl("apply", "-k", manifests);
    const { accessKeyId, secretAccessKey, endpoint, region } = this.s3;
    const cloud = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    await this.apply(
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "cloud-credentials", namespace: veleroNamespace },
        stringData: { cloud },
      },
      {
        apiVersion: "velero.io/v1",
        kind: "BackupStorageLocation",
        metadata: { name: "default", namespace: veleroNamespace },
        spec: {
          provider: "aws",
          default: true,
          objectStorage: { bucket },
          credential: { name: "cloud-credentials", key: "cloud" },
          config: { region, s3Url: endpoint, s3ForcePathStyle: "true" },
        },
      },
    );
    await this.agentReady();
    await this.kubectl("-n", veleroNamespace, "rollout", "status", "deployment/stowage", "--timeout=60s");
    await this.until("the location is available", async () => {
      const { status } = await this.get<{ status?: { phase?: string } }>("backupstoragelocation", "default");
      return status?.phase === "Available";
    });
    const secret = await this.get<{ data: Record<string, string> }>("secret", "velero-repo-credentials");
    this.#password = Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
  }

  async #find(namespace: string, name: string): Promise<Pod | undefined> {
    const { code, stdout } = await this.node.kubectl(["-n", namespace, "get", "pod", name, "-o", "json"]);
    return code === 0 ? (JSON.parse(stdout) as Pod) : undefined;
  }

  async #ended(kind: "backup" | "restore", name: string, timeoutMs: number): Promise<void> {
    const ends = ["Completed", "PartiallyFailed", "Failed", "FailedValidation"];
    const isEnded = async (): Promise<boolean> => {
      const { code, stdout } = await this.node.kubectl([
        ...["-n", veleroNamespace, "get", kind, name, "-o", "jsonpath={.status.phase}"],
      ]);
      return code === 0 && ends.includes(stdout);
    };
    const explain = async (): Promise<string> => {
      const volumes = kind === "backup" ? await this.volumeBackups(name) : await this.volumeRestores(name);
      const logs = await this.logs((await this.agentPod()).metadata.name);
      return `${JSON.stringify(await this.get(kind, name))}\n${JSON.stringify(volumes)}\n${logs.slice(-6000)}`;
    };
    await this.until(`${kind} ${name} ends`, isEnded, { timeoutMs, explain });
  }
}

interface UntilOptions {
  readonly timeoutMs?: number;
  /** Joins the message when it does not happen. */
  readonly explain?: () => Promise<string>;
}

function isReady(pod: Pod | undefined): boolean {
  const conditions = pod?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

function must(what: string, { code, stdout, stderr }: ProcessResult): string {
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}\n${stdout}`);
  return stdout;
}
