// PodVolumeRestores, with the restore-helper as a process: only while restore-wait runs, the same files, the marker, and
// nothing left behind.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { eventually, runProcess } from "../support/processes.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };
let rig: ClusterRig;

before(async () => {
  rig = await startClusterRig();
  await rig.initRepository("app");
  await rig.startAgent({ node, env: { VELERO_SCRATCH_DIR: rig.folder } });
});
after(() => rig.stop());

function helper(uid: string, restores: string) {
  const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
  return runProcess(process.execPath, {
    args: [main, "restore-helper", uid, "--restores-dir", restores, "--timeout", "60s"],
  });
}

/** A pod with files in its volume, and their snapshot. */
async function backedUp(name: string) {
  const pod = await rig.makePod({ name, node, volumes: [data] });
  const path = rig.volumePath(pod, "data");
  mkdirSync(join(path, "deep", "er"), { recursive: true });
  for (let index = 0; index < 50; index++)
    writeFileSync(join(path, "deep", `file${index}`), `${name} ${index}`.repeat(index));
  symlinkSync("deep", join(path, "link"));
  // A snapshot may hold anything under this name.
  symlinkSync("/etc", join(path, ".velero"));
  const backup = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);
  return { path, snapshotID: backup.status?.snapshotID ?? "" };
}

test("data flow when restore-wait runs, the helper lets the pod go on, and .velero is gone after that", async () => {
  const { path: source, snapshotID } = await backedUp("origin");
  const pod = await rig.makePod({ name: "restored", node, volumes: [data], isWaiting: true });
  await rig.setRestoreWait(pod, { waiting: { reason: "PodInitializing" } });
  const target = rig.volumePath(pod, "data");
  const uid = randomUUID();
  const name = await rig.makeRestore(pod, "data", { snapshotID }, uid);
  const waiting = helper(uid, join(target, ".."));
  assert.equal((await rig.get<{ status: { phase?: string } }>("podvolumerestores", name)).status.phase, undefined);
  await rig.setRestoreWait(pod, { running: {} });
  const restore = await rig.restoreEnd(name);
  assert.equal(restore.status?.phase, "Completed", restore.status?.message);
  assert.ok((restore.status?.progress?.totalBytes ?? 0) > 0);
  assert.equal(restore.status?.progress?.bytesDone, restore.status?.progress?.totalBytes);
  const { code, stdout } = await waiting;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /all volumes are restored: data/);
  assert.deepEqual(compareTrees(source, target, { root: false, ignore: (path) => path === ".velero" }), []);
});

test("the backup after a restore does not read again what the restore has written", async () => {
  const { snapshotID } = await backedUp("before");
  const pod = await rig.makePod({ name: "after", node, volumes: [data], isWaiting: true });
  const path = rig.volumePath(pod, "data");
  const restore = await rig.restoreEnd(await rig.makeRestore(pod, "data", { snapshotID }));
  assert.equal(restore.status?.phase, "Completed", restore.status?.message);
  await rig.setRestoreWait(pod, { terminated: { exitCode: 0 } });
  await eventually(".velero is removed", () => !existsSync(join(path, ".velero")));
  writeFileSync(join(path, "deep", "file7"), "after 7".repeat(7));
  const backup = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);
  const { stdout } = await rig.restic("app", ["cat", "snapshot", backup.status?.snapshotID ?? ""]);
  const snapshot = JSON.parse(stdout) as { parent: string; summary: Record<string, number> };
  assert.ok(snapshot.parent.startsWith(snapshotID), "the snapshot that stands there is the parent");
  // All but the changed one and an empty one, which nobody reads.
  assert.equal(snapshot.summary.files_unmodified, 48);
});

test("the marker is a file named by the restore's uid, and the agent removes it when the helper may not", async () => {
  const { snapshotID } = await backedUp("marked");
  const pod = await rig.makePod({ name: "marked-again", node, volumes: [data], isWaiting: true });
  const target = rig.volumePath(pod, "data");
  // Whatever lies there before: no link may be followed.
  symlinkSync("/tmp", join(target, ".velero"));
  const uid = randomUUID();
  const restore = await rig.restoreEnd(await rig.makeRestore(pod, "data", { snapshotID }, uid));
  assert.equal(restore.status?.phase, "Completed", restore.status?.message);
  assert.deepEqual(readdirSync(join(target, ".velero")), [uid]);
  const marker = statSync(join(target, ".velero", uid));
  assert.equal(marker.mode & 0o777, 0o644);
  assert.equal(marker.size, 0);
  await rig.setRestoreWait(pod, { terminated: { exitCode: 0 } });
  await eventually(".velero is removed", () => !existsSync(join(target, ".velero")));
});

test("a missing pack fails the restore by name, and the helper ends with that reason", async () => {
  await rig.initRepository("damaged");
  const origin = await rig.makePod({ namespace: "damaged", name: "origin", node, volumes: [data] });
  writeFileSync(join(rig.volumePath(origin, "data"), "file"), "precious".repeat(1000));
  const backup = await rig.backupEnd(await rig.makeBackup(origin, "data"));
  const packs = rig.packFolder("damaged");
  renameSync(packs, `${packs}.hidden`);
  const pod = await rig.makePod({ namespace: "damaged", name: "target", node, volumes: [data], isWaiting: true });
  const target = rig.volumePath(pod, "data");
  const uid = randomUUID();
  const waiting = helper(uid, join(target, ".."));
  const snapshotID = backup.status?.snapshotID ?? "";
  const restore = await rig.restoreEnd(await rig.makeRestore(pod, "data", { snapshotID }, uid));
  assert.equal(restore.status?.phase, "Failed");
  assert.match(restore.status?.message ?? "", /^data path restore failed: .*pack/);
  const { code, stdout } = await waiting;
  assert.equal(code, 1);
  assert.match(stdout, /restore failed: volume data: data path restore failed/);
  assert.ok(readFileSync(join(target, ".velero", `${uid}.failed`), "utf8").includes("pack"));
  assert.deepEqual(rig.locks("damaged"), []);
});

test("a restore without a snapshot of that id fails and says so", async () => {
  const pod = await rig.makePod({ name: "nothing", node, volumes: [data], isWaiting: true });
  rig.volumePath(pod, "data");
  const restore = await rig.restoreEnd(await rig.makeRestore(pod, "data", { snapshotID: "00000000" }));
  assert.equal(restore.status?.phase, "Failed");
  assert.match(restore.status?.message ?? "", /no snapshot's id begins with "00000000"/);
});

test("a restore whose pod is deleted before it began ends Failed instead of waiting for ever", async () => {
  const pod = await rig.makePod({ name: "short-lived", node, volumes: [data], isWaiting: true });
  await rig.setRestoreWait(pod, { waiting: {} });
  const name = await rig.makeRestore(pod, "data", { snapshotID: "00000000" });
  await rig.deletePod(pod);
  const restore = await rig.restoreEnd(name);
  assert.match(restore.status?.message ?? "", /pod app\/short-lived was deleted before this volume was restored/);
});

test("a restore whose pod was deleted while its node had no agent is ended by the next agent that starts", async () => {
  const pod = await rig.makePod({ name: "unseen", node: "node-without-agent", volumes: [data], isWaiting: true });
  const name = await rig.makeRestore(pod, "data", { snapshotID: "00000000" });
  await rig.deletePod(pod);
  const agent = await rig.startAgent({ node: "node-two" });
  const restore = await rig.restoreEnd(name);
  assert.equal(restore.status?.phase, "Failed");
  assert.match(restore.status?.message ?? "", /pod app\/unseen was deleted before this volume was restored/);
  await agent.stop();
});
