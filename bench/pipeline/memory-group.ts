// A control group (version 2) with a memory limit, for programs that must do with so much; only where the kernel and
// whoever runs this machine let us make one.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface MemoryGroup {
  /** Words before a command that runs it, and all that it starts, in the group. */
  readonly words: readonly string[];
  /** When all that ran in it has ended. */
  remove(): void;
}

export interface MemoryGroupOptions {
  /** Default: where control groups are mounted. */
  readonly mount?: string;
  /** Which groups this process is in. */
  readonly ownGroups?: string;
}

/** Writes its own process id into the group and becomes the program. */
const enter = 'echo $$ > "$0" && exec "$@"';

/** @throws Error that says why there is no such group on this machine. */
export function makeMemoryGroup(limitBytes: number, options: MemoryGroupOptions = {}): MemoryGroup {
  const { mount = "/sys/fs/cgroup", ownGroups = readFileSync("/proc/self/cgroup", "latin1") } = options;
  const own = /^0::(\/.*)$/m.exec(ownGroups)?.[1];
  if (own === undefined || !existsSync(join(mount, "cgroup.controllers"))) {
    throw new Error(`control groups of version 2 are not mounted at ${mount}`);
  }
  const group = join(distributorOf(mount, own), `stowage-bench-${process.pid}`);
  mkdirSync(group);
  try {
    writeFileSync(join(group, "memory.max"), String(limitBytes));
    // Memory that is put aside on a disk would count for nothing.
    if (existsSync(join(group, "memory.swap.max"))) writeFileSync(join(group, "memory.swap.max"), "0");
  } catch (error) {
    rmdirSync(group);
    throw error;
  }
  return { words: ["sh", "-c", enter, join(group, "cgroup.procs")], remove: () => rmdirSync(group) };
}

/** The nearest group above this process that hands memory out to groups below it: those have a limit of their own. */
function distributorOf(mount: string, own: string): string {
  for (let path = own; ; path = dirname(path)) {
    const handedOut = join(mount, path, "cgroup.subtree_control");
    if (existsSync(handedOut) && readFileSync(handedOut, "latin1").split(/\s/).includes("memory")) {
      return join(mount, path);
    }
    if (path === "/") throw new Error("no control group above this process hands memory limits out");
  }
}
