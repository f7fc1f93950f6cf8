// Everything that can be wrong around a volume ends in Failed with a message that names it, and a lock of somebody else
// is waited for.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openRepository, openStorage, type Repository, withLock } from "../../repo-format/index.ts";
import type { Pod } from "../../src/api/core.ts";
import { type ClusterRig, rigPassword, startClusterRig } from "../support/cluster-rig.ts";
import { eventually } from "../support/processes.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };
let rig: ClusterRig;

before(async () => {
  rig = await startClusterRig();
  await rig.initRepository("app");
});
after(() => rig.stop());

async function podWithFile(name: string, namespace = "app"): Promise<Pod> {
  const pod = await rig.makePod({ name, namespace, node, volumes: [data] });
  writeFileSync(join(rig.volumePath(pod, "data"), "file"), name);
  return pod;
}

async function failureOf(name: string): Promise<string> {
  const backup = await rig.backupEnd(name);
  assert.equal(backup.status?.phase, "Failed");
  assert.ok(backup.status?.completionTimestamp);
  return backup.status?.message ?? "";
}

async function openAsOther(namespace: string): Promise<Repository> {
  const { accessKeyId, secretAccessKey, region } = rig.s3;
  const storage = await openStorage(rig.repository(namespace), {
    s3: { region, credentials: { accessKeyId, secretAccessKey } } as never,
  });
  const identity = { hostname: "elsewhere", username: "other", pid: 1, uid: 0, gid: 0 };
  return await openRepository({ storage, password: rigPassword, identity });
}

test("a pod, a volume or a directory that is not there, and two directories, are named", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const pod = await podWithFile("present");
  const gone = { ...pod, metadata: { ...pod.metadata, name: "no-such-pod" } };
  assert.match(await failureOf(await rig.makeBackup(gone, "data")), /^getting pod app\/no-such-pod: .*not found/);
  assert.match(await failureOf(await rig.makeBackup(pod, "other")), /pod app\/present has no volume other/);
  const bare = await rig.makePod({ name: "bare", node, volumes: [data] });
  const noMatch = await failureOf(await rig.makeBackup(bare, "data"));
  assert.match(
    noMatch,
    /^error exposing host path for pod volume: expected one matching path: .*\/volumes\/\*\/data, got 0/,
  );
  rig.volumePath(pod, "data", "kubernetes.io~other");
  assert.match(await failureOf(await rig.makeBackup(pod, "data")), /expected one matching path: .*, got 2/);
});

test("a wrong password, a missing Secret, a missing location and a bucket that is gone are named", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const pod = await podWithFile("locked-out");
  await rig.makeSecret("velero-repo-credentials", { "repository-password": "not the password" });
  assert.match(await failureOf(await rig.makeBackup(pod, "data")), /^error to initialize data path: .*password/);
  await rig.makeSecret("velero-repo-credentials", { other: "x" });
  assert.match(await failureOf(await rig.makeBackup(pod, "data")), /Secret velero\/velero-repo-credentials/);
  await rig.makeSecret("velero-repo-credentials", { "repository-password": rigPassword });
  const noLocation = await failureOf(await rig.makeBackup(pod, "data", { backupStorageLocation: "nowhere" }));
  assert.match(noLocation, /backupstoragelocations velero\/nowhere.*not found/);
  const repoIdentifier = rig.s3.location("no-such-bucket", "restic/app");
  assert.match(await failureOf(await rig.makeBackup(pod, "data", { repoIdentifier })), /bucket/i);
  const fine = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(fine.status?.phase, "Completed", fine.status?.message);
  assert.doesNotMatch(agent.output(), new RegExp(`${rigPassword}|${rig.s3.secretAccessKey}|not the password`));
});

test("a foreign exclusive lock is waited for; cancelling ends the wait", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const pod = await podWithFile("waiting");
  const other = await openAsOther("app");
  const isWaiting = async (name: string) => {
    const { status } = await rig.get<{ status: { phase?: string } }>("podvolumebackups", name);
    return status.phase === "InProgress" && agent.output().includes("waiting for a repository lock");
  };
  let patient = "";
  await withLock(other, { exclusive: true }, async () => {
    const impatient = await rig.makeBackup(pod, "data");
    await eventually("the backup waits", () => isWaiting(impatient));
    await rig.patch("podvolumebackups", impatient, { spec: { cancel: true } });
    assert.equal(await failureOf(impatient), "data path backup canceled: PVB is canceled");
    patient = await rig.makeBackup(pod, "data");
    await eventually("the next one waits", () => isWaiting(patient));
  });
  const backup = await rig.backupEnd(patient);
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);
  await other.close();
});

