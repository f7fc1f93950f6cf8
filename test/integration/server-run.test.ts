// Backups from their start to their end on the real control plane: what they leave in the bucket, what hooks see, and that
// nothing is left half done whatever happens on the way. The test plays the agents and the containers' commands.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { type PlayedCommand, type PlayedKubelet, playKubelet } from "../support/played-kubelet.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";
import { StoredBackup } from "../support/stored-backup.ts";

let rig: ServerRig;
let kubelet: PlayedKubelet;
let server: RunningProcess;
let play: (command: PlayedCommand) => number | Promise<number> = () => 0;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("default", { default: true });
  await rig.makeAgentPod("node-1");
  kubelet = await playKubelet(rig.controlPlane, "node-1", { run: (command) => play(command) });
  server = await rig.startServer();
});

after(async () => {
  await kubelet?.stop();
  await rig?.stop();
});

const bucket = (): string => join(rig.folder, "default", "bucket");
const stored = (name: string): StoredBackup => new StoredBackup(bucket(), name);
const optIn = { "backup.velero.io/backup-volumes": "data" };
const hooks = {
  "pre.hook.backup.velero.io/command": "freeze",
  "post.hook.backup.velero.io/command": "thaw",
};

/** What ran in the containers of a namespace's pods, as "pod word". */
function commandsIn(namespace: string): string[] {
  const own = kubelet.commands.filter((line) => line.startsWith(`${namespace}/`));
  return own.map((line) => line.replace(/^[^/]*\/([^/]*)\/[^:]*: /, "$1 "));
}

describe("a Backup that has ended", { timeout: 100_000 }, () => {
  it("has left every file of Velero's layout, the metadata with its final status among them", async () => {
    await rig.makeClaim({ namespace: "shop", name: "claim" });
    await rig.makeClaim({ namespace: "shop", name: "unused" });
    const volumes = [
      { name: "data", persistentVolumeClaim: { claimName: "claim" } },
      { name: "cache", emptyDir: {} },
    ];
    await rig.makePod({ namespace: "shop", name: "web", annotations: optIn, volumes });
    await rig.makeBackup("whole", { spec: { includedNamespaces: ["shop"] } });
    await rig.backupPlanned("whole");
    const startTimestamp = "2026-01-02T03:04:05Z";
    const status = {
      phase: "Completed",
      ...{ snapshotID: "01234567", startTimestamp, completionTimestamp: "2026-01-02T03:05:05Z" },
      progress: { totalBytes: 12, bytesDone: 12 },
    } as const;
    assert.deepEqual(stored("whole").files, [], "nothing before its volumes have ended");
    await rig.settle("whole", status);
    const backup = await rig.backupEnd("whole");
    const suffixes = [
      ...["-csi-volumesnapshotclasses.json.gz", "-csi-volumesnapshotcontents.json.gz", "-csi-volumesnapshots.json.gz"],
      ...["-itemoperations.json.gz", "-logs.gz", "-podvolumebackups.json.gz", "-resource-list.json.gz", "-results.gz"],
      ...["-volumeinfo.json.gz", "-volumesnapshots.json.gz", ".tar.gz"],
    ];
    const found = stored("whole");
    assert.deepEqual(found.files, ["velero-backup.json", ...suffixes.map((suffix) => `whole${suffix}`)]);
    assert.equal(found.metadata.kind, "Backup");
    assert.equal(found.metadata.metadata.uid, backup.metadata.uid);
    assert.deepEqual(found.metadata.status, backup.status);
    assert.deepEqual(found.metadata.metadata.annotations, backup.metadata.annotations);
    assert.equal("managedFields" in found.metadata.metadata, false);
    assert.ok(found.resourceList["v1/Pod"]?.includes("shop/web"));
    assert.deepEqual(found.results, { warnings: {}, errors: {} });
    assert.match(found.log, /msg="volume data of pod shop\/web is backed up" .*snapshot=01234567/);
    const [volume] = found.volumeBackups;
    assert.deepEqual([volume?.kind, volume?.status], ["PodVolumeBackup", status]);
  });

  it("says of every volume it met what became of it", () => {
    const facts = { snapshotDataMoved: false, preserveLocalSnapshot: false };
    const pvInfo = { reclaimPolicy: "Retain", labels: {} };
    const [taken, ...skipped] = stored("whole").volumeInfo;
    assert.deepEqual(taken, {
      ...{ pvcName: "claim", pvcNamespace: "shop", pvName: "pv-shop-claim", pvInfo },
      ...{ backupMethod: "PodVolumeBackup", ...facts, skipped: false, result: "succeeded" },
      ...{ startTimestamp: "2026-01-02T03:04:05Z", completionTimestamp: "2026-01-02T03:05:05Z" },
      pvbInfo: {
        ...{ snapshotHandle: "01234567", size: 12, uploaderType: "restic", volumeName: "data" },
        ...{ podName: "web", podNamespace: "shop", nodeName: "node-1", Phase: "Completed" },
      },
    });
    assert.deepEqual(
      skipped.map(({ pvcName, pvbInfo, skippedReason, ...rest }) => [pvcName ?? pvbInfo?.volumeName, rest.skipped]),
      [
        ["cache", true],
        ["unused", true],
      ],
    );
    assert.match(skipped[0]?.skippedReason ?? "", /does not list it/);
    assert.match(skipped[1]?.skippedReason ?? "", /no pod of the Backup uses its claim/);
  });

  it("keeps its name in the location: a new one is Failed, and nothing there is touched", async () => {
    await rig.delete("backups", "whole");
    await rig.makeBackup("whole", { spec: { includedNamespaces: ["shop"] } });
    const { status } = await rig.backupEnd("whole");
    assert.equal(status?.phase, "Failed");
    assert.match(status?.failureReason ?? "", /already stored in BackupStorageLocation default/);
    assert.equal(stored("whole").metadata.status?.phase, "Completed");
    assert.deepEqual((await rig.volumeBackups("whole")).length, 1, "no volume was begun");
  });

  it("keeps what was finished in time, where something was not", async () => {
    for (const name of ["quick", "slow"]) await rig.makePod({ namespace: "late", name, annotations: optIn });
    const annotations = { "velero.io/pod-volume-timeout": "8s" };
    await rig.makeBackup("late", { spec: { includedNamespaces: ["late"] }, annotations });
    await rig.backupPlanned("late");
    const quick = (await rig.volumeBackups("late")).find(({ spec }) => spec.pod.name === "quick");
    const done = { phase: "Completed", snapshotID: "01234567" };
    await rig.patch("podvolumebackups", quick?.metadata.name ?? "", { status: done });
    assert.equal((await rig.backupEnd("late")).status?.phase, "PartiallyFailed");
    const states = stored("late").volumeBackups.map(({ spec, status }) => [spec.pod.name, status?.phase]);
    assert.deepEqual(states.sort(), [
      ["quick", "Completed"],
      ["slow", "Failed"],
    ]);
    assert.deepEqual(
      stored("late")
        .volumeInfo.map(({ pvbInfo, result }) => [pvbInfo?.podName, result])
        .sort(),
      [
        ["quick", "succeeded"],
        ["slow", "failed"],
      ],
    );
  });
});

