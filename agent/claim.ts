// Who works on a PodVolumeBackup or PodVolumeRestore. The claim is a merge patch with the resourceVersion that was seen,
// so of two agents only one succeeds; it also counts the attempts.

import type { KubeObject } from "../src/api/kube-object.ts";
import { annotations } from "../src/api/names.ts";
import type { MergePatch } from "../src/kube/typed-client.ts";
import { formatTimestamp } from "../src/platform/clock.ts";

/** After so many beginnings without an end something about the volume kills the agent. */
export const maxAttempts = 3;

export function attemptsOf(object: KubeObject): number {
  const count = Number(object.metadata.annotations?.[annotations.attempts]);
  return Number.isInteger(count) && count > 0 ? count : 0;
}

export function isClaimedBy(object: KubeObject, agentId: string): boolean {
  return object.metadata.annotations?.[annotations.claimedBy] === agentId;
}

/** Some process of this node has begun it. */
export function wasClaimedOn(object: KubeObject, nodeName: string): boolean {
  return object.metadata.annotations?.[annotations.claimedBy]?.startsWith(`${nodeName}/`) === true;
}

/** InProgress, ours, begun now. Fails with "conflict" when the object has changed since it was read. */
export function claimPatch(object: KubeObject, agentId: string, nowMs: number): MergePatch {
  return {
    metadata: {
      resourceVersion: object.metadata.resourceVersion,
      annotations: {
        [annotations.claimedBy]: agentId,
        [annotations.attempts]: String(attemptsOf(object) + 1),
      },
    },
    status: { phase: "InProgress", startTimestamp: formatTimestamp(nowMs), message: null },
  };
}

/** Back to New, so that it is started over by this process or the next one of this node. */
export function releasePatch(object: KubeObject, message: string, countsAsAttempt: boolean): MergePatch {
  const attempts = attemptsOf(object);
  return {
    metadata: {
      resourceVersion: object.metadata.resourceVersion,
      annotations: {
        [annotations.claimedBy]: null,
        [annotations.attempts]: String(countsAsAttempt ? attempts : Math.max(0, attempts - 1)),
      },
    },
    status: { phase: "New", startTimestamp: null, message },
  };
}
