// Backups that other clusters have put into a location, on the real control plane: they come into this one with their volumes,
// and go when they are gone there.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let s3: S3Server;
let server: RunningProcess;

before(async () => {
  [rig, s3] = await Promise.all([startServerRig(), startS3Server({ buckets: ["shared"] })]);
  server = await rig.startServer("--backup-sync-period", "1s");
});

after(async () => {
  await Promise.all([rig.stop(), s3.stop()]);
});

interface StoredWish {
  readonly location?: string;
  /** Default: the Backup's in that location. */
  readonly folder?: string;
  readonly status?: object;
  readonly metadata?: object;
  readonly volumes?: readonly object[];
}

function folderOf(name: string, location = "shared"): string {
  return join(rig.folder, location, "bucket", "backups", name);
}

/** What another cluster's server leaves in a bucket. */
function store(name: string, { location, folder = folderOf(name, location), ...wish }: StoredWish = {}): void {
  const { status, metadata = {}, volumes } = wish;
  mkdirSync(folder, { recursive: true });
  const backup = {
    apiVersion: "velero.io/v1",
    kind: "Backup",
    metadata: {
      name,
      namespace: "their-velero",
      uid: "11111111-2222-3333-4444-555555555555",
      resourceVersion: "4711",
      generation: 7,
      creationTimestamp: "2026-01-02T03:04:05Z",
      labels: { "velero.io/storage-location": "their-location", team: "blue" },
      annotations: { "velero.io/source-cluster-k8s-gitversion": "v1.29.0" },
      ...metadata,
    },
    spec: { storageLocation: "their-location", includedNamespaces: ["shop"], ttl: "720h0m0s" },
    status: {
      ...{ phase: "Completed", formatVersion: "1.1.0", warnings: 3 },
      ...{ startTimestamp: "2026-01-02T03:04:05Z", expiration: "2099-01-01T00:00:00Z", ...status },
    },
  };
  if (volumes !== undefined) {
    writeFileSync(join(folder, `${name}-podvolumebackups.json.gz`), gzipSync(JSON.stringify(volumes)));
  }
  writeFileSync(join(folder, "velero-backup.json"), JSON.stringify(backup));
}

function storedVolume(name: string, backup: string, status: object): object {
  return {
    apiVersion: "velero.io/v1",
    kind: "PodVolumeBackup",
    metadata: {
      name,
      namespace: "their-velero",
      uid: "99999999-2222-3333-4444-555555555555",
      resourceVersion: "4712",
      labels: { "velero.io/backup-name": backup, "velero.io/backup-uid": "11111111-2222-3333-4444-555555555555" },
      annotations: { "velero.io/pvc-name": "data" },
      ownerReferences: [
        { apiVersion: "velero.io/v1", kind: "Backup", name: backup, uid: "11111111-2222-3333-4444-555555555555" },
      ],
    },
    spec: {
      node: "node-1",
      pod: { kind: "Pod", namespace: "shop", name: "web", uid: "77777777-2222-3333-4444-555555555555" },
      volume: "data",
      backupStorageLocation: "their-location",
      repoIdentifier: "s3:https://theirs/bucket/restic/shop",
      uploaderType: "restic",
    },
    status,
  };
}

async function arrived(name: string): Promise<Backup> {
  return await rig.when<Backup>("backups", name, ({ metadata }) => {
    return metadata.annotations?.["stowage.dev/volumes-to-sync"] === undefined;
  });
}

async function isHere(name: string): Promise<boolean> {
  return (await rig.list<Backup>("backups")).some(({ metadata }) => metadata.name === name);
}

/** A later round has ended: what it should have done it has done. */
async function anotherRound(location = "shared"): Promise<void> {
  const timeOf = async (): Promise<number> => {
    const { status } = await rig.get<BackupStorageLocation>("backupstoragelocations", location);
    return Date.parse(status?.lastSyncedTime ?? "") || 0;
  };
  const first = await timeOf();
  // Two later ones: the first may have begun before.
  await eventually("another round", async () => (await timeOf()) > first + 1000);
}