describe("a Backup with hooks", { timeout: 100_000 }, () => {
  it("copies volumes between pre and post hook, while pods without hooks go on", async () => {
    for (const name of ["a-hooked", "b-hooked"])
      await rig.makePod({ namespace: "hooks", name, annotations: { ...optIn, ...hooks } });
    await rig.makePod({ namespace: "hooks", name: "c-plain", annotations: optIn });
    await rig.makeBackup("hooked", { spec: { includedNamespaces: ["hooks"] } });
    await eventually("the first hooked and the plain pod's volumes are made", async () => {
      return (await rig.volumesOf("hooked")).length === 2;
    });
    assert.deepEqual(await rig.volumesOf("hooked"), ["a-hooked/data", "c-plain/data"]);
    assert.deepEqual(commandsIn("hooks"), ["a-hooked freeze"]);
    await rig.settle("hooked");
    await eventually("the second one's turn has come", async () => (await rig.volumesOf("hooked")).length === 3);
    assert.deepEqual(commandsIn("hooks"), ["a-hooked freeze", "a-hooked thaw", "b-hooked freeze"]);
    await rig.settle("hooked");
    const { status, metadata } = await rig.backupEnd("hooked");
    assert.deepEqual([status?.phase, status?.hookStatus], ["Completed", { hooksAttempted: 4, hooksFailed: 0 }]);
    assert.equal(commandsIn("hooks").at(-1), "b-hooked thaw");
    assert.equal(metadata.annotations?.["stowage.dev/open-hooks"], undefined);
  });

  it("leaves a pod out whose pre hook fails, and says so", async () => {
    await rig.makePod({ namespace: "refusing", name: "web", annotations: { ...optIn, ...hooks } });
    play = ({ command, stderr }) => {
      if (command[0] === "freeze") stderr("the disk is busy");
      return command[0] === "freeze" ? 3 : 0;
    };
    await rig.makeBackup("refusing", { spec: { includedNamespaces: ["refusing"] } });
    const { status } = await rig.backupEnd("refusing");
    play = () => 0;
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    assert.deepEqual(status?.hookStatus, { hooksAttempted: 1, hooksFailed: 1 });
    assert.match(status?.failureReason ?? "", /pre hook .* pod refusing\/web failed: exit code 3: the disk is busy/);
    assert.deepEqual(await rig.volumesOf("refusing"), []);
    assert.equal(stored("refusing").resourceList["v1/Pod"], undefined);
    assert.match(stored("refusing").volumeInfo[0]?.skippedReason ?? "", /a pre hook of its pod failed/);
  });

  it("runs the post hook, and only that, when the server comes back while volumes are copied", async () => {
    await rig.makePod({ namespace: "interrupted", name: "web", annotations: { ...optIn, ...hooks } });
    await rig.makeBackup("interrupted", { spec: { includedNamespaces: ["interrupted"] } });
    await eventually("its volume is made", async () => (await rig.volumesOf("interrupted")).length === 1);
    server.signal("SIGKILL");
    await server.ended;
    server = await rig.startServer();
    const isBegunAgain = ({ metadata }: Backup): boolean => metadata.annotations?.["stowage.dev/attempts"] === "2";
    await rig.when<Backup>("backups", "interrupted", isBegunAgain);
    assert.deepEqual(commandsIn("interrupted"), ["web freeze"]);
    await rig.settle("interrupted");
    assert.equal((await rig.backupEnd("interrupted")).status?.phase, "Completed");
    assert.deepEqual(commandsIn("interrupted"), ["web freeze", "web thaw"]);
    assert.deepEqual(stored("interrupted").resourceList["v1/Pod"], ["interrupted/web"]);
  });

  it("undoes a pre hook that was cut short before it begins anew", async () => {
    await rig.makePod({ namespace: "cut", name: "web", annotations: { ...optIn, ...hooks } });
    const begun = Promise.withResolvers<void>();
    play = async ({ gone }) => {
      begun.resolve();
      await new Promise((resolve) => gone.addEventListener("abort", resolve, { once: true }));
      return 0;
    };
    await rig.makeBackup("cut", { spec: { includedNamespaces: ["cut"] } });
    await begun.promise;
    server.signal("SIGKILL");
    await server.ended;
    play = () => 0;
    server = await rig.startServer();
    await eventually("its volume is made", async () => (await rig.volumesOf("cut")).length === 1);
    await rig.settle("cut");
    assert.equal((await rig.backupEnd("cut")).status?.phase, "Completed");
    assert.deepEqual(commandsIn("cut"), ["web freeze", "web thaw", "web freeze", "web thaw"]);
  });
});

