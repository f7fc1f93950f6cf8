// What owners of pods and claims ask for by annotation, and volumes that take too long or stand still: the agent as a
// process, with exactly the rights of manifests/rbac, and restic as the judge of what is in a snapshot.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openRepository, openStorage, withLock } from "../../repo-format/index.ts";
import type { Pod } from "../../src/api/core.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { type ClusterRig, rigPassword, startClusterRig } from "../support/cluster-rig.ts";
import { type StallingProxy, startStallingProxy } from "../support/stalling-proxy.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };
let rig: ClusterRig;
let proxy: StallingProxy;

before(async () => {
  rig = await startClusterRig();
  proxy = await startStallingProxy(rig.s3.port);
  await Promise.all([rig.initRepository("app"), rig.initRepository("slow")]);
  await rig.startAgent({ node });
});
after(async () => {
  await proxy.close();
  await rig.stop();
});

async function annotate(path: string, annotations: Readonly<Record<string, string>>): Promise<void> {
  const patch = { metadata: { annotations } };
  await rig.controlPlane.must("PATCH", `/api/v1/namespaces/${path}`, patch, "application/merge-patch+json");
}

async function annotatedPod(
  name: string,
  annotations: Readonly<Record<string, string>>,
  namespace = "app",
): Promise<{ readonly pod: Pod; readonly path: string }> {
  const pod = await rig.makePod({ name, namespace, node, volumes: [data] });
  await annotate(`${namespace}/pods/${name}`, annotations);
  return { pod, path: rig.volumePath(pod, "data") };
}

async function listed(backup: PodVolumeBackup): Promise<string[]> {
  const { stdout } = await rig.restic(backup.spec.pod.namespace ?? "", ["ls", backup.status?.snapshotID ?? ""]);
  return stdout.split("\n").filter((line) => line.startsWith("/"));
}

function completed(backup: PodVolumeBackup): PodVolumeBackup {
  assert.equal(backup.status?.phase, "Completed", backup.status?.message);
  return backup;
}

async function failureOf(name: string): Promise<string> {
  const backup = await rig.backupEnd(name);
  assert.equal(backup.status?.phase, "Failed");
  return backup.status?.message ?? "";
}

test("excluded files are not in the snapshot, which says so, and so does the PodVolumeBackup", async () => {
  const annotation = "exclude.stowage.dev/data";
  const { pod, path } = await annotatedPod("tidy", { [annotation]: "*.tmp, /cache", "stowage.dev/exclude": "keep" });
  mkdirSync(join(path, "cache"));
  mkdirSync(join(path, "deep", "cache"), { recursive: true });
  for (const file of ["keep", "x.tmp", "cache/a", "deep/cache/b", "deep/y.tmp"]) writeFileSync(join(path, file), file);
  const backup = completed(await rig.backupEnd(await rig.makeBackup(pod, "data")));
  assert.deepEqual(await listed(backup), ["/deep", "/deep/cache", "/deep/cache/b", "/keep"]);
  const { messages } = await rig.restic("app", ["snapshots", "--json", backup.status?.snapshotID ?? ""]);
  assert.deepEqual((messages[0]?.excludes as string[] | undefined)?.slice(-2), ["*.tmp", "/cache"]);
  const origin = `annotation ${annotation} of pod app/tidy`;
  assert.equal(backup.status?.message, `3 entries were left out, see the ${origin}`);
  const noted = JSON.parse(backup.metadata.annotations?.["stowage.dev/volume-settings"] ?? "{}");
  assert.deepEqual(noted, { exclude: ["*.tmp", "/cache"], from: { exclude: origin } });
  assert.equal(JSON.parse(backup.metadata.annotations?.["stowage.dev/report"] ?? "{}").excluded, 3);
});

test("a claim's annotations hold for every pod that mounts it", async () => {
  const claim = await rig.makeClaim("app", "shared");
  await annotate("app/persistentvolumeclaims/shared", { "stowage.dev/exclude": "# of the claim\n*.log\n" });
  const volume = { name: "data", persistentVolumeClaim: { claimName: "shared" } };
  const pod = await rig.makePod({ name: "claimant", node, volumes: [volume] });
  const path = join(rig.volumePath(pod, claim.volume, "kubernetes.io~csi"), "mount");
  mkdirSync(path);
  for (const file of ["a.log", "a.txt"]) writeFileSync(join(path, file), file);
  const backup = completed(await rig.backupEnd(await rig.makeBackup(pod, "data")));
  assert.deepEqual(await listed(backup), ["/a.txt"]);
  assert.match(backup.status?.message ?? "", /see the annotation stowage.dev\/exclude of claim app\/shared$/);
});

