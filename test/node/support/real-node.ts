// One node of Kubernetes with everything of a cluster on it: etcd, API server, controllers, scheduler, containerd and
// kubelet, in namespaces of their own. It can be taken down and brought up again, as a machine is, and parts of it too.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  etcdBinary,
  kubeApiserverBinary,
  kubeControllerManagerBinary,
  kubectlBinary,
  kubeletBinary,
  kubeSchedulerBinary,
} from "../../support/peers.ts";
import { eventually, type ProcessResult, runProcess } from "../../support/processes.ts";
import { makeTemporaryDirectory, removeDirectory } from "../../support/temporary-directory.ts";
import { cgroupGone, makeCgroup } from "./cgroup.ts";
import { buildBusyboxImages } from "./images.ts";
import { freeAddresses, Namespaces, type NodeAddresses, type NodeProcess } from "./namespaces.ts";
import { ensureMachine } from "./needs.ts";
import { containerdSocket, type NodeFiles, nodeName, writeNodeFiles } from "./node-configuration.ts";

type Part = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "containerd" | "kubelet";

export class RealNode {
  readonly addresses: NodeAddresses;
  /** Survives the node's going down. */
  readonly state: string;
  readonly #files: NodeFiles;
  /** Of its pods, below each hierarchy. */
  readonly cgroup: string;
  readonly #running = new Map<Part, NodeProcess>();
  #namespaces: Namespaces | undefined;

  private constructor(state: string, addresses: NodeAddresses, cgroup: string) {
    this.state = state;
    this.addresses = addresses;
    this.cgroup = cgroup;
    this.#files = writeNodeFiles({ state, addresses, cgroup });
  }

  /** From nothing to a node that is Ready. @throws Error with what the machine lacks */
  static async start(): Promise<RealNode> {
    await ensureMachine();
    const node = new RealNode(makeTemporaryDirectory("node"), await freeAddresses(), makeCgroup());
    try {
      await node.up();
      const folder = join(node.state, "images");
      mkdirSync(folder);
      for (const image of await buildBusyboxImages(folder)) await node.importImage(image);
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /** Brings up what is down. */
  async up(): Promise<void> {
    makeCgroup();
    this.#namespaces = await Namespaces.open(this.state, this.addresses);
    await Promise.all([
      this.startPart("etcd").then(() => this.startPart("kube-apiserver")),
      this.startPart("containerd"),
    ]);
    await Promise.all([
      this.startPart("kube-controller-manager"),
      this.startPart("kube-scheduler"),
      this.startPart("kubelet"),
    ]);
    await eventually(
      "the node is ready",
      async () => (await this.kubectl(["get", "nodes"])).stdout.includes(" Ready"),
      60_000,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output("kubelet").slice(-4000)}`);
    });
  }

  /** As if somebody pulled the plug: no process gets to say anything. What lay in memory is gone. */
  async down(): Promise<void> {
    this.#running.clear();
    await this.#namespaces?.close();
    this.#namespaces = undefined;
    await cgroupGone(this.cgroup);
  }

  /** Down, and nothing stays. */
  async stop(): Promise<void> {
    await this.down();
    removeDirectory(this.state);
  }

  /** kubectl as administrator, on this machine. Never rejects for a bad exit status. */
  async kubectl(args: readonly string[], input?: string): Promise<ProcessResult> {
    const words = ["--kubeconfig", this.#files.adminKubeconfig, "--cache-dir", join(this.state, "kubectl-cache")];
    return await runProcess(kubectlBinary(), {
      args: [...words, ...args],
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Of the administrator, on this machine. */
  get adminKubeconfig(): string {
    return this.#files.adminKubeconfig;
  }

  /** Runs a program on the node. */
  async run(program: string, ...args: readonly string[]): Promise<ProcessResult> {
    return await this.#inside.run(program, args);
  }

  /** Starts a program on the node that stays, until `isReady`. */
  async start(program: string, args: readonly string[], isReady: (output: string) => boolean): Promise<void> {
    await this.#inside.start(program, { args, isReady: (running) => isReady(running.output()) });
  }

  /** A file of the node, as this machine sees it. */
  path(path: string): string {
    return join(this.#inside.root, path);
  }

  output(part: Part): string {
    return this.#running.get(part)?.output() ?? "";
  }

  async importImage(tarFile: string): Promise<void> {
    // Without --all-platforms it wants a platform's name in the image to match exactly.
    await this.#images("import", "--all-platforms", tarFile);
  }

  /** Gives an image another name besides. */
  async tagImage(name: string, other: string): Promise<void> {
    await this.#images("tag", name, other);
  }

  async #images(...args: readonly string[]): Promise<void> {
    const { code, stderr, stdout } = await this.run("ctr", "-a", containerdSocket, "-n", "k8s.io", "images", ...args);
    if (code !== 0) throw new Error(`ctr images ${args.join(" ")}: ${stderr}${stdout}`);
  }

  async stopPart(part: Part, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#running.get(part)?.stop(signal);
    this.#running.delete(part);
  }

  async startPart(part: Part): Promise<void> {
    const { program, args, isReady } = this.#recipe(part);
    const options = { name: part, args, readyTimeoutMs: 60_000, ...(isReady === undefined ? {} : { isReady }) };
    this.#running.set(part, await this.#inside.start(program, options));
  }

  get #inside(): Namespaces {
    if (this.#namespaces === undefined) throw new Error("bug: the node is down");
    return this.#namespaces;
  }

  #recipe(part: Part): Recipe {
    const { state, addresses } = this;
    const recipes: Readonly<Record<Part, () => Recipe>> = {
      etcd: () => etcdRecipe(state, (url) => this.#answers(url)),
      "kube-apiserver": () => ({
        program: kubeApiserverBinary(),
        args: apiServerArgs(state, addresses, this.#files),
        isReady: async () => (await this.kubectl(["get", "--raw", "/readyz"])).code === 0,
      }),
      "kube-controller-manager": () => ({
        program: kubeControllerManagerBinary(),
        args: controllerManagerArgs(this.#files),
        isReady: undefined,
      }),
      "kube-scheduler": () => ({
        program: kubeSchedulerBinary(),
        args: [`--kubeconfig=${this.#files.adminKubeconfig}`, "--leader-elect=false", "--secure-port=0"],
        isReady: undefined,
      }),
      containerd: () => ({
        program: "containerd",
        args: ["--config", this.#files.containerdConfig],
        isReady: async () => (await this.run("ctr", "-a", containerdSocket, "version")).code === 0,
      }),
      kubelet: () => ({
        program: kubeletBinary(),
        args: [
          `--config=${this.#files.kubeletConfig}`,
          `--kubeconfig=${this.#files.kubeletKubeconfig}`,
          `--hostname-override=${nodeName}`,
          `--node-ip=${addresses.node}`,
        ],
        isReady: () => this.#answers("http://127.0.0.1:10248/healthz"),
      }),
    };
    return recipes[part]();
  }

  async #answers(url: string): Promise<boolean> {
    return (await this.run("busybox", "wget", "-q", "-O", "-", url)).code === 0;
  }
}

