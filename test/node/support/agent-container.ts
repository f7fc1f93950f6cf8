// The agent's container of the moment, from the node's side: its process, to be killed, and what memory it has used.
import { existsSync, readFileSync } from "node:fs";
import type { Pod } from "../../../src/api/core.ts";
import type { NodeRig } from "./node-rig.ts";

interface RuntimeStatus {
  readonly containerID?: string;
  readonly restartCount?: number;
  readonly lastState?: { readonly terminated?: { readonly reason?: string } };
}

/** Kills the agent as the kernel does it when memory is short: it gets to say nothing. */
export async function killAgent(rig: NodeRig): Promise<void> {
  const status = statusOf(await rig.agentPod());
  const id = (status.containerID ?? "").replace("containerd://", "");
  const tasks = await rig.node.run("ctr", "-a", "/run/containerd/containerd.sock", "-n", "k8s.io", "tasks", "ls");
  const pid = new RegExp(`^${id}\\s+(\\d+)`, "m").exec(tasks.stdout)?.[1];
  if (id === "" || pid === undefined) throw new Error(`the agent's container ${id} has no process:\n${tasks.stdout}`);
  await rig.node.run("kill", "-9", pid);
}

/** Why the agent's container ended last; undefined when it never has. */
export async function lastEndOfAgent(rig: NodeRig): Promise<string | undefined> {
  return statusOf(await rig.agentPod()).lastState?.terminated?.reason;
}

/** The most that the agent's container has used since it started, page cache included; undefined where nobody counts. */
export async function peakMemoryBytes(rig: NodeRig): Promise<number | undefined> {
  const agent = await rig.agentPod();
  const id = (statusOf(agent).containerID ?? "").replace("containerd://", "");
  const folder = `kubepods/burstable/pod${agent.metadata.uid}/${id}`;
  const files = [
    `/sys/fs/cgroup/memory/${rig.node.cgroup}/${folder}/memory.max_usage_in_bytes`,
    `/sys/fs/cgroup/${rig.node.cgroup}/${folder}/memory.peak`,
  ];
  const file = files.find((path) => existsSync(path));
  return file === undefined ? undefined : Number(readFileSync(file, "utf8"));
}

function statusOf(pod: Pod): RuntimeStatus {
  return (pod.status?.containerStatuses?.[0] ?? {}) as RuntimeStatus;
}
