// The agent as a process, with exactly the rights of manifests/rbac, on the real API server and a real S3 server:
// PodVolumeBackups from New to their end.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";

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
  await rig.restic("app", ["check", "--read-data"]);
  assert.deepEqual(rig.locks("app"), []);
  assert.ok(readdirSync(rig.packFolder("app")).length > 0);
});