interface Recipe {
  readonly program: string;
  readonly args: readonly string[];
  readonly isReady: (() => Promise<boolean>) | undefined;
}

function etcdRecipe(state: string, answers: (url: string) => Promise<boolean>): Recipe {
  const args = [`--data-dir=${join(state, "etcd")}`, "--unsafe-no-fsync", "--log-level=error"];
  return { program: etcdBinary(), args, isReady: () => answers("http://127.0.0.1:2379/health") };
}

function apiServerArgs(state: string, addresses: NodeAddresses, files: NodeFiles): string[] {
  return [
    "--etcd-servers=http://127.0.0.1:2379",
    `--advertise-address=${addresses.node}`,
    // Where the Service `kubernetes` sends everybody, so that nothing has to translate addresses.
    "--secure-port=443",
    `--cert-dir=${join(state, "apiserver")}`,
    `--tls-cert-file=${files.certificateFile}`,
    `--tls-private-key-file=${files.keyFile}`,
    `--token-auth-file=${files.tokenFile}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.accountKeyFile}`,
    `--service-account-signing-key-file=${files.accountKeyFile}`,
    "--service-cluster-ip-range=10.96.0.0/24",
    "--allow-privileged=true",
    "--kubelet-preferred-address-types=InternalIP",
    "--profiling=false",
  ];
}

function controllerManagerArgs(files: NodeFiles): string[] {
  return [
    `--kubeconfig=${files.adminKubeconfig}`,
    "--leader-elect=false",
    "--secure-port=0",
    `--root-ca-file=${files.caFile}`,
    `--service-account-private-key-file=${files.accountKeyFile}`,
    "--concurrent-namespace-syncs=4",
    "--min-resync-period=10s",
  ];
}
