import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import { emptyClaims } from "../../../../../../src/server/restore/volumes/empty-claims.ts";

const reprovisioned = [
  { claim: { namespace: "new", name: "shared" }, sourceNamespace: "old", persistentVolume: "pv-1" },
  { claim: { namespace: "new", name: "never-backed-up" }, sourceNamespace: "old", persistentVolume: "pv-2" },
];

function backupThrough(pod: string, claim = "shared", snapshotID = "0123"): PodVolumeBackup {
  return {
    metadata: { name: `${pod}-${claim}`, annotations: { "velero.io/pvc-name": claim } },
    spec: {
      node: "n",
      pod: { namespace: "old", name: pod },
      volume: "v",
      backupStorageLocation: "",
      repoIdentifier: "",
    },
    status: { phase: "Completed", snapshotID },
  };
}

const pod = (name: string, namespace = "old"): Pod => ({ metadata: { name, namespace } });

describe("emptyClaims()", () => {
  it("names claims whose data came through pods that are not restored", () => {
    const found = emptyClaims(reprovisioned, [backupThrough("a")], [pod("b"), pod("a", "other")]);
    assert.deepEqual(found, [
      {
        namespace: "new",
        warning:
          "claim new/shared comes back without its data: they were backed up through pod old/a, which is not restored",
      },
    ]);
  });

  it("says nothing when one of the pods is restored, or nothing was stored", () => {
    assert.deepEqual(emptyClaims(reprovisioned, [backupThrough("a"), backupThrough("b")], [pod("b")]), []);
    assert.deepEqual(emptyClaims(reprovisioned, [backupThrough("a", "shared", "")], []), []);
    assert.deepEqual(emptyClaims([], [backupThrough("a")], []), []);
  });
});
