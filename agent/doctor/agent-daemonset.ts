// From outside: is the agent installed as it must be, and does it run on every node?

import type { Pod } from "../../src/api/core.ts";
import { type DaemonSet, findDaemonSet, listAgentPods } from "./agent-pods.ts";
import { type Check, type Finding, failed, ok, type Patient, stopsWork, warning } from "./finding.ts";

export const agentDaemonSet: Check = { name: "agent-daemonset", from: "outside", run: lookAtDaemonSet };

const hostPodsPath = "/host_pods";

async function lookAtDaemonSet(patient: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const daemonSet = await findDaemonSet(patient, signal);
  if (daemonSet === undefined) {
    const message = `there is no DaemonSet node-agent in the namespace ${patient.namespace}`;
    return [stopsWork(message, "install it (kubectl apply -k manifests), or give its --namespace")];
  }
  const pods = await listAgentPods(patient, signal);
  return [...problemsOfMount(daemonSet), readinessOf(daemonSet, pods)];
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly mountPropagation?: string;
}

/** Only what is surely wrong: where the kubelet's root is cannot be seen from here. */
function problemsOfMount({ spec }: DaemonSet): readonly Finding[] {
  const { volumes = [], containers = [] } = spec?.template.spec ?? {};
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts as readonly Mount[]);
  const hostPaths = new Set(volumes.filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name));
  const mount = mounts.find(({ name, mountPath }) => hostPaths.has(name) && mountPath.startsWith(hostPodsPath));
  if (mount === undefined) {
    const message = `no container mounts a host path at ${hostPodsPath}`;
    return [stopsWork(message, "give it a hostPath volume of <kubelet root>/pods there")];
  }
  const { mountPropagation = "None" } = mount;
  if (mountPropagation !== "None") return [];
  const message = `the mount at ${hostPodsPath} has no mount propagation: volumes mounted later are not seen`;
  return [failed(message, "set mountPropagation: HostToContainer")];
}

function readinessOf({ status }: DaemonSet, pods: readonly Pod[]): Finding {
  const { desiredNumberScheduled: wanted = 0, numberReady: ready = 0 } = status ?? {};
  if (wanted === 0) return warning("no node runs an agent", "check the nodeSelector and the tolerations");
  if (ready === wanted) return ok(`the agents of all ${wanted} nodes are ready`);
  const ill = pods.filter(({ status: one }) => one?.containerStatuses?.every((container) => container.ready) !== true);
  const names = ill.slice(0, 5).map(({ metadata, spec }) => `${metadata.name} on ${spec?.nodeName ?? "no node yet"}`);
  const message = `${ready} of ${wanted} agents are ready; not ready: ${names.join(", ") || "pods that do not exist"}`;
  return failed(message, "kubectl describe pod shows why; run the doctor in such a pod");
}
