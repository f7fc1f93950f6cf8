// What a node needs of the machine: root, namespaces, and Debian's packages of the container runtime, which root installs
// itself where apt-get is there. What is missing otherwise is named at once, all of it.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { withBuildLock } from "../../peers/build-lock.ts";
import { runProcess } from "../../support/processes.ts";

interface Need {
  /** Name on the PATH, or an absolute path. */
  readonly program: string;
  /** Debian's package that has it. */
  readonly package: string;
}

const needs: readonly Need[] = [
  { program: "containerd", package: "containerd" },
  { program: "ctr", package: "containerd" },
  { program: "runc", package: "runc" },
  { program: "/usr/lib/cni/bridge", package: "containernetworking-plugins" },
  { program: "busybox", package: "busybox-static" },
  { program: "ip", package: "iproute2" },
  { program: "unshare", package: "util-linux" },
  { program: "nsenter", package: "util-linux" },
  { program: "setpriv", package: "util-linux" },
  { program: "mount", package: "mount" },
  { program: "tar", package: "tar" },
];

/** The namespaces of a node; `unshare` ends with the process that asked for it, and with it everything inside. */
export const unshareFlags: readonly string[] = [
  ...["--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child"],
];

/** @throws Error that says what is missing, and how to get it. */
export async function ensureMachine(uid: number | undefined = process.getuid?.()): Promise<void> {
  if (uid !== 0) throw new Error(`a node needs root (a container runtime, mounts and namespaces)${hint()}`);
  if (missing().length > 0 && existsSync("/usr/bin/apt-get")) await withBuildLock("apt-get", installMissing);
  const lacking = missing();
  if (lacking.length > 0) {
    const names = lacking.map((need) => `${need.program} (Debian package ${need.package})`);
    throw new Error(`a node needs programs that this machine does not have: ${names.join(", ")}`);
  }
  const { code, stderr } = await runProcess("unshare", { args: [...unshareFlags, "true"] });
  if (code !== 0)
    throw new Error(`a node needs namespaces of its own, and this machine does not allow them: ${stderr}`);
}

function hint(): string {
  const names = missing().map((need) => need.package);
  return names.length === 0 ? "" : `; and, as Debian packages: ${[...new Set(names)].join(", ")}`;
}

function missing(): Need[] {
  return needs.filter((need) => !isInstalled(need.program));
}

function isInstalled(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, program)));
}

async function installMissing(): Promise<void> {
  const names = [...new Set(missing().map((need) => need.package))];
  if (names.length === 0) return;
  process.stderr.write(`installing Debian packages for the node: ${names.join(" ")}\n`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = (): ReturnType<typeof runProcess> =>
    runProcess("apt-get", { args: ["install", "-y", "-q", "--no-install-recommends", ...names], env });
  if ((await install()).code === 0) return;
  // Lists may be older than the archive.
  await runProcess("apt-get", { args: ["update", "-q"], env });
  const { code, stdout, stderr } = await install();
  if (code !== 0) throw new Error(`apt-get could not install ${names.join(" ")}:\n${stdout.slice(-2000)}${stderr}`);
}
