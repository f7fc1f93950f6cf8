// How a PodVolumeRestore ends: engine result or error → status and message.

import type { Pod } from "../../src/api/core.ts";
import { annotations } from "../../src/api/names.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { formatTimestamp } from "../../src/platform/clock.ts";
import type { RestoredVolume } from "../data-path/restore-volume.ts";
import { describeFailure, failureState, warningList } from "../volume-work/end-state.ts";
import type { EndState } from "../volume-work/volume-work.ts";
import { restoreWaitState } from "./restore-wait.ts";

/** Undefined numbers: the data were restored by an earlier process, which did not get to say so. */
export function completedRestore(result: RestoredVolume | undefined, nodeName: string, nowMs: number): EndState {
  const message = result === undefined ? "" : messageOfResult(result);
  return {
    status: {
      phase: "Completed",
      completionTimestamp: formatTimestamp(nowMs),
      node: nodeName,
      ...(result === undefined ? {} : { progress: { totalBytes: result.totalBytes, bytesDone: result.totalBytes } }),
      ...(message === "" ? {} : { message }),
    },
    annotations:
      result === undefined || result.warningCount === 0 ? {} : { [annotations.warnings]: warningList(result.warnings) },
    reason: "",
  };
}

export function failedRestore(error: unknown, nowMs: number): EndState {
  const { message, reason } = describeFailure(error, "restore");
  return failureState(message, reason, nowMs);
}

/**
 * Why it can never be carried out; undefined when it can, perhaps later.
 * @param pod undefined: not on this node, or not known yet.
 * @param isPodGone the pod was on this node and was deleted.
 */
export function restoreRefusal(
  restore: PodVolumeRestore,
  pod: Pod | undefined,
  isPodGone: boolean,
): { readonly message: string; readonly reason: string } | undefined {
  const { uploaderType = "", cancel, pod: reference } = restore.spec;
  const name = `${reference.namespace ?? ""}/${reference.name ?? ""}`;
  if (isPodGone) return { message: `pod ${name} was deleted before this volume was restored`, reason: "pod-missing" };
  if (pod === undefined) return undefined;
  if (cancel === true) return { message: "canceled before it was begun", reason: "cancelled" };
  if (restoreWaitState(pod) === "succeeded") {
    const message = `restore-wait of pod ${name} has ended already; data can be restored only while it runs`;
    return { message, reason: "restore-wait-ended" };
  }
  if (uploaderType === "" || uploaderType === "restic") return undefined;
  const message = `uploader type ${uploaderType} is not supported: this agent restores from restic repositories only`;
  return { message, reason: "uploader-unsupported" };
}

function messageOfResult(result: RestoredVolume): string {
  const parts: string[] = [];
  if (result.skippedDevices > 0) {
    parts.push(`${result.skippedDevices} device nodes were left out (--restore-devices creates them)`);
  }
  const others = result.warnings.filter((warning) => warning.kind !== "device");
  const [first] = others;
  if (first !== undefined) parts.push(`${others.length} warnings; the first: ${first.path}: ${first.message}`);
  return parts.join("; ");
}