describe("Backups of another cluster", () => {
  it("come in with their status and volumes, as if they had been made here", async () => {
    store("theirs", {
      metadata: {
        ownerReferences: [
          { apiVersion: "velero.io/v1", kind: "Schedule", name: "daily", uid: "22222222-0000-0000-0000-000000000000" },
        ],
        finalizers: ["their.example/finalizer"],
      },
      volumes: [
        storedVolume("theirs-1", "theirs", { phase: "Completed", snapshotID: "0123abcd", progress: { totalBytes: 5 } }),
        storedVolume("theirs-2", "theirs", { phase: "InProgress" }),
        { metadata: {}, spec: {} },
      ],
    });
    await rig.makeLocation("shared");
    const { metadata, spec, status } = await arrived("theirs");
    assert.equal(spec.storageLocation, "shared");
    assert.deepEqual(spec.includedNamespaces, ["shop"]);
    assert.deepEqual([status?.phase, status?.warnings, status?.formatVersion], ["Completed", 3, "1.1.0"]);
    assert.deepEqual(metadata.labels, { "velero.io/storage-location": "shared", team: "blue" });
    assert.equal(metadata.annotations?.["velero.io/source-cluster-k8s-gitversion"], "v1.29.0");
    assert.deepEqual([metadata.ownerReferences, metadata.finalizers], [undefined, undefined]);
    assert.notEqual(metadata.uid, "11111111-2222-3333-4444-555555555555");
    const volumes = await rig.volumeBackups("theirs");
    assert.equal(volumes.length, 2);
    const [done, undone] = volumes as [PodVolumeBackup, PodVolumeBackup];
    assert.deepEqual([done.status?.phase, done.status?.snapshotID], ["Completed", "0123abcd"]);
    assert.equal(done.spec.backupStorageLocation, "shared");
    assert.equal(done.metadata.labels?.["velero.io/backup-uid"], metadata.uid);
    assert.deepEqual(done.metadata.ownerReferences, [
      { apiVersion: "velero.io/v1", kind: "Backup", name: "theirs", uid: metadata.uid, controller: true },
    ]);
    assert.equal(done.metadata.annotations?.["velero.io/pvc-name"], "data");
    assert.equal(undone.status?.phase, "Failed", "an agent of this cluster must not carry it out");
  });

  it("stay away until they have ended; one that never will comes in, and goes for good as its time is over", async () => {
    store("at-work", { status: { phase: "Finalizing" } });
    store("abandoned", { status: { phase: "InProgress", expiration: "2026-01-01T00:00:00Z" } });
    await eventually("its files are deleted", () => !existsSync(folderOf("abandoned")));
    await eventually("it is gone", async () => !(await isHere("abandoned")));
    await anotherRound();
    assert.equal(await isHere("at-work"), false);
    store("at-work", { status: { phase: "PartiallyFailed" } });
    assert.equal((await arrived("at-work")).status?.phase, "PartiallyFailed");
  });

  it("do not come in when they are damaged, which is said once and keeps nobody else out", async () => {
    store("bad-json");
    writeFileSync(join(folderOf("bad-json"), "velero-backup.json"), "{");
    store("bad-label", { metadata: { labels: { "no label": "at all!" } } });
    store("zz-good");
    await arrived("zz-good");
    await anotherRound();
    assert.deepEqual([await isHere("bad-json"), await isHere("bad-label")], [false, false]);
    for (const name of ["bad-json", "bad-label"]) {
      const lines = server
        .output()
        .match(new RegExp(`level=warning .*cannot be brought in.*backup=velero/${name} `, "g"));
      assert.equal(lines?.length, 1, name);
    }
  });

  it("get the rest of their volumes when a server was killed among them", async () => {
    mkdirSync(folderOf("half"), { recursive: true });
    const volume = storedVolume("half-1", "half", { phase: "Completed", snapshotID: "4567abcd" });
    writeFileSync(join(folderOf("half"), "half-podvolumebackups.json.gz"), gzipSync(JSON.stringify([volume])));
    await rig.makeBackup("half", {
      spec: { storageLocation: "shared" },
      annotations: { "stowage.dev/volumes-to-sync": "true" },
      status: { phase: "Completed" },
    });
    store("half");
    await arrived("half");
    assert.equal((await rig.volumeBackups("half")).length, 1);
  });

  it("of the same name in two locations: the first that came stays", async () => {
    store("twice");
    await arrived("twice");
    store("twice", { location: "second", status: { warnings: 9 } });
    store("only-second", { location: "second" });
    await rig.makeLocation("second");
    await arrived("only-second");
    await anotherRound("second");
    const { spec, status } = await rig.get<Backup>("backups", "twice");
    assert.deepEqual([spec.storageLocation, status?.warnings], ["shared", 3]);
  });

  it("are not looked for where a location's period is zero, until it has another", async () => {
    store("patient", { location: "manual" });
    await rig.makeLocation("manual", { backupSyncPeriod: "0s" });
    await rig.when<BackupStorageLocation>(
      "backupstoragelocations",
      "manual",
      ({ status }) => status?.phase === "Available",
    );
    await anotherRound();
    assert.equal(await isHere("patient"), false);
    await rig.patch("backupstoragelocations", "manual", { spec: { backupSyncPeriod: "1h" } });
    await arrived("patient");
    const { status } = await rig.when<BackupStorageLocation>(
      "backupstoragelocations",
      "manual",
      (location) => location.status?.lastSyncedTime !== undefined,
    );
    assert.ok(Date.parse(status?.lastSyncedTime ?? "") <= Date.now());
  });
});

