// Why nobody will ever fill a restored pod's volumes: said as soon as it is certain, instead of waiting until the Restore's
// time is over.
import type { Pod } from "../../../api/core.ts";
import { restoreWaitContainer } from "../../../api/names.ts";

export interface PodFacts {
  /** The pod that was restored, as it was created. */
  readonly wanted: Pod;
  /** What has its name now. */
  readonly current: Pod | undefined;
  readonly agentNodes: ReadonlySet<string>;
  /** An agent has begun with one of its volumes. */
  readonly isClaimed: boolean;
  /** How long a circumstance that may pass is borne. */
  readonly patienceMs: number;
}

export interface PodObstacle {
  readonly kind: "over" | "unscheduled" | "no-agent" | "stuck";
  /** A sentence without a full stop. */
  readonly reason: string;
  /** So long it is borne; 0 for what does not pass. */
  readonly patienceMs: number;
}

/** Agents are restarted, and a new node's agent comes a moment after its first pods. */
const agentPatienceMs = 60_000;

/** What a container waits for that rarely goes away by itself. */
const stuckReasons: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "CrashLoopBackOff",
]);

/** Undefined while all goes well. */
export function podObstacle(facts: PodFacts): PodObstacle | undefined {
  const over = overReason(facts);
  return over === undefined ? passingObstacle(facts) : { kind: "over", reason: over, patienceMs: 0 };
}

function overReason({ wanted, current }: PodFacts): string | undefined {
  if (current === undefined || current.metadata.uid !== wanted.metadata.uid) return goneReason(wanted, current);
  if (current.metadata.deletionTimestamp !== undefined) return `${nameOf(wanted)} is being deleted`;
  const { phase, reason, message } = current.status ?? {};
  if (phase === "Failed" || phase === "Succeeded")
    return `${nameOf(wanted)} has ended (${[phase, reason, message].filter(Boolean).join(": ")})`;
  const hasWait = current.spec?.initContainers?.some(({ name }) => name === restoreWaitContainer) === true;
  if (hasWait) return undefined;
  return `${nameOf(wanted)} has no container ${restoreWaitContainer}: something in the cluster took it out`;
}

function goneReason(wanted: Pod, current: Pod | undefined): string {
  const owner = wanted.metadata.ownerReferences?.find(({ controller }) => controller === true);
  const by = owner === undefined ? "" : `, whose controller is ${owner.kind} ${owner.name},`;
  if (current === undefined) return `${nameOf(wanted)}${by} was deleted before its volumes were restored`;
  return `${nameOf(wanted)}${by} was replaced before its volumes were restored; the new pod runs without their data`;
}

function passingObstacle({ current, agentNodes, isClaimed, patienceMs }: PodFacts): PodObstacle | undefined {
  const pod = current as Pod;
  const node = pod.spec?.nodeName ?? "";
  if (node === "") return { kind: "unscheduled", reason: unscheduledReason(pod), patienceMs };
  if (!agentNodes.has(node)) {
    const reason = `no node-agent pod is running on node ${node}, where ${nameOf(pod)} is`;
    // What has begun goes on when its agent is back; what has not is hardly going to.
    return { kind: "no-agent", reason, patienceMs: isClaimed ? patienceMs : Math.min(agentPatienceMs, patienceMs) };
  }
  const status = pod.status?.initContainerStatuses?.find(({ name }) => name === restoreWaitContainer);
  const { reason: waitsFor = "", message = "" } = status?.state?.waiting ?? {};
  if (!stuckReasons.has(waitsFor)) return undefined;
  const why = message === "" ? waitsFor : `${waitsFor}: ${message}`;
  const reason = `container ${restoreWaitContainer} of ${nameOf(pod)} does not start (${why})`;
  return { kind: "stuck", reason, patienceMs };
}

function unscheduledReason(pod: Pod): string {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  return `${nameOf(pod)} is not scheduled: ${scheduled?.message ?? scheduled?.reason ?? "the scheduler gives no reason"}`;
}

function nameOf({ metadata }: Pod): string {
  return `pod ${metadata.namespace}/${metadata.name}`;
}
