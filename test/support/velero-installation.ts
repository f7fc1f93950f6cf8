// A cluster on which `velero install` was run, by the real client: what it made is what runs. Deployment and DaemonSet get
// their pods from the real controllers, and the played node runs the programs of their images, Velero's own until a test
// swaps the agent's image for ours.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Backup } from "../../src/api/backup.ts";
import type { Pod } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import type { DeleteBackupRequest } from "../../src/api/requests.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { LivingCluster } from "./living-cluster.ts";
import { type ResticVersion, type VeleroVersion, veleroBinary } from "./peers.ts";
import { objectStoreImage, ourImage, playedImages, veleroImageName } from "./played-images.ts";
import { PlayedRuntime } from "./played-runtime.ts";
import { eventually, type RunningProcess, runProcess } from "./processes.ts";
import { type ResticResult, resticMust } from "./restic.ts";
import type { S3Server } from "./s3-server.ts";

export interface VeleroInstallationOptions {
  readonly s3: S3Server;
  readonly bucket: string;
  /** Of the server and of its agent; 1.16.2 when absent. */
  readonly version?: VeleroVersion;
  /** Releases whose images can be pulled, too. */
  readonly alsoVersions?: readonly VeleroVersion[];
  /** Made before, in the namespace that is made first. */
  readonly objects?: readonly object[];
  /** What Velero's image has; 0.17.3 when absent. */
  readonly restic?: ResticVersion;
  /** For the client, beside those that every installation needs. */
  readonly flags?: readonly string[];
  /** The agent's image from the beginning; Velero's when absent. */
  readonly agent?: "ours" | "velero";
}

