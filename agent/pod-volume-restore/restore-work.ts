// What the agent has to know about PodVolumeRestores: which of them can begin, and how the restore-helper hears of the
// end.

import type { Pod } from "../../src/api/core.ts";
import { annotations } from "../../src/api/names.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { podVolumeRestores } from "../../src/api/resources.ts";
import { errorFacts } from "../../src/platform/coded-error.ts";
import type { AgentContext } from "../agent-context.ts";
import { wasClaimedOn } from "../claim.ts";
import { writeFailedMarker } from "../data-path/done-marker.ts";
import type { RepositorySource } from "../data-path/repository-source.ts";
import type { RestoredVolume } from "../data-path/restore-volume.ts";
import { failureState } from "../volume-work/end-state.ts";
import type { EndState, VolumeWork } from "../volume-work/volume-work.ts";
import type { LocalPods } from "./local-pods.ts";
import { hasDoneWaiting, restoreWaitState } from "./restore-wait.ts";
import { completedRestore, failedRestore, restoreRefusal } from "./status.ts";
import { locateTarget, restoreUidOf, transferRestore } from "./transfer.ts";

export type RestoreResult = RestoredVolume | undefined;

export function createRestoreWork(
  context: AgentContext,
  repositories: RepositorySource,
  localPods: LocalPods,
): VolumeWork<PodVolumeRestore, RestoreResult> {
  const { clock, config } = context;
  const refusal = (restore: PodVolumeRestore): EndState | undefined => {
    const problem = restoreRefusal(restore, localPods.podOf(restore), localPods.isGone(restore));
    return problem === undefined ? undefined : failureState(problem.message, problem.reason, clock.now());
  };
  return {
    resource: podVolumeRestores,
    direction: "restore",
    isDue: (restore) => isWaitedFor(localPods.podOf(restore)),
    wasBegunHere: (restore) => wasClaimedOn(restore, config.nodeName) || localPods.podOf(restore) !== undefined,
    refusal,
    takeOverProblem: (restore) => takeOverProblem(restore, localPods, clock.now()),
    transfer: (restore, control) => transferRestore(context, repositories, restore, control),
    completed: (_, result) => completedRestore(result, config.nodeName, clock.now()),
    failed: (_, error) => failedRestore(error, clock.now()),
    beforeEnd: (restore, end) => tellHelper(context, restore, end),
    measure: (_, result) => ({
      bytes: result?.totalBytes ?? 0,
      addedBytes: 0,
      files: result?.fileCount ?? 0,
      warnings: result?.warningCount ?? 0,
    }),
  };
}

function isWaitedFor(pod: Pod | undefined): boolean {
  return pod !== undefined && restoreWaitState(pod) === "running";
}

/**
 * Starting over is safe while the application has not begun, or when only the marker is missing. After a restart of the
 * node the agent may be back before restore-wait is: the pod's next change wakes the restore up.
 */
function takeOverProblem(
  restore: PodVolumeRestore,
  localPods: LocalPods,
  nowMs: number,
): EndState | "later" | undefined {
  const isRestored = restore.metadata.annotations?.[annotations.dataRestored] === "true";
  const pod = localPods.podOf(restore);
  if (isRestored || isWaitedFor(pod)) return undefined;
  if (pod !== undefined && !hasDoneWaiting(pod)) return "later";
  const message =
    "the agent was restarted during the restore, and the pod's restore-wait container does not run any more";
  return failureState(message, "agent-restarted", nowMs);
}

/** A failure is written into the volume too, so that restore-wait ends with the reason instead of waiting for ever. */
async function tellHelper(context: AgentContext, restore: PodVolumeRestore, end: EndState): Promise<void> {
  if (end.status.phase !== "Failed") return;
  try {
    const volume = await locateTarget(context, restore, AbortSignal.timeout(context.config.resourceTimeoutMs));
    writeFailedMarker(volume.path, restoreUidOf(restore), end.status.message ?? "unknown reason");
  } catch (error) {
    // Without the directory there is nothing to write into; the resource and its event carry the reason.
    const facts = { restore: restore.metadata.name, volume: restore.spec.volume, ...errorFacts(error) };
    context.log.debug("the restore-helper could not be told of the failure", facts);
  }
}
