// Server and agents as processes, each with exactly its rights, meeting in custom resources only: a Backup from its
// creation to snapshots that stock restic reads, on a real S3 server.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { openRepository, openStorage, withLock } from "../../repo-format/index.ts";
import type { Backup } from "../../src/api/backup.ts";
import type { Pod } from "../../src/api/core.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { openTarball } from "../../src/server/tarball/tarball-reader.ts";
import type { RunningProcess } from "../support/processes.ts";
import { type ResticResult, resticMust } from "../support/restic.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type PodWish, type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let s3: S3Server;
let server: RunningProcess;
let agent: RunningProcess;
let password = "";

before(async () => {
  [rig, s3] = await Promise.all([startServerRig(), startS3Server({ buckets: ["backups"] })]);
  await rig.makeS3Location(s3, "cluster");
  for (const node of ["node-1", "node-2"]) await rig.makeAgentPod(node);
  server = await rig.startServer();
  [agent] = await Promise.all([rig.startAgent("node-1"), rig.startAgent("node-2")]);
  const secret = (await rig.controlPlane.must("GET", "/api/v1/namespaces/velero/secrets/velero-repo-credentials")) as {
    data: Record<string, string>;
  };
  password = Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
});

after(async () => {
  await Promise.all([rig.stop(), s3.stop()]);
});

const repositoryOf = (namespace: string): string => s3.location("backups", `cluster/restic/${namespace}`);

async function restic(namespace: string, ...args: string[]): Promise<ResticResult> {
  return await resticMust(args, { repository: repositoryOf(namespace), password, env: s3.env });
}

/** A pod whose volumes hold a file each. */
async function makeFilledPod(wish: PodWish): Promise<Pod> {
  const pod = await rig.makePod(wish);
  for (const { name } of wish.volumes ?? [{ name: "data" }])
    writeFileSync(join(rig.volumePath(pod, name), "file"), `${wish.name} ${name} `.repeat(500));
  return pod;
}

const emptyDirs = (...names: string[]): PodWish["volumes"] => names.map((name) => ({ name, emptyDir: {} }));

async function assertSnapshots(namespace: string, volumeBackups: readonly PodVolumeBackup[]): Promise<void> {
  for (const { spec, status } of volumeBackups) {
    const { stdout } = await restic(namespace, "dump", status?.snapshotID ?? "", "/file");
    assert.equal(stdout, `${spec.pod.name} ${spec.volume} `.repeat(500));
  }
  await restic(namespace, "check", "--read-data");
}

/** What Velero, or a Restore, finds in the bucket: its files, and the namespace's pods in the tarball. */
async function assertStoredObjects(backup: string, namespace: string): Promise<void> {
  const storage = await openStorage(s3.location("backups", ""), {
    s3: { region: s3.region, credentials: s3Keys() } as never,
  });
  const folder = `cluster/backups/${backup}/`;
  const keys = (await Array.fromAsync(storage.list(folder))).map(({ key }) => key.slice(folder.length));
  const tarball = await storage.get(`${folder}${backup}.tar.gz`);
  await storage.close();
  assert.equal(keys.length, 12);
  for (const file of ["velero-backup.json", `${backup}-logs.gz`, `${backup}-podvolumebackups.json.gz`])
    assert.ok(keys.includes(file), file);
  const scratchDirectory = join(rig.folder, "unpacked");
  mkdirSync(scratchDirectory);
  const { signal } = new AbortController();
  const contents = await openTarball({ source: Readable.from([tarball]), scratchDirectory, signal });
  assert.deepEqual(
    contents
      .addresses("pods")
      .map(({ name }) => name)
      .sort(),
    ["db", "silent", "web"],
  );
  assert.equal((await contents.read("pods", { namespace, name: "web" })).kind, "Pod");
  await contents.close();
}