describe("Backups in a bucket", () => {
  it("come in by the prefix of their location, each with its own Secret, and from one that must not be written, too", async () => {
    const cloud = (secret: string): string =>
      `[default]\naws_access_key_id = ${s3.accessKeyId}\naws_secret_access_key = ${secret}\n`;
    const secrets = { one: s3.secretAccessKey, two: s3.secretAccessKey, wrong: "this-is-not-the-secret-access-key" };
    for (const [name, secret] of Object.entries(secrets)) {
      const stringData = { cloud: cloud(secret) };
      await rig.controlPlane.must("POST", "/api/v1/namespaces/velero/secrets", { metadata: { name }, stringData });
      store(`in-${name}`, { folder: join(s3.dataFolder, "shared", name, "backups", `in-${name}`) });
      await rig.make("backupstoragelocations", {
        kind: "BackupStorageLocation",
        metadata: { name: `bucket-${name}` },
        spec: {
          provider: "aws",
          objectStorage: { bucket: "shared", prefix: name },
          accessMode: name === "two" ? "ReadOnly" : "ReadWrite",
          credential: { name, key: "cloud" },
          config: { region: s3.region, s3Url: s3.endpoint, s3ForcePathStyle: "true" },
        },
      });
    }
    const here = await Promise.all([arrived("in-one"), arrived("in-two")]);
    assert.deepEqual(
      here.map(({ spec }) => spec.storageLocation),
      ["bucket-one", "bucket-two"],
    );
    await rig.when<BackupStorageLocation>(
      "backupstoragelocations",
      "bucket-wrong",
      ({ status }) => status?.phase === "Unavailable",
    );
    assert.equal(await isHere("in-wrong"), false);
    rmSync(join(s3.dataFolder, "shared", "two", "backups", "in-two"), { recursive: true });
    await eventually("it is gone", async () => !(await isHere("in-two")));
    assert.equal(await isHere("in-one"), true);
    assert.doesNotMatch(server.output(), /this-is-not-the-secret|stowage-test-secret/);
  });
});

describe("Backups that vanish from their location", () => {
  it("vanish from the cluster, but for those that may never have been stored", async () => {
    await rig.makeBackup("by-hand", { spec: { storageLocation: "shared" }, status: { phase: "Completed" } });
    store("failed", { status: { phase: "Failed" } });
    await arrived("failed");
    for (const name of ["theirs", "failed"]) rmSync(folderOf(name), { recursive: true });
    await eventually("it is gone", async () => !(await isHere("theirs")));
    await anotherRound();
    assert.deepEqual([await isHere("by-hand"), await isHere("failed"), await isHere("zz-good")], [true, true, true]);
    assert.match(await rig.metrics(server), /stowage_backups_vanished_total\{location="shared"\} 1/);
  });

  it("stay when all of the location has: its disk is not mounted", async () => {
    const bucket = join(rig.folder, "shared", "bucket");
    renameSync(bucket, join(rig.folder, "unmounted"));
    await eventually("the server notices", async () => server.output().includes("as if its disk were not mounted"));
    assert.equal(await isHere("zz-good"), true);
    assert.equal(existsSync(bucket), false, "and nothing is made in its place");
    renameSync(join(rig.folder, "unmounted"), bucket);
    await anotherRound();
    assert.equal(await isHere("zz-good"), true);
  });

  it("vanish, too, when they were made here, and not before", async () => {
    await rig.makeNamespace("empty");
    await rig.makeBackup("ours", { spec: { storageLocation: "shared", includedNamespaces: ["empty"] } });
    const { metadata, status } = await rig.backupEnd("ours");
    assert.equal(status?.phase, "Completed");
    await anotherRound();
    assert.equal((await rig.get<Backup>("backups", "ours")).metadata.uid, metadata.uid);
    rmSync(folderOf("ours"), { recursive: true });
    await eventually("it is gone", async () => !(await isHere("ours")));
  });
});
