import assert from "node:assert/strict";
import { test } from "node:test";
import { restoreUidOf } from "../../../../agent/pod-volume-restore/transfer.ts";
import type { OwnerReference } from "../../../../src/api/kube-object.ts";
import type { PodVolumeRestore } from "../../../../src/api/pod-volume-restore.ts";

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
