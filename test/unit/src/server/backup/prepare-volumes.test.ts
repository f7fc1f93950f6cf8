import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podVolumeBackups } from "../../../../../src/api/resources.ts";
import { BackupRig } from "../../../../support/backup-rig.ts";

function rigWithPods(...names: string[]): BackupRig {
  const rig = new BackupRig();
  for (const name of names) rig.putPod(name, "web");
  rig.putBackup({}, { spec: { includedNamespaces: names } });
  return rig;
}

describe("prepareVolumes", () => {
  it("does not wait for one repository to back up what another is ready for", async () => {
    const rig = rigWithPods("ready", "slow");
    rig.repositories.set("slow", "wait");
    assert.deepEqual(await rig.settle(), { requeueAfterMs: 2000 });
    assert.deepEqual(
      rig.volumes.map(({ spec }) => spec.pod.namespace),
      ["ready"],
    );
    assert.equal(rig.backup.status?.progress, undefined, "not all is chosen yet");
    rig.repositories.delete("slow");
    await rig.settle();
    assert.deepEqual(rig.backup.status?.progress, { totalItems: 2, itemsBackedUp: 0 });
  });

  it("stops waiting for a repository when the Backup's time is over", async () => {
    const rig = rigWithPods("slow");
    rig.repositories.set("slow", "wait");
    await rig.settle();
    await rig.clock.advance(3_600_000);
    await rig.settle();
    assert.equal(rig.backup.status?.phase, "PartiallyFailed");
    assert.match(
      rig.backup.status?.failureReason ?? "",
      /pod slow\/web: its repository was not ready in time; its volumes data/,
    );
  });

  it("reports one error for a pod whose repository cannot be used", async () => {
    const rig = rigWithPods("good", "locked");
    rig.repositories.set("locked", { error: "wrong password" });
    await rig.settle();
    assert.equal(rig.volumes.length, 1);
    assert.equal(rig.backup.status?.errors, 1);
    rig.patchVolumes({ status: { phase: "Completed" } });
    await rig.settle();
    assert.equal(rig.backup.status?.failureReason, "pod locked/web: wrong password; its volumes data are skipped");
  });

  it("counts what an earlier try has made, and makes nothing twice", async () => {
    const rig = rigWithPods("one", "two");
    rig.repositories.set("two", "wait");
    await rig.settle();
    const [made] = rig.volumes;
    // The pod is gone meanwhile; its volume still belongs to the Backup.
    rig.table.put(podVolumeBackups, { ...made, metadata: { ...made?.metadata, name: "b-earlier" } });
    rig.repositories.delete("two");
    await rig.settle();
    assert.equal(rig.volumes.length, 3);
    assert.equal(rig.backup.status?.progress?.totalItems, 3);
    assert.equal(rig.table.writes.filter((write) => write.startsWith("create")).length, 2);
  });
});
