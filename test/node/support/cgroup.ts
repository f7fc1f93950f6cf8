// The control groups of a node's pods. They are the machine's, so they are made under a name of their own and removed, also
// those that a killed process has left.
import { existsSync, globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/processes.ts";

const cgroups = "/sys/fs/cgroup";
const cgroupPrefix = "stowage-node-";

/** Makes one control group per hierarchy, below which the kubelet keeps those of its pods. Returns its name. */
export function makeCgroup(): string {
  removeCgroups();
  const name = `${cgroupPrefix}${process.pid}`;
  for (const hierarchy of hierarchies()) {
    mkdirSync(join(hierarchy, name), { recursive: true });
    const put = (file: string, content: string | Buffer): void => {
      if (existsSync(join(hierarchy, name, file))) writeFileSync(join(hierarchy, name, file), content);
    };
    // A new group of this hierarchy of version 1 has no processors and no memory nodes of its own.
    for (const file of ["cpuset.cpus", "cpuset.mems"])
      if (existsSync(join(hierarchy, file))) put(file, readFileSync(join(hierarchy, file)));
    // Else all pods together would get as much time as one single process beside them.
    put("cpu.shares", "4096");
    put("cpu.weight", "400");
  }
  return name;
}

/** Removes this process's, and those of processes that were killed. */
function removeCgroups(): void {
  for (const hierarchy of hierarchies()) {
    const names = globSync(`${cgroupPrefix}*`, { cwd: hierarchy }).filter((name) => !isRunning(ownerOf(name)));
    for (const name of names) removeGroup(join(hierarchy, name));
  }
}

function removeGroup(group: string): void {
  const deepestFirst = globSync("**/", { cwd: group }).sort((one, other) => other.length - one.length);
  for (const folder of [...deepestFirst, "."]) {
    try {
      rmdirSync(join(group, folder));
    } catch {
      // A process in it is still on its way out.
    }
  }
}

/** The process whose node it is. */
function ownerOf(name: string): number {
  return Number(name.slice(cgroupPrefix.length));
}

function isRunning(pid: number): boolean {
  return pid !== process.pid && existsSync(`/proc/${pid}`);
}

/** Waits until nothing of a group is left. */
export async function cgroupGone(name: string): Promise<void> {
  await eventually(`control group ${name} is empty`, () => {
    const left = hierarchies().map((hierarchy) => join(hierarchy, name));
    for (const group of left.filter(existsSync)) removeGroup(group);
    return !left.some(existsSync);
  });
}

function hierarchies(): string[] {
  if (existsSync(join(cgroups, "cgroup.controllers"))) return [cgroups];
  const names = [
    "cpu",
    "cpuacct",
    "cpuset",
    "memory",
    "devices",
    "freezer",
    "blkio",
    "pids",
    "hugetlb",
    "systemd",
    "unified",
  ];
  return names.map((name) => join(cgroups, name)).filter((folder) => existsSync(join(folder, "cgroup.procs")));
}
