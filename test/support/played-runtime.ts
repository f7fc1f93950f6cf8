// Plays kubelet and container runtime for pods whose images it knows: their programs run as processes in roots of their own,
// with the command, the arguments, the environment and the volumes that the pod's spec gives them, and with its service
// account's token where a pod has it. Only the network is shared.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Pod, Secret, Volume } from "../../src/api/core.ts";
import type { ControlPlane } from "./control-plane.ts";
import { hiddenFolders, imageBinFolder, type PlayedImage } from "./played-images.ts";
import type { ContainerState, PodRuntime, VolumePath } from "./played-node.ts";
import { NodeNamespace, type SandboxMount } from "./played-sandbox.ts";
import type { RunningProcess } from "./processes.ts";

export interface PlayedRuntimeOptions {
  readonly controlPlane: ControlPlane;
  readonly images: ReadonlyMap<string, PlayedImage>;
  /** What it keeps for pods. */
  readonly folder: string;
  /** Paths of the played node → folders of this machine. */
  readonly hostPaths: Readonly<Record<string, string>>;
}

interface Run {
  readonly process: RunningProcess;
  readonly container: Container;
  readonly restarts: number;
  readonly terminationLog: string;
}

const tokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
const defaultGraceSeconds = 30;

export class PlayedRuntime implements PodRuntime {
  readonly #options: PlayedRuntimeOptions;
  readonly #namespace: NodeNamespace;
  readonly #tokens = new Map<string, string>();
  /** By pod uid and container. */
  readonly #runs = new Map<string, Run>();
  readonly #ending = new Map<string, { isGone: boolean }>();
  readonly #mounted = new Set<string>();
  /** Those that are gone. */
  readonly #past: Run[] = [];
  #count = 0;

  private constructor(options: PlayedRuntimeOptions, namespace: NodeNamespace) {
    this.#options = options;
    this.#namespace = namespace;
  }

  /** @param shared volumes are mounted below it. */
  static async start(options: PlayedRuntimeOptions, shared: string): Promise<PlayedRuntime> {
    return new PlayedRuntime(options, await NodeNamespace.start(shared));
  }

  has({ image = "" }: Container): boolean {
    return this.#options.images.has(image);
  }

  async mount(path: string): Promise<void> {
    if (this.#mounted.has(path)) return;
    this.#mounted.add(path);
    await this.#namespace.mount(path);
  }

  async stateOf(pod: Pod, container: Container, pathOf: VolumePath): Promise<ContainerState> {
    const key = `${pod.metadata.uid}/${container.name}`;
    const known = this.#runs.get(key);
    const isInit = pod.spec?.initContainers?.includes(container) === true;
    const isRestarted = known?.process.hasEnded() === true && !isInit && pod.spec?.restartPolicy !== "Never";
    if (known === undefined || isRestarted) {
      if (known !== undefined) this.#past.push(known);
      this.#runs.set(key, await this.#begin(pod, container, { pathOf, restarts: (known?.restarts ?? -1) + 1 }));
    }
    return await this.#stateOf(this.#runs.get(key) as Run);
  }

  end(pod: Pod): boolean {
    const uid = pod.metadata.uid ?? "";
    const keys = [...this.#runs.keys()].filter((key) => key.startsWith(`${uid}/`));
    if (keys.length === 0) return true;
    const known = this.#ending.get(uid);
    if (known === undefined) {
      const ending = { isGone: false };
      this.#ending.set(uid, ending);
      const graceMs = (pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds) * 1000;
      const ends = keys.map((key) => this.#runs.get(key)?.process.stop(graceMs));
      void Promise.all(ends).then(() => (ending.isGone = true));
      return false;
    }
    if (!known.isGone) return false;
    for (const key of keys) {
      this.#past.push(this.#runs.get(key) as Run);
      this.#runs.delete(key);
    }
    for (const path of this.#mounted) if (path.includes(uid)) this.#mounted.delete(path);
    return true;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ process: running }) => running.stop(0)));
    await this.#namespace.stop();
  }

  /** The process of a pod's container. @throws Error when there is none */
  processOf(podUid: string, container: string): RunningProcess {
    const run = this.#runs.get(`${podUid}/${container}`);
    if (run === undefined) throw new Error(`no container ${container} of pod ${podUid} was started`);
    return run.process;
  }

  /** All that programs of this image have said. */
  everything(image: string): readonly string[] {
    const runs = [...this.#past, ...this.#runs.values()].filter(({ container }) => container.image === image);
    return runs.map(({ process: running }) => running.output());
  }

  /** What all programs have said last. */
  outputs(): string {
    return [...this.#past, ...this.#runs.values()].map(said).join("\n---\n");
  }

  async #stateOf({ process: running, restarts, terminationLog }: Run): Promise<ContainerState> {
    const restartCount = restarts;
    if (!running.hasEnded()) return { state: { running: { startedAt: new Date(0).toISOString() } }, restartCount };
    const { code } = await running.ended;
    const exitCode = code ?? 137;
    const message = readFileSync(terminationLog, "utf8") || running.output().slice(-2000);
    return {
      state: { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message } },
      restartCount,
    };
  }

