// The mount table of this process: tells a volume that is empty from one whose mount has not reached the agent.

import { readFile, realpath } from "node:fs/promises";

/** Whether something is mounted at this directory, as this process sees it. */
export async function isMountPoint(path: string): Promise<boolean> {
  const mountPoints = await readMountPoints();
  // The table knows no links; the way to the host's pods directory may lead over one.
  return mountPoints.has(path) || mountPoints.has(await realpath(path));
}

/** Directories at which something is mounted. */
async function readMountPoints(file = "/proc/self/mountinfo"): Promise<ReadonlySet<string>> {
  return parseMountInfo(await readFile(file, "latin1"));
}

/** @see proc_pid_mountinfo(5): the fifth field is the mount point, with space, tab, line feed and \ in octal. */
export function parseMountInfo(text: string): ReadonlySet<string> {
  const mountPoints = new Set<string>();
  for (const line of text.split("\n")) {
    const field = line.split(" ")[4];
    if (field === undefined) continue;
    const bytes = field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    // Read as Latin-1 so that no byte is lost; paths are compared as UTF-8.
    mountPoints.add(Buffer.from(bytes, "latin1").toString("utf8"));
  }
  return mountPoints;
}