describe("a Backup that is deleted while it runs", { timeout: 100_000 }, () => {
  it("stops its volumes, runs the post hooks that are due, and leaves nothing in the bucket", async () => {
    await rig.makePod({ namespace: "unwanted", name: "web", annotations: { ...optIn, ...hooks } });
    await rig.makeBackup("unwanted", { spec: { includedNamespaces: ["unwanted"] } });
    await eventually("its volume is made", async () => (await rig.volumesOf("unwanted")).length === 1);
    const [volume] = await rig.volumeBackups("unwanted");
    await rig.delete("backups", "unwanted");
    const isFailed = ({ status }: PodVolumeBackup): boolean => status?.phase === "Failed";
    const ended = await rig.when<PodVolumeBackup>("podvolumebackups", volume?.metadata.name ?? "", isFailed);
    assert.equal(ended.status?.message, "its Backup was deleted");
    await eventually("the post hook ran", () => commandsIn("unwanted").includes("web thaw"));
    assert.deepEqual(stored("unwanted").files, []);
  });
});

describe("a Backup whose end is stored, but not written on it", { timeout: 100_000 }, () => {
  it("gets that end after a restart, and is not carried out again", async () => {
    await server.stop();
    const startTimestamp = "2026-01-02T03:04:05Z";
    const made = await rig.makeBackup("adopted", {
      spec: { includedNamespaces: ["shop"], storageLocation: "default" },
      annotations: { "stowage.dev/claimed-by": "dead/1" },
      status: { phase: "Finalizing", startTimestamp },
    });
    const end = {
      phase: "PartiallyFailed",
      errors: 2,
      warnings: 1,
      startTimestamp,
      completionTimestamp: startTimestamp,
    };
    const folder = stored("adopted").folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "velero-backup.json"), JSON.stringify({ ...made, kind: "Backup", status: end }));
    server = await rig.startServer();
    const { status } = await rig.backupEnd("adopted");
    assert.deepEqual(
      [status?.phase, status?.errors, status?.warnings, status?.completionTimestamp],
      ["PartiallyFailed", 2, 1, startTimestamp],
    );
    assert.deepEqual(stored("adopted").files, ["velero-backup.json"]);
  });
});
