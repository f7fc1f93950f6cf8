// The agent as a process, with exactly the rights of manifests/rbac, on the real API server and a real S3 server:
// PodVolumeBackups from New to their end.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { eventually } from "../support/processes.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };
let rig: ClusterRig;

before(async () => {
  rig = await startClusterRig();
  await rig.initRepository("app");
  await rig.startAgent({ node });
});
after(() => rig.stop());

test("a volume becomes a snapshot that restic reads, and a second run stores nothing new", async () => {
  const pod = await rig.makePod({ name: "web", node, volumes: [data] });
  const path = rig.volumePath(pod, "data");
  mkdirSync(join(path, "folder"));
  writeFileSync(join(path, "folder", "file"), "content".repeat(1000));
  symlinkSync("folder/file", join(path, "link"));
  const first = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(first.status?.phase, "Completed", first.status?.message);
  assert.match(first.status?.snapshotID ?? "", /^[0-9a-f]{8}$/);
  assert.equal(first.status?.path, path);
  assert.deepEqual(first.status?.progress, { totalBytes: 7000, bytesDone: 7000 });
  const report = JSON.parse(first.metadata.annotations?.["stowage.dev/report"] ?? "{}");
  assert.deepEqual([report.bytesRead, report.entries], [7000, { files: 1, directories: 1, symlinks: 1 }]);
  assert.equal(report.requests.put, 4, "two packs, an index and a snapshot; the lock is older or younger");
  const { messages } = await rig.restic("app", ["snapshots", "--json", first.status?.snapshotID ?? ""]);
  const [snapshot = {}] = messages;
  assert.equal(snapshot.hostname, "velero");
  assert.deepEqual(snapshot.paths, [path]);
  assert.deepEqual(snapshot.tags, ["backup=b", "ns=app", "pod=web", "volume=data"]);
  const listed = await rig.restic("app", ["ls", first.status?.snapshotID ?? ""]);
  assert.match(listed.stdout, /^\/folder\/file$/m);

  const second = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(second.status?.phase, "Completed", second.status?.message);
  assert.equal(second.status?.incrementalBytes, 0);
  assert.equal(JSON.parse(second.metadata.annotations?.["stowage.dev/report"] ?? "{}").bytesRead, 0);
  await rig.restic("app", ["check", "--read-data"]);
  assert.deepEqual(rig.locks("app"), []);
  assert.ok(readdirSync(rig.packFolder("app")).length > 0);
});

test("a claim's volume is found below its CSI directory, and the claim's last snapshot is the parent on another pod", async () => {
  const claim = await rig.makeClaim("app", "notes");
  const volume = { name: "data", persistentVolumeClaim: { claimName: "notes" } };
  const labels = { "velero.io/pvc-uid": claim.uid };
  const tags = { "pvc-uid": claim.uid };
  const snapshots: string[] = [];
  for (const name of ["first", "second"]) {
    const pod = await rig.makePod({ name, node, volumes: [volume] });
    const path = join(rig.volumePath(pod, claim.volume, "kubernetes.io~csi"), "mount");
    mkdirSync(path);
    writeFileSync(join(path, "note"), "remember");
    const backup = await rig.backupEnd(await rig.makeBackup(pod, "data", { tags }, labels));
    assert.equal(backup.status?.phase, "Completed", backup.status?.message);
    assert.equal(backup.status?.path, path);
    snapshots.push(backup.status?.snapshotID ?? "");
  }
  const { messages } = await rig.restic("app", ["snapshots", "--json", snapshots[1] ?? ""]);
  assert.equal(String(messages[0]?.parent).slice(0, 8), snapshots[0]);
});

test("an empty emptyDir is Completed without a snapshot; an empty claim that is no mount point is not believed", async () => {
  const pod = await rig.makePod({ name: "empty", node, volumes: [data] });
  rig.volumePath(pod, "data");
  const empty = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(empty.status?.phase, "Completed");
  assert.equal(empty.status?.snapshotID, "");
  assert.equal(empty.status?.message, "volume was empty so no snapshot was taken");

  const claim = await rig.makeClaim("app", "unmounted");
  const volume = { name: "data", persistentVolumeClaim: { claimName: "unmounted" } };
  const other = await rig.makePod({ name: "unmounted", node, volumes: [volume] });
  mkdirSync(join(rig.volumePath(other, claim.volume, "kubernetes.io~csi"), "mount"));
  const refused = await rig.backupEnd(await rig.makeBackup(other, "data"));
  assert.equal(refused.status?.phase, "Failed");
  assert.match(refused.status?.message ?? "", /is empty, and nothing is mounted there.*HostToContainer/);
});

test("what was forgotten and pruned between two volumes is stored again", async () => {
  await rig.initRepository("pruned");
  const pod = await rig.makePod({ namespace: "pruned", name: "web", node, volumes: [data] });
  writeFileSync(join(rig.volumePath(pod, "data"), "file"), "only here".repeat(5000));
  const first = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(first.status?.phase, "Completed", first.status?.message);
  await rig.restic("pruned", ["forget", "--prune", first.status?.snapshotID ?? ""]);
  const second = await rig.backupEnd(await rig.makeBackup(pod, "data"));
  assert.equal(second.status?.phase, "Completed", second.status?.message);
  await rig.restic("pruned", ["check", "--read-data"]);
  const dump = await rig.restic("pruned", ["dump", second.status?.snapshotID ?? "", "/file"]);
  assert.equal(dump.stdout, "only here".repeat(5000));
});

test("an uploader that is not restic's is refused with an explanation", async () => {
  const pod = await rig.makePod({ name: "kopia", node, volumes: [data] });
  const backup = await rig.backupEnd(await rig.makeBackup(pod, "data", { uploaderType: "kopia" }));
  assert.equal(backup.status?.phase, "Failed");
  assert.match(backup.status?.message ?? "", /uploader type kopia is not supported/);
});

test("the end of a volume is told in events on the PodVolumeBackup and on the pod", async () => {
  const pod = await rig.makePod({ name: "eventful", node, volumes: [data] });
  writeFileSync(join(rig.volumePath(pod, "data"), "file"), "x");
  const name = await rig.makeBackup(pod, "data");
  await rig.backupEnd(name);
  const reasons = async (namespace: string, object: string) => {
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.name%3D${object}`;
    const { items } = (await rig.controlPlane.must("GET", path)) as { items: { reason: string }[] };
    return items.map((item) => item.reason).sort();
  };
  const expected = ["VolumeBackupCompleted"];
  await eventually("events", async () => (await reasons("velero", name)).length === 1);
  assert.deepEqual(await reasons("velero", name), expected);
  await eventually("events of the pod", async () => (await reasons("app", "eventful")).length === 1);
  assert.deepEqual(await reasons("app", "eventful"), expected);
});