test("a lock that is held for longer than --lock-timeout fails the volume and names its holder", async (t) => {
  const agent = await rig.startAgent({ node, flags: ["--lock-timeout", "1s"] });
  t.after(() => agent.stop());
  const pod = await podWithFile("impatient");
  const other = await openAsOther("app");
  await withLock(other, { exclusive: true }, async () => {
    assert.match(await failureOf(await rig.makeBackup(pod, "data")), /locked exclusively by .*elsewhere/);
  });
  await other.close();
});

test("a repository that does not exist is asked for with a BackupRepository, and used when the server has made it", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const pod = await podWithFile("first", "newcomer");
  const name = await rig.makeBackup(pod, "data");
  const repository = async () => {
    const path = "/apis/velero.io/v1/namespaces/velero/backuprepositories/newcomer-default-restic";
    return await rig.controlPlane.call("GET", path);
  };
  await eventually("the BackupRepository is created", async () => (await repository()).status === 200);
  await rig.initRepository("newcomer");
  await rig.patch("backuprepositories", "newcomer-default-restic", { status: { phase: "Ready" } });
  const backup = await rig.backupEnd(name);
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);

  const other = await podWithFile("second", "unlucky");
  const failing = await rig.makeBackup(other, "data");
  const patch = { status: { phase: "NotReady", message: "no space left" } };
  await eventually("it is created", () =>
    rig.patch("backuprepositories", "unlucky-default-restic", patch).then(
      () => true,
      () => false,
    ),
  );
  assert.match(await failureOf(failing), /BackupRepository unlucky-default-restic is not ready: no space left/);
});

test("a running pod without its directory keeps the agent from starting, and the message tells the flag", async () => {
  const pod = await rig.makePod({ name: "elsewhere", node: "node-two", volumes: [data] });
  const path = "/api/v1/namespaces/app/pods/elsewhere/status";
  await rig.controlPlane.must("PATCH", path, { status: { phase: "Running" } }, "application/merge-patch+json");
  await assert.rejects(rig.startAgent({ node: "node-two" }), /is not the kubelet's pods directory of node node-two/);
  mkdirSync(join(rig.hostPods, pod.metadata.uid ?? ""));
  const agent = await rig.startAgent({ node: "node-two" });
  assert.equal((await agent.stop()).code, 0);
});

test("a restore that is cancelled ends Failed, and so does the pod's restore-wait", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const origin = await podWithFile("to-cancel");
  const backup = await rig.backupEnd(await rig.makeBackup(origin, "data"));
  const pod = await rig.makePod({ name: "cancelled", node, volumes: [data], isWaiting: true });
  const target = rig.volumePath(pod, "data");
  const other = await openAsOther("app");
  const uid = randomUUID();
  await withLock(other, { exclusive: true }, async () => {
    const name = await rig.makeRestore(pod, "data", { snapshotID: backup.status?.snapshotID ?? "" }, uid);
    await eventually("the restore waits", () => agent.output().includes("waiting for a repository lock"));
    await rig.patch("podvolumerestores", name, { spec: { cancel: true } });
    const restore = await rig.restoreEnd(name);
    assert.equal(restore.status?.phase, "Failed");
    assert.equal(restore.status?.message, "data path restore canceled: PVR is canceled");
  });
  assert.match(readFileSync(join(target, ".velero", `${uid}.failed`), "utf8"), /PVR is canceled/);
  await other.close();
});

test("a store that is away for a while delays a volume and does not fail it", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const pod = await podWithFile("delayed");
  await rig.s3.halt();
  const name = await rig.makeBackup(pod, "data");
  const isBegun = async () => {
    const { status } = await rig.get<{ status: { phase?: string } }>("podvolumebackups", name);
    return status.phase === "InProgress";
  };
  await eventually("it has begun", isBegun);
  await rig.s3.resume();
  const backup = await rig.backupEnd(name);
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);
});

test("an API server that is away for a while delays the end of a volume and does not lose it", async (t) => {
  const agent = await rig.startAgent({ node });
  t.after(() => agent.stop());
  const pod = await podWithFile("unreachable");
  const other = await openAsOther("app");
  let name = "";
  await withLock(other, { exclusive: true }, async () => {
    name = await rig.makeBackup(pod, "data");
    await eventually("the backup waits", () => agent.output().includes("waiting for a repository lock"));
    await rig.controlPlane.haltApiServer();
  });
  await eventually("the agent misses its API server", () => agent.output().includes("cannot"));
  await rig.controlPlane.resumeApiServer();
  const backup = await rig.backupEnd(name);
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);
  await other.close();
});
