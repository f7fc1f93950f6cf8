// Do mounts that the kubelet makes after the agent has started appear in the agent's view? The kernel says so in the mount
// table: a mount that receives them is a slave ("master:N") or a peer ("shared:N") of the host's.

import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { parseMounts } from "../host-volumes/mount-table.ts";
import { type Check, type Finding, failed, ok, type Patient, skipped } from "./finding.ts";

export const mountPropagation: Check = { name: "mount-propagation", from: "pod", run: lookAtPropagation };

async function lookAtPropagation({ hostPodsDir, procFolder }: Patient): Promise<Finding> {
  const path = await realpath(hostPodsDir).catch(() => undefined);
  if (path === undefined) return skipped(`${hostPodsDir} does not exist`);
  const mounts = parseMounts(await readFile(join(procFolder, "mountinfo"), "latin1"));
  // Of mounts over one another the last one is what is seen.
  const mount = mounts.findLast((candidate) => candidate.mountPoint === path);
  if (mount === undefined) {
    return skipped(`${hostPodsDir} is no mount of its own: this process sees the mounts of where it runs`);
  }
  const { tags } = mount;
  if (tags.some((tag) => tag.startsWith("master:"))) return ok("mounts of the host appear here (HostToContainer)");
  if (tags.some((tag) => tag.startsWith("shared:"))) return ok("mounts of the host appear here (Bidirectional)");
  return failed(
    `volumes that are mounted after the agent has started do not appear below ${hostPodsDir}: the mount is private`,
    "give the volume mount host-pods the mountPropagation HostToContainer, and restart the agent",
  );
}
