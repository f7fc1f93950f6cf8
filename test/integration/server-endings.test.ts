// How Backups end when something gets in the way: time runs out, resources are deleted, two servers run, another one had
// begun. The test plays the agents.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";
import { StoredBackup } from "../support/stored-backup.ts";

let rig: ServerRig;
let server: RunningProcess;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("main", { default: true });
  await rig.makeAgentPod("node-1");
  for (const name of ["a", "b", "c"]) await rig.makePod({ namespace: "app", name });
  server = await rig.startServer("--default-volumes-to-fs");
});

after(() => rig.stop());

const inApp = { includedNamespaces: ["app"] };

async function begin(name: string, annotations: Record<string, string> = {}): Promise<readonly PodVolumeBackup[]> {
  await rig.makeBackup(name, { spec: inApp, annotations });
  await rig.backupPlanned(name);
  return await rig.volumeBackups(name);
}

const stored = (name: string): StoredBackup => new StoredBackup(join(rig.folder, "main", "bucket"), name);

const nameOf = (one: PodVolumeBackup | undefined): string => one?.metadata.name ?? "";

describe("a Backup whose time is over", () => {
  it("keeps what is done, stops the rest and says so", async () => {
    const [done, running, waiting] = await begin("late", { "velero.io/pod-volume-timeout": "8s" });
    await rig.patch("podvolumebackups", nameOf(done), { status: { phase: "Completed", snapshotID: "01234567" } });
    const claimed = {
      metadata: { annotations: { "stowage.dev/claimed-by": "node-1/x" } },
      status: { phase: "InProgress" },
    };
    await rig.patch("podvolumebackups", nameOf(running), claimed);
    const asked = await rig.when<PodVolumeBackup>(
      "podvolumebackups",
      nameOf(running),
      ({ spec }) => spec.cancel === true,
    );
    assert.equal(asked.status?.phase, "InProgress", "its agent ends it");
    const ended = await rig.when<PodVolumeBackup>(
      "podvolumebackups",
      nameOf(waiting),
      ({ status }) => status?.phase === "Failed",
    );
    assert.match(
      ended.status?.message ?? "",
      /not finished within 8s.*--fs-backup-timeout.*velero.io\/pod-volume-timeout/,
    );
    assert.equal((await rig.get<Backup>("backups", "late")).status?.phase, "InProgress");
    await rig.patch("podvolumebackups", nameOf(running), { status: { phase: "Failed", message: "canceled" } });
    const { status } = await rig.backupEnd("late");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 2]);
    assert.match(status?.failureReason ?? "", /not finished within 8s/);
    assert.match(status?.failureReason ?? "", /\(canceled\)/);
  });
});

describe("a Backup whose resources are deleted", () => {
  it("counts a deleted PodVolumeBackup as an error", async () => {
    const [gone] = await begin("robbed");
    await rig.delete("podvolumebackups", nameOf(gone));
    await rig.settle("robbed");
    const { status } = await rig.backupEnd("robbed");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    assert.match(status?.failureReason ?? "", /volume data of pod app\/[abc]: its PodVolumeBackup was deleted/);
  });

  it("ends when all of them are gone", async () => {
    for (const one of await begin("emptied")) await rig.delete("podvolumebackups", nameOf(one));
    const { status } = await rig.backupEnd("emptied");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 3]);
  });

  it("may be deleted itself while it runs, and a new one of its name starts afresh", async () => {
    const before = await begin("again");
    await rig.delete("backups", "again");
    for (const one of before) await rig.patch("podvolumebackups", nameOf(one), { status: { phase: "Completed" } });
    await rig.makeBackup("again", { spec: inApp });
    await rig.backupPlanned("again");
    const after = await rig.volumeBackups("again");
    assert.equal(after.length, 6);
    assert.equal(new Set(after.map(nameOf)).size, 6, "other Backups have other names");
    await rig.settle("again");
    assert.equal((await rig.backupEnd("again")).status?.phase, "Completed");
    assert.equal(stored("again").volumeBackups.length, 3);
  });

  it("leaves no error behind in the log of the server", async () => {
    assert.doesNotMatch(server.output(), /giving up/);
  });
});

