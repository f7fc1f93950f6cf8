// How Restores end when something goes wrong on the real control plane: agents that fail or are away, pods that are replaced
// or never start, time that is over, a server that is killed, a Restore that is deleted.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../src/api/core.ts";
import { isBackupEnded } from "../../src/api/phases.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import type { Restore } from "../../src/api/restore.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { RestoreRig, type RestoreWish, savedPod } from "../support/restore-rig.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let restores: RestoreRig;
let server: RunningProcess;

const flags = ["--resource-timeout", "3s", "--scratch-dir"];
const startServer = (): Promise<RunningProcess> => rig.startServer(...flags, join(rig.folder, "scratch"));

before(async () => {
  rig = await startServerRig();
  restores = new RestoreRig(rig);
  await rig.makeLocation("default", { default: true });
  await rig.makeAgentPod("node-1");
  server = await startServer();
});

after(() => rig.stop());

/** A Backup of one pod "web" with one volume, in a namespace of its name, and a Restore that has asked for it. */
async function begin(
  name: string,
  wish: RestoreWish = {},
  change: Parameters<typeof savedPod>[2] = {},
): Promise<{ pod: Pod; volume: PodVolumeRestore }> {
  await restores.storeBackup(name, {
    objects: {
      namespaces: [{ apiVersion: "v1", kind: "Namespace", metadata: { name } }],
      pods: [savedPod(name, "web", change)],
    },
    volumes: { [`${name}/web/data`]: "01234567" },
  });
  await restores.makeRestore(name, { ...wish, spec: { backupName: name, ...wish.spec } });
  const pod = await restores.pod(name, "web");
  const [volume] = await restores.volumeRestores(name, 1);
  return { pod, volume: volume as PodVolumeRestore };
}

const startedAgo = (date: number): number => (Date.now() - date) / 1000;

describe("a volume whose agent fails", () => {
  it("makes the Restore PartiallyFailed with the agent's reason", async () => {
    const { pod, volume } = await begin("failing");
    await restores.bind(pod, "node-1");
    await restores.settle(volume, { phase: "Failed", message: "no such snapshot" });
    const { status } = await restores.restoreEnd("failing");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    const reason = "volume data of pod failing/web is not restored: no such snapshot";
    assert.equal(status?.failureReason, reason);
    assert.deepEqual(restores.results("failing").errors, { namespaces: { failing: [reason] } });
    assert.match(restores.readFile("failing", "restore-failing-logs.gz"), /level=error msg="volume data of pod/);
  });
});

describe("a pod that will never be filled", { concurrency: true }, () => {
  it("ends the Restore promptly when its controller has replaced it", async () => {
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "u", controller: true };
    const { pod, volume } = await begin("replaced", {}, { metadata: { ownerReferences: [owner] } });
    await restores.bind(pod, "node-1");
    await restores.deletePod(pod);
    await rig.controlPlane.must("POST", "/api/v1/namespaces/replaced/pods", {
      metadata: { name: "web" },
      spec: { nodeName: "node-1", containers: [{ name: "app", image: "none" }] },
    });
    const deleted = Date.now();
    const { status } = await restores.restoreEnd("replaced");
    assert.ok(startedAgo(deleted) < 12, "not after hours");
    assert.equal(status?.phase, "PartiallyFailed");
    assert.match(status?.failureReason ?? "", /pod replaced\/web.* was replaced before its volumes were restored/);
    const ended = await rig.get<PodVolumeRestore>("podvolumerestores", volume.metadata.name);
    assert.equal(ended.status?.phase, "Failed");
  });

  it("ends the Restore when it is not scheduled, with the scheduler's reason", async () => {
    const { pod } = await begin("unscheduled");
    const message = "0/3 nodes are available: 3 Insufficient memory";
    await restores.setPodStatus(pod, {
      conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
    });
    const { status } = await restores.restoreEnd("unscheduled");
    assert.equal(status?.phase, "PartiallyFailed");
    assert.match(status?.failureReason ?? "", /pod unscheduled\/web is not scheduled: 0\/3 nodes are available/);
  });

  it("ends the Restore when no agent is on its node", async () => {
    const { pod } = await begin("agentless");
    await restores.bind(pod, "node-9");
    const { status } = await restores.restoreEnd("agentless");
    assert.match(status?.failureReason ?? "", /no node-agent pod is running on node node-9/);
  });

  it("ends the Restore when restore-wait cannot start", async () => {
    const { pod } = await begin("imageless");
    await restores.bind(pod, "node-1");
    const waiting = { reason: "ImagePullBackOff", message: "no such image" };
    const state = { name: "restore-wait", image: "x", imageID: "", ready: false, restartCount: 0, state: { waiting } };
    await restores.setPodStatus(pod, { initContainerStatuses: [state] });
    const { status } = await restores.restoreEnd("imageless");
    assert.match(status?.failureReason ?? "", /restore-wait .*does not start \(ImagePullBackOff: no such image\)/);
  });
});

