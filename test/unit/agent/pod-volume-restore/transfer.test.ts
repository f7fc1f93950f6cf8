import assert from "node:assert/strict";
import { test } from "node:test";
import { ClaimLost } from "../../../../agent/data-path/data-path-manager.ts";
import { noteDataRestored, restoreUidOf } from "../../../../agent/pod-volume-restore/transfer.ts";
import type { OwnerReference } from "../../../../src/api/kube-object.ts";
import { annotations } from "../../../../src/api/names.ts";
import type { PodVolumeRestore } from "../../../../src/api/pod-volume-restore.ts";
import { KubeError, type KubeErrorCode } from "../../../../src/kube/kube-errors.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const owner = (uid: string, controller?: boolean): OwnerReference => ({
  ...{ apiVersion: "velero.io/v1", kind: "Restore", name: "r", uid },
  ...(controller === undefined ? {} : { controller }),
});

function restoreOf(ownerReferences?: readonly OwnerReference[]): PodVolumeRestore {
  const metadata = { name: "r-1", ...(ownerReferences === undefined ? {} : { ownerReferences }) };
  return { metadata, spec: {} } as PodVolumeRestore;
}

test("the done file is named by the Restore that controls the object, wherever that stands among the owners", () => {
  assert.equal(restoreUidOf(restoreOf([owner("other"), owner("wanted", true)])), "wanted");
});

test("an object that no Restore controls cannot be told done: the helper would wait for a name that nobody knows", () => {
  for (const owners of [undefined, [], [owner("other"), owner("another", false)]]) {
    assert.throws(() => restoreUidOf(restoreOf(owners)), /no controlling owner/);
  }
});

/** An API server that answers one write after the other with these failures, and then does what it is asked. */
function noteAgainst(failures: readonly KubeErrorCode[], claimedBy = "node/agent") {
  const waiting = [...failures];
  const patches: unknown[] = [];
  const mergePatch = async (_resource: unknown, metadata: object, patch: { metadata: object }) => {
    const failure = waiting.shift();
    if (failure !== undefined) throw new KubeError(failure, "not now");
    patches.push(patch);
    return { metadata: { ...metadata, annotations: { [annotations.claimedBy]: claimedBy } } };
  };
  const clock = new FakeClock();
  const context = {
    ...{ agentId: "node/agent", clock, client: { mergePatch } },
    config: { resourceTimeoutMs: 60_000 },
  } as unknown as Parameters<typeof noteDataRestored>[0];
  const noted = noteDataRestored(context, restoreOf(), new AbortController().signal);
  return { patches, noted: Promise.all([noted, clock.advance(120_000)]) };
}

test("restored data are noted by an API server that was away and, just back, knows no rules yet", async () => {
  const { patches, noted } = noteAgainst(["unavailable", "unavailable", "forbidden", "forbidden"]);
  await noted;
  assert.deepEqual(patches, [{ metadata: { annotations: { [annotations.dataRestored]: "true" } } }]);
});

test("what does not pass ends the restore: for ever forbidden, gone, taken over by another agent", async () => {
  await assert.rejects(noteAgainst(Array.from({ length: 1000 }, () => "forbidden" as const)).noted, {
    code: "forbidden",
  });
  await assert.rejects(noteAgainst(["not-found"]).noted, { code: "not-found" });
  await assert.rejects(noteAgainst([], "node/another").noted, ClaimLost);
});