  async #begin(
    pod: Pod,
    container: Container,
    { pathOf, restarts }: { readonly pathOf: VolumePath; readonly restarts: number },
  ): Promise<Run> {
    const image = this.#options.images.get(container.image ?? "") as PlayedImage;
    const folder = join(this.#options.folder, `${++this.#count}-${container.name}`);
    const rootFolder = join(folder, "root");
    mkdirSync(rootFolder, { recursive: true });
    const terminationLog = join(folder, "termination-log");
    writeFileSync(terminationLog, "");
    const words = [...(container.command ?? image.entrypoint), ...(container.args ?? [])];
    const process = await this.#namespace.run(`${pod.metadata.name}/${container.name}`, {
      root: rootFolder,
      mounts: [
        ...(await this.#volumeMounts(pod, container, pathOf)),
        { from: await this.#token(pod), to: tokenFolder },
        ...hiddenFolders(image).map((path) => ({ from: path, to: path })),
      ],
      files: [{ from: terminationLog, to: "/dev/termination-log" }],
      links: image.links,
      env: { ...this.#machineEnv(), ...environmentOf(pod, container) },
      words: [...words, ...sharedNetworkFlags(words)],
    });
    return { process, container, restarts, terminationLog };
  }

  #machineEnv(): Readonly<Record<string, string>> {
    return {
      PATH: `${imageBinFolder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: "/tmp",
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(this.#options.controlPlane.port),
    };
  }

  async #volumeMounts(pod: Pod, container: Container, pathOf: VolumePath): Promise<readonly SandboxMount[]> {
    const mounts: SandboxMount[] = [];
    for (const { name, mountPath } of container.volumeMounts ?? []) {
      const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
      if (volume === undefined) throw new Error(`pod ${pod.metadata.name} has no volume ${name}`);
      mounts.push({ from: (await this.#sourceOf(pod, volume)) ?? (await pathOf(volume)), to: mountPath });
    }
    return mounts;
  }

  /** Undefined for volumes that have a directory of the pod's. */
  async #sourceOf(pod: Pod, volume: Volume): Promise<string | undefined> {
    const path = volume.hostPath?.path;
    const secretName = (volume.secret as { readonly secretName?: string } | undefined)?.secretName;
    if (path === undefined && secretName === undefined) return undefined;
    const own = join(this.#options.folder, pod.metadata.uid ?? "", volume.name);
    mkdirSync(own, { recursive: true });
    if (path !== undefined) return this.#options.hostPaths[path] ?? own;
    const secret = await this.#options.controlPlane.must(
      "GET",
      `/api/v1/namespaces/${pod.metadata.namespace}/secrets/${secretName}`,
    );
    for (const [name, value] of Object.entries((secret as Secret).data ?? {})) {
      rmSync(join(own, name), { force: true });
      writeFileSync(join(own, name), Buffer.from(value, "base64"), { mode: 0o444 });
    }
    return own;
  }

  /** A folder with what a pod of this service account finds. */
  async #token({ metadata: { namespace = "" }, spec }: Pod): Promise<string> {
    const account = spec?.serviceAccountName ?? "default";
    const known = this.#tokens.get(`${namespace}/${account}`);
    if (known !== undefined) return known;
    const { controlPlane, folder: parent } = this.#options;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const answer = await controlPlane.must("POST", path, { spec: { expirationSeconds: 24 * 3600 } });
    const folder = join(parent, `token-${namespace}-${account}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "token"), (answer as { status: { token: string } }).status.token);
    writeFileSync(join(folder, "ca.crt"), readFileSync(controlPlane.caFile));
    writeFileSync(join(folder, "namespace"), namespace);
    this.#tokens.set(`${namespace}/${account}`, folder);
    return folder;
  }
}

/** Without what Velero says when all is well. */
function said({ process: { output }, container }: Run): string {
  const lines = output().split("\n");
  const notable = lines.filter((line) => !line.includes("level=info"));
  return `${container.image} ${container.name}:\n${notable.slice(-60).join("\n").slice(-8000)}`;
}

/** Programs that would all take port 8085 for their metrics; in a cluster each pod has its own. */
function sharedNetworkFlags(words: readonly string[]): readonly string[] {
  const isServer = words[0] === "/velero" && words.slice(1, 3).includes("server");
  return isServer ? ["--metrics-address=127.0.0.1:0"] : [];
}

function environmentOf(pod: Pod, container: Container): Readonly<Record<string, string>> {
  const fields: Readonly<Record<string, string>> = {
    "spec.nodeName": pod.spec?.nodeName ?? "",
    "metadata.namespace": pod.metadata.namespace ?? "",
    "metadata.name": pod.metadata.name,
  };
  const fieldValue = (from: unknown): string => {
    const path = (from as { readonly fieldRef?: { readonly fieldPath: string } } | undefined)?.fieldRef?.fieldPath;
    const value = fields[path ?? ""];
    if (value === undefined) throw new Error(`the played runtime knows no value from ${JSON.stringify(from)}`);
    return value;
  };
  return Object.fromEntries((container.env ?? []).map((one) => [one.name, one.value ?? fieldValue(one.valueFrom)]));
}