/** Started by hand; ends with stop(). */
export async function installVelero(options: VeleroInstallationOptions): Promise<VeleroInstallation> {
  const controlPlane = await startControlPlane({ controllers: true, alsoControllers: ["daemonset-controller"] });
  const installation = new VeleroInstallation(controlPlane, options);
  try {
    await installation.install();
    return installation;
  } catch (error) {
    const said = installation.outputs();
    await installation.stop();
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
}

/** What `repository-password` holds when Velero's server makes it. */
const veleroPassword = "static-passw0rd";
const phases = { ended: ["Completed", "Failed", "PartiallyFailed", "FailedValidation"] };

export class VeleroInstallation extends LivingCluster {
  readonly #options: VeleroInstallationOptions;
  readonly #holder: { runtime?: PlayedRuntime };

  constructor(controlPlane: ControlPlane, options: VeleroInstallationOptions) {
    const holder: { runtime?: PlayedRuntime } = {};
    super(controlPlane, { s3: options.s3, runtime: () => holder.runtime });
    this.#options = options;
    this.#holder = holder;
  }

  override async install(): Promise<void> {
    const { version = "1.16.2", alsoVersions = [], objects = [], restic = "0.17.3", agent } = this.#options;
    this.#holder.runtime = await PlayedRuntime.start(
      {
        controlPlane: this.controlPlane,
        images: playedImages([version, ...alsoVersions], restic),
        folder: join(this.folder, "containers"),
        hostPaths: { "/var/lib/kubelet/pods": this.node.podsDirectory },
      },
      this.node.podsDirectory,
    );
    await this.node.start();
    // As its controller does once a node is ready.
    await this.kubectl("taint", "node", this.node.name, "node.kubernetes.io/not-ready-");
    if (objects.length > 0) await this.kubectl("create", "namespace", "velero");
    if (objects.length > 0) await this.apply(...objects);
    await this.client("install", ...this.installFlags());
    if (agent === "ours") await this.swapAgent(ourImage);
    await this.kubectl("-n", "velero", "wait", "--for=jsonpath={.status.phase}=Available", "bsl/default");
    await this.agentPod(agent === "ours" ? ourImage : veleroImageName(version));
  }

  /** The words after `velero install`. */
  installFlags(): readonly string[] {
    const { s3, bucket, version = "1.16.2", flags = [] } = this.#options;
    const file = join(this.folder, "credentials-velero");
    writeFileSync(file, credentialsFile(s3), { mode: 0o600 });
    const config = `region=${s3.region},s3ForcePathStyle=true,s3Url=${s3.endpoint}`;
    const authority = s3.caFile === undefined ? [] : ["--cacert", s3.caFile];
    return [
      ...["--provider", "aws", "--plugins", objectStoreImage, "--image", veleroImageName(version)],
      ...["--bucket", bucket, "--secret-file", file, "--backup-location-config", config],
      ...["--use-volume-snapshots=false", "--use-node-agent", ...authority, ...flags],
    ];
  }

  /** The client of the installed release. @throws Error with what it said */
  async client(...words: string[]): Promise<string> {
    return await this.clientOf(this.#options.version ?? "1.16.2", ...words);
  }

  async clientOf(version: VeleroVersion, ...words: string[]): Promise<string> {
    const args = ["--kubeconfig", this.controlPlane.adminKubeconfig, "--namespace", "velero", ...words];
    const { code, stdout, stderr } = await runProcess(veleroBinary(version), {
      args,
      env: { HOME: this.folder },
    });
    if (code !== 0) throw new Error(`velero ${words.join(" ")} ended with ${code}: ${stderr}\n${stdout}`);
    return stdout;
  }

  /** As an operator swaps it, and waits until the node runs it. */
  async swapAgent(image: string): Promise<void> {
    await this.kubectl("-n", "velero", "set", "image", "daemonset/node-agent", `node-agent=${image}`);
    await this.agentPod(image);
  }

  /** The agent's pod once it runs this image and watches. */
  async agentPod(image: string): Promise<Pod> {
    let pod: Pod | undefined;
    const sign = image === ourImage ? "watching for volumes" : "Controllers starting...";
    await eventually(
      `an agent of ${image} works`,
      async () => {
        pod = (await this.#pods("name=node-agent")).find((one) => imageOf(one) === image && isRunning(one));
        return pod !== undefined && this.processOf(pod).output().includes(sign);
      },
      60_000,
    ).catch((error) => {
      throw new Error(`${error.message}\n${this.outputs()}`);
    });
    return pod as Pod;
  }

  async serverPod(): Promise<Pod> {
    let pod: Pod | undefined;
    await eventually("the server's pod runs", async () => {
      pod = (await this.#pods("deploy=velero")).find(isRunning);
      return pod !== undefined;
    });
    return pod as Pod;
  }

  /** Waits for a word of a server of this release. */
  async serverSays(version: VeleroVersion, word: RegExp): Promise<void> {
    const runtime = this.#holder.runtime as PlayedRuntime;
    const hasSaid = (): boolean => runtime.everything(veleroImageName(version)).some((text) => word.test(text));
    await eventually(`the server of Velero ${version} says ${word}`, hasSaid, 60_000).catch((error) => {
      throw new Error(`${error.message}\n${this.outputs()}`);
    });
  }

  processOf(pod: Pod): RunningProcess {
    const runtime = this.#holder.runtime as PlayedRuntime;
    return runtime.processOf(pod.metadata.uid ?? "", pod.spec?.containers[0]?.name ?? "");
  }

  /** Makes a Backup and waits for its end. */
  async backUp(name: string, ...flags: string[]): Promise<Backup> {
    await this.client("backup", "create", name, ...flags);
    return await this.endOf<Backup>("backups", name);
  }

  /** The object once it has ended, well or not. */
  async endOf<T extends KubeObject>(plural: string, name: string, timeoutMs = 90_000): Promise<T> {
    let found: T | undefined;
    const hasEnded = async (): Promise<boolean> => {
      found = await this.get<T>(plural, name);
      return phases.ended.includes((found as { status?: { phase?: string } } | undefined)?.status?.phase ?? "");
    };
    await eventually(`${plural} ${name} ends`, hasEnded, timeoutMs).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(found)}\n${this.outputs()}`);
    });
    return found as T;
  }

  /** By the client, and waits until it is gone. @throws Error with what the server's request says */
  async deleteBackup(name: string): Promise<void> {
    await this.client("backup", "delete", name, "--confirm");
    const isDone = async (): Promise<boolean> => {
      const [request] = await this.list<DeleteBackupRequest>("deletebackuprequests", `velero.io/backup-name=${name}`);
      const errors = request?.status?.errors ?? [];
      if (errors.length > 0) throw new Error(`deleting ${name}: ${errors.join()}`);
      return (await this.get("backups", name)) === undefined;
    };
    await eventually(`the Backup ${name} is gone`, isDone, 60_000);
  }

  /** Stops the agent's process, with whatever it holds, once it has a lock in this repository. Wake it with SIGCONT. */
  async holdInTheMiddle(namespace: string, image: string = ourImage): Promise<RunningProcess> {
    const agent = this.processOf(await this.agentPod(image));
    await eventually(`the agent works in the repository of ${namespace}`, () => this.locks(namespace).length > 0);
    agent.signal("SIGSTOP");
    assert.ok(this.locks(namespace).length > 0, "it was stopped in the middle");
    return agent;
  }

  /** Names of the lock files in the repository of a namespace. */
  locks(namespace: string): readonly string[] {
    const folder = join(this.s3.dataFolder, this.#options.bucket, "restic", namespace, "locks");
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  async volumeBackups(backup: string): Promise<readonly PodVolumeBackup[]> {
    return await this.list<PodVolumeBackup>("podvolumebackups", `velero.io/backup-name=${backup}`);
  }

  async volumeRestores(restore: string): Promise<readonly PodVolumeRestore[]> {
    return await this.list<PodVolumeRestore>("podvolumerestores", `velero.io/restore-name=${restore}`);
  }

  /** restic on the repository of a namespace, as somebody who holds the password. */
  async restic(location: string, ...args: string[]): Promise<ResticResult> {
    const { s3 } = this.#options;
    const authority = s3.caFile === undefined ? [] : ["--cacert", s3.caFile];
    const access = { repository: location, password: veleroPassword, env: s3.env };
    return await resticMust([...authority, ...args], access);
  }

  override outputs(): string {
    return `${this.#holder.runtime?.outputs() ?? ""}`;
  }

  override async stop(): Promise<void> {
    await this.node.stop().catch(() => undefined);
    await this.#holder.runtime?.stop();
    await super.stop();
  }

  async #pods(labelSelector: string): Promise<readonly Pod[]> {
    const path = `/api/v1/namespaces/velero/pods?labelSelector=${encodeURIComponent(labelSelector)}`;
    return ((await this.controlPlane.must("GET", path)) as { readonly items: readonly Pod[] }).items;
  }
}

function credentialsFile({ accessKeyId, secretAccessKey }: S3Server): string {
  return `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
}

/** @throws AssertionError with the reasons of all volumes */
export function assertCompleted(backup: Backup, volumes: readonly PodVolumeBackup[], more = ""): void {
  const told = `${JSON.stringify(backup.status)}\n${JSON.stringify(volumes.map(({ status }) => status))}\n${more}`;
  assert.equal(backup.status?.phase, "Completed", told);
  for (const { status } of volumes) assert.equal(status?.phase, "Completed", told);
}

function imageOf({ spec }: Pod): string | undefined {
  return spec?.containers[0]?.image;
}

function isRunning({ metadata, status }: Pod): boolean {
  return status?.phase === "Running" && metadata.deletionTimestamp === undefined;
}
