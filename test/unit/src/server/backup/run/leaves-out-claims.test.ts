import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupSpec } from "../../../../../../src/api/backup.ts";
import { leavesOutClaims } from "../../../../../../src/server/backup/run/leaves-out-claims.ts";
import { fakeDiscovery } from "../../../../../support/fake-discovery.ts";

const discovery = await fakeDiscovery([
  "v1 pods Pod",
  "v1 persistentvolumeclaims PersistentVolumeClaim",
  "v1 persistentvolumes PersistentVolume cluster",
  "v1 nodes Node cluster",
]);

const leavesOut = (spec: BackupSpec): boolean => leavesOutClaims(spec, discovery);

describe("leavesOutClaims", () => {
  it("is false where nothing is said, or everything is asked for", () => {
    for (const spec of [{}, { includedResources: ["*"] }, { includedNamespaceScopedResources: null }])
      assert.equal(leavesOut(spec), false);
  });

  it("knows claims by all their names", () => {
    for (const name of ["pvc", "persistentvolumeclaims"]) {
      assert.equal(leavesOut({ includedResources: ["pods", name] }), false);
      assert.equal(leavesOut({ excludedResources: [name] }), true);
      assert.equal(leavesOut({ excludedNamespaceScopedResources: [name] }), true);
    }
  });

  it("knows patterns", () => {
    assert.equal(leavesOut({ excludedResources: ["persistent*"] }), true);
    assert.equal(leavesOut({ includedResources: ["persistent*"] }), false);
  });

  it("is true where only other things are asked for, or nothing of a namespace", () => {
    assert.equal(leavesOut({ includedResources: ["pods"] }), true);
    assert.equal(leavesOut({ includedNamespaceScopedResources: ["pods"] }), true);
    assert.equal(leavesOut({ excludedNamespaceScopedResources: ["*"] }), true);
    assert.equal(leavesOut({ includedClusterScopedResources: ["nodes"] }), false);
  });
});
