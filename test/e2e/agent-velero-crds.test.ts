// The agent on the CRDs of three Velero versions instead of ours: what they prune goes into annotations, what they refuse
// is never written. The YAML files come out of Velero's Go module.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startClusterRig } from "../support/cluster-rig.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { goModuleDir } from "../support/peers.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };

for (const { version, hasIncrementalBytes, hasNode } of [
  { version: "v1.14.0", hasIncrementalBytes: false, hasNode: false },
  { version: "v1.16.2", hasIncrementalBytes: false, hasNode: false },
  { version: "v1.18.3", hasIncrementalBytes: true, hasNode: true },
]) {
  test(`backup, restore and a failure work with the CRDs of Velero ${version}`, async (t) => {
    const module = goModuleDir("github.com/vmware-tanzu/velero", version);
    const rig = await startClusterRig({ crds: join(module, "config", "crd", "v1", "bases") });
    t.after(() => rig.stop());
    await rig.initRepository("app");
    const agent = await rig.startAgent({ node });

    const origin = await rig.makePod({ name: "origin", node, volumes: [data] });
    const source = rig.volumePath(origin, "data");
    writeFileSync(join(source, "file"), "kept".repeat(1000));
    const backup = await rig.backupEnd(await rig.makeBackup(origin, "data"));
    assert.equal(backup.status?.phase, "Completed", backup.status?.message);
    const { annotations = {} } = backup.metadata;
    assert.equal("incrementalBytes" in (backup.status ?? {}), hasIncrementalBytes);
    const kept = annotations["stowage.dev/incremental-bytes"];
    assert.ok(hasIncrementalBytes ? kept === undefined : Number(kept) >= 4000, kept);

    const pod = await rig.makePod({ name: "target", node, volumes: [data], isWaiting: true });
    const target = rig.volumePath(pod, "data");
    const snapshotID = backup.status?.snapshotID ?? "";
    const restore = await rig.restoreEnd(await rig.makeRestore(pod, "data", { snapshotID }, randomUUID()));
    assert.equal(restore.status?.phase, "Completed", restore.status?.message);
    assert.equal(restore.status?.node, hasNode ? node : undefined);
    assert.equal(restore.metadata.annotations?.["stowage.dev/node"], hasNode ? undefined : node);
    assert.deepEqual(compareTrees(source, target, { root: false, ignore: (path) => path === ".velero" }), []);

    const failing = await rig.backupEnd(await rig.makeBackup(origin, "no-such-volume"));
    assert.equal(failing.status?.phase, "Failed");
    assert.doesNotMatch(agent.output(), /refused|invalid/i);
  });
}
