// What a container's programs see, without a container engine: mount namespaces. One belongs to the played node and holds its
// volumes' mounts; each container has its own, below which its root is put together from this machine's folders, the image's
// files and the pod's volumes. Needs root, or user namespaces.
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type RunningProcess, runProcess, startProcess } from "./processes.ts";

export interface SandboxMount {
  /** On this machine. */
  readonly from: string;
  /** Absolute, in the container. */
  readonly to: string;
}

export interface Sandbox {
  /** An empty folder that stands where the root will be. */
  readonly root: string;
  readonly mounts: readonly SandboxMount[];
  /** Single files, mounted likewise. */
  readonly files: readonly SandboxMount[];
  /** Symbolic links in the container: path → target. */
  readonly links: Readonly<Record<string, string>>;
  /** All of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** A container has these to itself. */
const ownFolders = ["dev", "tmp", "var"];
const devices = ["null", "zero", "full", "random", "urandom"];

/** The node's mount namespace. */
export class NodeNamespace {
  readonly #holder: RunningProcess;

  private constructor(holder: RunningProcess) {
    this.#holder = holder;
  }

  /** @param shared what is mounted below this folder later is seen by containers that have the folder. */
  static async start(shared: string): Promise<NodeNamespace> {
    const script = 'mount --bind "$0" "$0" && mount --make-shared "$0" && echo ready && exec sleep infinity';
    const holder = await startProcess("unshare", {
      name: "mount namespace of the played node",
      args: [...userWords("--map-root-user"), "--mount", "--propagation", "private", "sh", "-c", script, shared],
      isReady: (running) => running.output().includes("ready"),
    });
    return new NodeNamespace(holder);
  }

  /** Makes a folder a mount point, as a volume's is. */
  async mount(path: string): Promise<void> {
    const [program = "", ...args] = [...this.#enter(), "mount", "--bind", path, path];
    const { code, stderr } = await runProcess(program, { args });
    if (code !== 0) throw new Error(`mounting ${path}: ${stderr}`);
  }

  /** Its process is the program itself: signals reach it. */
  async run(name: string, sandbox: Sandbox): Promise<RunningProcess> {
    const own = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", scriptOf(sandbox)];
    const [program = "", ...args] = [...this.#enter(), ...own];
    return await startProcess(program, { name, args });
  }

  async stop(): Promise<void> {
    await this.#holder.stop(0);
  }

  #enter(): readonly string[] {
    const user = userWords("--user", "--preserve-credentials");
    return ["nsenter", "--target", String(this.#holder.pid), "--mount", ...user, "--"];
  }
}

/** Who is not root gets root's rights in a user namespace. */
function userWords(...words: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? [] : words;
}

function scriptOf({ root, mounts, files, links, env, words }: Sandbox): string {
  const inside = (path: string): string => quote(join(root, path));
  const bind = ({ from, to }: SandboxMount): string =>
    `mkdir -p ${inside(to)} && mount --rbind ${quote(from)} ${inside(to)}`;
  const taken = new Set([...ownFolders, ...mounts.map(({ to }) => to.split("/")[1] ?? "")]);
  const top = readdirSync("/", { withFileTypes: true }).filter(({ name }) => !taken.has(name));
  const pairs = Object.entries(env).map(([name, value]) => quote(`${name}=${value}`));
  return [
    "set -e",
    `mount -t tmpfs container ${quote(root)}`,
    `mkdir ${ownFolders.map(inside).join(" ")} && chmod 1777 ${inside("tmp")}`,
    ...devices.map((name) => `touch ${inside(`dev/${name}`)} && mount --bind /dev/${name} ${inside(`dev/${name}`)}`),
    `ln -s /proc/self/fd ${inside("dev/fd")}`,
    ...top
      .filter((one) => one.isSymbolicLink())
      .map(({ name }) => `ln -s ${quote(readlinkSync(`/${name}`))} ${inside(name)}`),
    ...top.filter((one) => one.isDirectory()).map(({ name }) => bind({ from: `/${name}`, to: name })),
    ...mounts.map(bind),
    ...files.map(({ from, to }) => `touch ${inside(to)} && mount --bind ${quote(from)} ${inside(to)}`),
    ...Object.entries(links).map(
      ([path, target]) => `mkdir -p ${inside(join(path, ".."))} && ln -s ${quote(target)} ${inside(path)}`,
    ),
    `exec chroot ${quote(root)} /usr/bin/env -i ${pairs.join(" ")} ${words.map(quote).join(" ")}`,
  ].join("\n");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
