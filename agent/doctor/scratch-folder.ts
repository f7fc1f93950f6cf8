// Can the agent keep its notes and its cache? Without them it works, but reads and fetches more.

import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../src/platform/coded-error.ts";
import { type Check, type Finding, failed, ok, type Patient, skipped, warning } from "./finding.ts";

export const scratchFolder: Check = { name: "scratch-folder", from: "pod", run: lookAtFolders };

const scarceBytes = 64 * 1024 ** 2;
const remedy =
  "mount an emptyDir there, writable for the agent's user, or name another folder (--scratch-dir, --cache-dir)";

async function lookAtFolders({ scratchDir, cacheDirectory }: Patient): Promise<readonly Finding[]> {
  const folders = new Set([scratchDir, cacheDirectory].filter((folder) => folder !== undefined));
  if (folders.size === 0) return [skipped("neither --scratch-dir nor --cache-dir is set: nothing is kept")];
  return await Promise.all([...folders].map(tryFolder));
}

async function tryFolder(folder: string): Promise<Finding> {
  const probe = join(folder, `.doctor-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(probe, "probe\n");
    await rm(probe);
    const { bavail, bsize } = await statfs(folder);
    const freeMiB = Math.floor((bavail * bsize) / 1024 ** 2);
    if (bavail * bsize >= scarceBytes) return { ...ok(`writable, ${freeMiB} MiB free`), subject: folder };
    return { ...warning(`only ${freeMiB} MiB are free`, "give the folder's volume more space"), subject: folder };
  } catch (error) {
    return { ...failed(`nothing can be kept: ${messageOf(error)}`, remedy), subject: folder };
  }
}
