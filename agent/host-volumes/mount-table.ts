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

/** A line of the table. */
export interface Mount {
  readonly mountPoint: string;
  /** How it is tied to other mounts, for example "shared:12", "master:3"; empty: it is private. */
  readonly tags: readonly string[];
}

export function parseMountInfo(text: string): ReadonlySet<string> {
  return new Set(parseMounts(text).map(({ mountPoint }) => mountPoint));
}

/**
 * In the order of the table: of several mounts at one place the last is what is seen.
 * @param text read as Latin-1, so that no byte is lost.
 * @see proc_pid_mountinfo(5): the fifth field is the mount point, tags follow the sixth until a lone "-".
 */
export function parseMounts(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    const field = fields[4];
    if (field === undefined) continue;
    const end = fields.indexOf("-", 6);
    mounts.push({ mountPoint: pathOf(field), tags: end < 0 ? [] : fields.slice(6, end) });
  }
  return mounts;
}

/** Space, tab, line feed and \ are in octal. */
function pathOf(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  // Paths are compared as UTF-8.
  return Buffer.from(bytes, "latin1").toString("utf8");
}