test("an annotation that cannot be understood fails the volume and is quoted", async () => {
  const { pod, path } = await annotatedPod("puzzling", { "stowage.dev/exclude": "[a-" });
  writeFileSync(join(path, "file"), "x");
  const message = await failureOf(await rig.makeBackup(pod, "data"));
  assert.match(
    message,
    /^error reading the volume's annotations: annotation stowage.dev\/exclude of pod app\/puzzling:/,
  );
  assert.match(message, /"\[a-"/);
  await annotate("app/pods/puzzling", { "stowage.dev/exclude": "", "stowage.dev/timeout": "soon" });
  assert.match(await failureOf(await rig.makeBackup(pod, "data")), /duration with a unit, .* not "soon"/);
});

test("file systems mounted inside a volume are entered only when asked", async (t) => {
  const { pod, path } = await annotatedPod("mounts", {});
  const inside = join(path, "inside");
  mkdirSync(inside);
  writeFileSync(join(path, "file"), "x");
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", inside]);
  if (mounted.status !== 0) return t.skip("no tmpfs can be mounted here");
  t.after(() => spawnSync("umount", ["-l", inside]));
  writeFileSync(join(inside, "other"), "y");
  const without = completed(await rig.backupEnd(await rig.makeBackup(pod, "data")));
  assert.deepEqual(await listed(without), ["/file", "/inside"]);
  await annotate("app/pods/mounts", { "cross-mounts.stowage.dev/data": "true" });
  const across = completed(await rig.backupEnd(await rig.makeBackup(pod, "data")));
  assert.deepEqual(await listed(across), ["/file", "/inside", "/inside/other"]);
});

test("a volume that is not done within its time-out ends Failed with the reason", async () => {
  const { pod, path } = await annotatedPod("hurried", { "stowage.dev/timeout": "1500ms" });
  writeFileSync(join(path, "file"), "x");
  const { accessKeyId, secretAccessKey, region } = rig.s3;
  const storage = await openStorage(rig.repository("app"), {
    s3: { region, credentials: { accessKeyId, secretAccessKey } } as never,
  });
  const identity = { hostname: "elsewhere", username: "other", pid: 1, uid: 0, gid: 0 };
  const other = await openRepository({ storage, password: rigPassword, identity });
  await withLock(other, { exclusive: true }, async () => {
    const message = await failureOf(await rig.makeBackup(pod, "data"));
    assert.match(message, /^data path backup failed: not done after 1.5s, its time-out/);
  });
  await other.close();
});

test("a backup whose store hangs ends Failed: no lock is left, no snapshot, and the next one is whole", async () => {
  const { pod, path } = await annotatedPod("stuck", { "stowage.dev/stall-timeout": "2s" }, "slow");
  writeFileSync(join(path, "file"), Buffer.alloc(3 << 20, "stuck"));
  const change = { repoIdentifier: `s3:${proxy.endpoint}/backups/restic/slow` };
  proxy.hold(/^PUT .*\/data\//);
  const message = await failureOf(await rig.makeBackup(pod, "data", change));
  proxy.letGo();
  assert.match(message, /^data path backup failed: no progress for 2s \(at \d+ of 3145728 bytes/);
  assert.deepEqual(rig.locks("slow"), []);
  const { messages } = await rig.restic("slow", ["snapshots", "--json"]);
  assert.deepEqual(messages, []);
  const next = completed(await rig.backupEnd(await rig.makeBackup(pod, "data", change)));
  assert.deepEqual(await listed(next), ["/file"]);
});

test("a restore whose store hangs ends Failed, and the pod's restore-wait hears why", async () => {
  const { pod: origin, path } = await annotatedPod("before", {}, "slow");
  writeFileSync(join(path, "file"), Buffer.alloc(2 << 20, "restored"));
  const backup = completed(await rig.backupEnd(await rig.makeBackup(origin, "data")));
  const pod = await rig.makePod({ name: "after", namespace: "slow", node, volumes: [data], isWaiting: true });
  await annotate("slow/pods/after", { "stowage.dev/stall-timeout": "2s", "stowage.dev/exclude": "[" });
  const target = rig.volumePath(pod, "data");
  proxy.hold(/^GET .*\/data\//);
  const uid = "11111111-2222-4333-8444-555555555555";
  const change = {
    snapshotID: backup.status?.snapshotID ?? "",
    repoIdentifier: `s3:${proxy.endpoint}/backups/restic/slow`,
  };
  const restore = await rig.restoreEnd(await rig.makeRestore(pod, "data", change, uid));
  proxy.letGo();
  assert.equal(restore.status?.phase, "Failed");
  assert.match(restore.status?.message ?? "", /^data path restore failed: no progress for 2s/);
  assert.match(readFileSync(join(target, ".velero", `${uid}.failed`), "utf8"), /no progress for 2s/);
  assert.deepEqual(rig.locks("slow"), []);
});
