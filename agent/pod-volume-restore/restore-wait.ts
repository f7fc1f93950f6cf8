// What the restore-wait container of a pod is doing. Data may flow only while it runs: it keeps the application from
// starting over half a volume.

import type { Pod } from "../../src/api/core.ts";
import { restoreWaitContainer } from "../../src/api/names.ts";

/** absent: the pod has no such container · waiting: not started, or between two tries · succeeded: exit status 0. */
export type RestoreWaitState = "absent" | "waiting" | "running" | "succeeded";

export function restoreWaitState(pod: Pod): RestoreWaitState {
  if (pod.spec?.initContainers?.some((container) => container.name === restoreWaitContainer) !== true) return "absent";
  const status = pod.status?.initContainerStatuses?.find((candidate) => candidate.name === restoreWaitContainer);
  if (status?.state?.running !== undefined) return "running";
  return status?.state?.terminated?.exitCode === 0 ? "succeeded" : "waiting";
}

/** Nobody reads the markers any more: restore-wait has ended well, or the pod as a whole has ended or is ending. */
export function hasDoneWaiting(pod: Pod): boolean {
  const isPodOver = pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded";
  const state = restoreWaitState(pod);
  return isPodOver || pod.metadata.deletionTimestamp !== undefined || state === "succeeded" || state === "absent";
}