describe("a Restore whose time is over", () => {
  it("stops the agent and ends with what was not finished", async () => {
    const annotations = { "velero.io/pod-volume-timeout": "2s" };
    const { pod, volume } = await begin("slow", { annotations });
    await restores.bind(pod, "node-1");
    const name = volume.metadata.name;
    await rig.patch("podvolumerestores", name, { status: { phase: "InProgress" } });
    await rig.when<PodVolumeRestore>("podvolumerestores", name, ({ spec }) => spec.cancel === true);
    await restores.settle(volume, { phase: "Failed", message: "data path restore canceled: PVR is canceled" });
    const { status } = await restores.restoreEnd("slow");
    assert.equal(status?.phase, "PartiallyFailed");
    assert.match(status?.failureReason ?? "", /volume data of pod slow\/web .*not finished within 2s.*canceled/);
  });
});

describe("a Backup that cannot be read", () => {
  it("makes the Restore Failed, and the reason is in its log, too", async () => {
    await restores.storeBackup("torn", { objects: {}, hasTarball: false });
    await restores.makeRestore("torn", { spec: { backupName: "torn" } });
    const { status } = await restores.restoreEnd("torn");
    assert.equal(status?.phase, "Failed");
    assert.match(status?.failureReason ?? "", /torn\.tar\.gz/);
    assert.match(restores.readFile("torn", "restore-torn-logs.gz"), /cannot be carried out.*torn\.tar\.gz/);
    writeFileSync(join(rig.folder, "default", "bucket", "backups", "torn", "torn.tar.gz"), "not gzip");
    await restores.makeRestore("torn-again", { spec: { backupName: "torn" } });
    const again = await restores.restoreEnd("torn-again");
    assert.equal(again.status?.phase, "Failed");
    assert.deepEqual(scratchFiles(), []);
  });
});

/** What runs have left behind. */
function scratchFiles(): string[] {
  const scratch = join(rig.folder, "scratch");
  return readdirSync(scratch).flatMap((name) => readdirSync(join(scratch, name)));
}

describe("a server that is killed", () => {
  const begun = new Map<string, Awaited<ReturnType<typeof begin>>>();

  before(async () => {
    for (const name of ["killed", "cut", "late"]) begun.set(name, await begin(name));
    server.signal("SIGKILL");
    await server.ended;
    for (const { pod, volume } of begun.values()) {
      await restores.bind(pod, "node-1");
      await restores.settle(volume);
    }
    await rig.delete("podvolumerestores", begun.get("cut")?.volume.metadata.name ?? "");
    await rig.patch("restores", "late", { status: { phase: "Finalizing" } });
    server = await startServer();
  });

  it("goes on when it is back, and makes nothing twice", async () => {
    const { status } = await restores.restoreEnd("killed");
    assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["Completed", 0, 0]);
    const [volume] = await restores.volumeRestores("killed", 1);
    assert.equal(volume?.metadata.uid, begun.get("killed")?.volume.metadata.uid);
    const list = JSON.parse(restores.readFile("killed", "restore-killed-resource-list.json.gz"));
    assert.deepEqual(list["v1/Pod"], ["killed/web(created)"]);
  });

  it("makes the volumes of a pod for which it had no time", async () => {
    const [again] = await restores.volumeRestores("cut", 1);
    assert.equal(again?.spec.pod.uid, begun.get("cut")?.pod.metadata.uid);
    await restores.settle(again as PodVolumeRestore);
    assert.equal((await restores.restoreEnd("cut")).status?.phase, "Completed");
  });

  it("ends a Restore that was about to end", async () => {
    assert.equal((await restores.restoreEnd("late")).status?.phase, "Completed");
  });
});

describe("a Restore that is deleted", () => {
  const isGone = async (name: string): Promise<boolean> => {
    const path = `/apis/velero.io/v1/namespaces/velero/restores/${name}`;
    return (await rig.controlPlane.call("GET", path)).status === 404;
  };

  it("while it runs stops its volumes and goes", async () => {
    const { pod, volume } = await begin("unwanted");
    await restores.bind(pod, "node-1");
    await rig.delete("restores", "unwanted");
    await eventually("the Restore is gone", () => isGone("unwanted"));
    const stopped = await rig.get<PodVolumeRestore>("podvolumerestores", volume.metadata.name);
    assert.deepEqual([stopped.status?.phase, stopped.status?.message], ["Failed", "its Restore was deleted"]);
    assert.equal(existsSync(dirname(restores.filePath("unwanted", "x"))), false);
  });

  it("after its end takes its files out of the location with it", async () => {
    const folder = dirname(restores.filePath("failing", "x"));
    assert.ok(readdirSync(folder).length > 0);
    await rig.delete("restores", "failing");
    await eventually("the Restore is gone", () => isGone("failing"));
    assert.ok(!existsSync(folder) || readdirSync(folder).length === 0);
  });

  it("goes although its Backup is gone", async () => {
    await rig.delete("backups", "slow");
    await rig.delete("restores", "slow");
    await eventually("the Restore is gone", () => isGone("slow"));
  });

  it("goes although its location cannot be reached, after a while", async () => {
    await rig.patch("backupstoragelocations", "default", { spec: { config: { path: "/proc/nowhere" } } });
    await rig.delete("restores", "agentless");
    await eventually("the Restore is gone", () => isGone("agentless"));
    assert.ok(isBackupEnded(await rig.get<Restore>("restores", "imageless")));
  });
});