describe("a Backup of pods that opt in", () => {
  it("stores the listed volumes of two nodes, and little more the second time", async () => {
    const annotations = { "backup.velero.io/backup-volumes": "data,logs" };
    const volumes = emptyDirs("data", "logs", "cache") ?? [];
    await makeFilledPod({ namespace: "shop", name: "web", annotations, volumes });
    await makeFilledPod({ namespace: "shop", name: "db", node: "node-2", annotations, volumes });
    await makeFilledPod({ namespace: "shop", name: "silent" });
    await rig.makeBackup("first", { spec: { includedNamespaces: ["shop"] } });
    const { status } = await rig.backupEnd("first", 60_000);
    assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
    assert.deepEqual(await rig.volumesOf("first"), ["db/data", "db/logs", "web/data", "web/logs"]);
    await assertSnapshots("shop", await rig.volumeBackups("first"));
    await assertStoredObjects("first", "shop");
    await rig.makeBackup("second", { spec: { includedNamespaces: ["shop"] } });
    assert.equal((await rig.backupEnd("second", 60_000)).status?.phase, "Completed");
    const again = await rig.volumeBackups("second");
    assert.deepEqual(
      again.map((one) => one.status?.incrementalBytes),
      [0, 0, 0, 0],
    );
  });
});

describe("a Backup of all volumes", () => {
  it("is PartiallyFailed with the agent's reason when one volume fails, and the others are stored", async () => {
    const annotations = { "backup.velero.io/backup-volumes-excludes": "cache" };
    await makeFilledPod({ namespace: "mixed", name: "web", annotations, volumes: emptyDirs("data", "cache") ?? [] });
    // A claim whose directory is not there: the agent finds no mount of it.
    await rig.makeClaim({ namespace: "mixed", name: "claim" });
    const volumes = [{ name: "lost", persistentVolumeClaim: { claimName: "claim" } }];
    const pod = await rig.makePod({ namespace: "mixed", name: "broken", volumes });
    mkdirSync(join(rig.hostPods, pod.metadata.uid ?? "", "volumes"), { recursive: true });
    await rig.makeBackup("mixed", { spec: { includedNamespaces: ["mixed"], defaultVolumesToFsBackup: true } });
    const { status } = await rig.backupEnd("mixed", 60_000);
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    assert.match(status?.failureReason ?? "", /^volume lost of pod mixed\/broken: .{10,}/);
    const stored = (await rig.volumeBackups("mixed")).filter((one) => one.status?.phase === "Completed");
    assert.deepEqual(
      stored.map(({ spec }) => spec.volume),
      ["data"],
    );
    await assertSnapshots("mixed", stored);
  });

  it("stops the agents when its time is over", async () => {
    // Somebody else's exclusive lock keeps the agent waiting.
    const repository = await openRepository({
      storage: await openStorage(repositoryOf("mixed"), { s3: { region: s3.region, credentials: s3Keys() } as never }),
      password,
      identity: { hostname: "elsewhere", username: "somebody", pid: process.pid, uid: 0, gid: 0 },
    });
    const annotations = { "velero.io/pod-volume-timeout": "8s" };
    const spec = { includedNamespaces: ["mixed"], defaultVolumesToFsBackup: true };
    let ended: Backup | undefined;
    await withLock(repository, { exclusive: true }, async () => {
      await rig.makeBackup("stopped", { spec, annotations });
      ended = await rig.backupEnd("stopped", 40_000);
    });
    await repository.close();
    assert.deepEqual([ended?.status?.phase, ended?.status?.errors], ["PartiallyFailed", 2]);
    assert.match(ended?.status?.failureReason ?? "", /not finished within 8s/);
    const phases = (await rig.volumeBackups("stopped")).map((one) => one.status?.phase);
    assert.deepEqual(phases, ["Failed", "Failed"]);
  });
});

describe("a Backup while everything is killed", () => {
  it("ends Completed when server and agent come back", async () => {
    for (let index = 0; index < 4; index++) await makeFilledPod({ namespace: "tough", name: `pod-${index}` });
    await rig.makeBackup("tough", { spec: { includedNamespaces: ["tough"], defaultVolumesToFsBackup: true } });
    const isBegun = ({ status }: Backup): boolean => (status?.phase ?? "") !== "";
    await rig.when<Backup>("backups", "tough", isBegun);
    for (const process_ of [server, agent]) {
      process_.signal("SIGKILL");
      await process_.ended;
    }
    [server, agent] = await Promise.all([rig.startServer(), rig.startAgent("node-1")]);
    const { status } = await rig.backupEnd("tough", 60_000);
    assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
    const made = await rig.volumeBackups("tough");
    assert.equal(made.length, 4);
    await assertSnapshots("tough", made);
    assert.equal((await restic("tough", "list", "locks", "--no-lock")).stdout, "");
  });
});

function s3Keys(): { accessKeyId: string; secretAccessKey: string } {
  return { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey };
}
