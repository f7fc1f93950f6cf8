// The namespaces of one node: its own mounts, processes, network, host name. Everything in them ends with one process,
// which ends with this one, however that ends. The machine sees the node at the other end of a pair of network devices.
import { readFileSync } from "node:fs";
import { type RunningProcess, runProcess, type StartOptions, startProcess } from "../../support/processes.ts";
import { unshareFlags } from "./needs.ts";

export interface NodeAddresses {
  /** First three numbers of the /24. */
  readonly prefix: string;
  /** This machine's end. */
  readonly machine: string;
  /** The node's. */
  readonly node: string;
}

/** The address under which pods find the API server; it lies on the node itself, so that no rule has to lead there. */
export const serviceAddress = "10.96.0.1";

/** Kernel settings that the kubelet writes and that are the whole machine's. */
const sharedSettings = [
  ...["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"],
  ...["kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"],
];

/** Runs as process 1. `wait` collects every process that loses its parent. Arguments: the state folder, the addresses. */
const initScript = `
set -e
state=$1; node=$2; service=$3
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /var/log
mkdir -p "$state/kubelet" "$state/overlay" "$state/settings" /run/lock
# Folders that the machine may not have can be made in /var/lib without a trace on the machine.
mount -t tmpfs tmpfs "$state/overlay"
mkdir "$state/overlay/upper" "$state/overlay/work"
mount -t overlay -o "lowerdir=/var/lib,upperdir=$state/overlay/upper,workdir=$state/overlay/work" overlay /var/lib
mkdir -p /var/lib/kubelet /var/lib/cni
mount -t tmpfs tmpfs /var/lib/cni
mount --bind "$state/kubelet" /var/lib/kubelet
mount --make-rshared /var/lib/kubelet
for setting in ${sharedSettings.join(" ")}; do
  [ -e "/proc/sys/$setting" ] || continue
  copy="$state/settings/$(echo "$setting" | tr / -)"
  cat "/proc/sys/$setting" > "$copy"
  mount --bind "$copy" "/proc/sys/$setting"
done
hostname stowage-node
ip link set lo up
ip address add "$service/32" dev lo
# The host's end of the pair is moved in by the machine.
while ! ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip link add cni0 type bridge
# Without an address of its own a bridge changes it with its ports, and neighbours lose it.
ip link set cni0 address 02:00:00:00:00:02
ip address add "$node/24" dev cni0
ip link set eth0 master cni0
ip link set eth0 up
ip link set cni0 up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo the namespaces are ready
sleep infinity & wait
`;

/** Programs of containers and mounts lie there, and not every user's PATH says so. */
const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

export class Namespaces {
  readonly addresses: NodeAddresses;
  readonly #init: RunningProcess;
  /** Process 1, as the machine numbers it. */
  readonly #pid: number;

  private constructor(addresses: NodeAddresses, init: RunningProcess, pid: number) {
    this.addresses = addresses;
    this.#init = init;
    this.#pid = pid;
  }

  static async open(state: string, addresses: NodeAddresses): Promise<Namespaces> {
    const words = ["--pdeathsig", "KILL", "unshare", ...unshareFlags];
    const script = ["sh", "-c", initScript, "node-init", state, addresses.node, serviceAddress];
    let device: Promise<void> | undefined;
    const init = await startProcess("setpriv", {
      name: "the node's namespaces",
      args: [...words, ...script],
      env: { PATH: path },
      isReady: async (running) => {
        const pid = childOf(running.pid);
        if (pid === undefined) return false;
        device ??= addDevices(pid, addresses);
        await device;
        return running.output().includes("the namespaces are ready");
      },
    });
    const pid = childOf(init.pid);
    if (pid === undefined) throw new Error("bug: the namespaces have no first process");
    return new Namespaces(addresses, init, pid);
  }

  /** Where the node's files are, seen from this machine. */
  get root(): string {
    return `/proc/${this.#pid}/root`;
  }

  /** Runs a program on the node to its end. */
  async run(program: string, args: readonly string[], input?: string): ReturnType<typeof runProcess> {
    const words = this.#words(program, args);
    return await runProcess("nsenter", { args: words, env: { PATH: path }, ...(input === undefined ? {} : { input }) });
  }

  /** Starts a program that stays. Its own process gets the signals, not nsenter's. */
  async start(program: string, options: StartOptions): Promise<NodeProcess> {
    const args = this.#words("setpriv", ["--pdeathsig", "KILL", program, ...(options.args ?? [])]);
    const running = await startProcess("nsenter", {
      ...options,
      name: options.name ?? program,
      args,
      env: { ...options.env, PATH: path },
    });
    return new NodeProcess(running);
  }

  /** Ends every process in them, and with the last one mounts and devices are gone. */
  async close(): Promise<void> {
    process.kill(this.#pid, "SIGKILL");
    await this.#init.ended;
    await removeDevices(this.#pid);
  }

  #words(program: string, args: readonly string[]): string[] {
    return ["--target", String(this.#pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--", program, ...args];
  }
}

export class NodeProcess {
  readonly #running: RunningProcess;

  constructor(running: RunningProcess) {
    this.#running = running;
  }

  output(): string {
    return this.#running.output();
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const pid = childOf(this.#running.pid);
    if (pid !== undefined) process.kill(pid, signal);
    await this.#running.ended;
  }
}

async function addDevices(pid: number, { machine }: NodeAddresses): Promise<void> {
  const name = deviceOf(pid);
  await ip(["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", String(pid)]);
  await ip(["address", "add", `${machine}/24`, "dev", name]);
  await ip(["link", "set", name, "up"]);
}

/** The kernel takes them away with the namespace, too, but at a time of its own. */
async function removeDevices(pid: number): Promise<void> {
  const { code, stderr } = await runProcess("ip", { args: ["link", "delete", deviceOf(pid)], env: { PATH: path } });
  if (code !== 0 && !/Cannot find|No such/.test(stderr)) throw new Error(`ip link delete: ${stderr}`);
}

function deviceOf(pid: number): string {
  return `stw${pid}`;
}

async function ip(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess("ip", { args, env: { PATH: path } });
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** A private /24 to which this machine has no route yet. */
export async function freeAddresses(): Promise<NodeAddresses> {
  const routes = await ip(["route", "show", "table", "all"]);
  for (let attempt = 0; ; attempt++) {
    const prefix = `10.${200 + ((process.pid + attempt) % 50)}.${(process.pid >> 3) & 0xff}`;
    if (!routes.includes(`${prefix}.`)) return { prefix, machine: `${prefix}.1`, node: `${prefix}.2` };
    if (attempt === 50) throw new Error("this machine has routes to every private network that a node could use");
  }
}

function childOf(pid: number): number | undefined {
  try {
    const [first = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return first === "" ? undefined : Number(first);
  } catch {
    // It has ended.
    return undefined;
  }
}