describe("a Backup that has ended", () => {
  it("is never touched again, whatever happens to it or to its volumes", async () => {
    const made = await begin("finished");
    await rig.settle("finished");
    await rig.backupEnd("finished");
    await rig.patch("backups", "finished", { metadata: { labels: { touched: "yes" } } });
    const { metadata } = await rig.get<Backup>("backups", "finished");
    await rig.patch("podvolumebackups", nameOf(made[0]), { status: { phase: "Failed" } });
    await rig.delete("podvolumebackups", nameOf(made[1]));
    const restarted = await rig.startServer("--default-volumes-to-fs");
    // Whatever it wanted to do to old Backups it has done once it has carried out a new one.
    await begin("later");
    await rig.settle("later");
    await rig.backupEnd("later");
    await restarted.stop();
    assert.equal((await rig.get<Backup>("backups", "finished")).metadata.resourceVersion, metadata.resourceVersion);
  });

  it("is left alone in the phases that only another server knows", async () => {
    for (const phase of ["Finalizing", "WaitingForPluginOperations", "Deleting"]) {
      const name = `foreign-${phase.toLowerCase()}`;
      await rig.makeBackup(name, { spec: inApp, status: { phase } });
    }
    await begin("meanwhile");
    await rig.settle("meanwhile");
    await rig.backupEnd("meanwhile");
    for (const phase of ["Finalizing", "WaitingForPluginOperations", "Deleting"]) {
      const { status, metadata } = await rig.get<Backup>("backups", `foreign-${phase.toLowerCase()}`);
      assert.deepEqual([status, metadata.annotations], [{ phase }, undefined]);
    }
  });
});

describe("a Backup that another server had begun", () => {
  it("is taken over with the volumes that are there", async () => {
    const startTimestamp = new Date(Date.now() - 1000).toISOString();
    await rig.makeBackup("inherited", {
      spec: { ...inApp, storageLocation: "main", defaultVolumesToFsBackup: true },
      status: { phase: "InProgress", startTimestamp },
    });
    await rig.backupPlanned("inherited");
    assert.deepEqual(await rig.volumesOf("inherited"), ["a/data", "b/data", "c/data"]);
    await rig.settle("inherited");
    assert.equal((await rig.backupEnd("inherited")).status?.phase, "Completed");
  });

  it("fails when it asks for what this server cannot do, or its location is gone", async () => {
    const status = { phase: "InProgress", startTimestamp: "2026-01-01T00:00:00Z" };
    const spec = { ...inApp, storageLocation: "main" };
    await rig.makeBackup("selective", { spec: { ...spec, snapshotMoveData: true }, status });
    await rig.makeBackup("homeless", { spec: { ...spec, storageLocation: "gone" }, status });
    const [selective, homeless] = [await rig.backupEnd("selective"), await rig.backupEnd("homeless")];
    assert.equal(selective.status?.phase, "Failed");
    assert.match(selective.status?.failureReason ?? "", /spec\.snapshotMoveData is not supported/);
    assert.match(homeless.status?.failureReason ?? "", /BackupStorageLocation gone does not exist any more/);
    await eventually("an event tells", async () => (await rig.eventsOf("selective")).join().includes("BackupFailed"));
  });
});

describe("two servers by mistake", () => {
  it("make each volume once and end each Backup once", async () => {
    const second = await rig.startServer("--default-volumes-to-fs");
    const names = Array.from({ length: 6 }, (_, index) => `twice-${index}`);
    await Promise.all(names.map((name) => rig.makeBackup(name, { spec: inApp })));
    for (const name of names) {
      await rig.backupPlanned(name);
      assert.deepEqual(await rig.volumesOf(name), ["a/data", "b/data", "c/data"], name);
      await rig.settle(name);
    }
    for (const name of names) {
      const { status } = await rig.backupEnd(name);
      assert.deepEqual([status?.phase, stored(name).volumeBackups.length], ["Completed", 3], name);
    }
    const endedBy = (one: RunningProcess): number =>
      (one.output().match(/msg="a backup ended" backup=twice-/g) ?? []).length;
    // The word of it comes through a pipe, after the resource was written.
    await eventually("each end is told", async () => endedBy(server) + endedBy(second) >= names.length);
    await second.stop();
    assert.equal(endedBy(server) + endedBy(second), names.length);
  });
});
