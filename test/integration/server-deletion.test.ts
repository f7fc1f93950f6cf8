// Deletions on the real control plane: of what people ask for and of what has expired. The snapshots are stock restic's, the
// bucket is a directory, and what is left of both is what counts.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { openRepository, openStorage, withLock } from "../../repo-format/index.ts";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { DeleteBackupRequest } from "../../src/api/requests.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type ServerRig, startServerRig, type VeleroPlural } from "../support/server-rig.ts";

let rig: ServerRig;
let server: RunningProcess;
let password = "";

before(async () => {
  rig = await startServerRig();
  for (const name of ["main", "busy", "limited", "ttl"]) await rig.makeLocation(name);
  server = await rig.startServer("--deletion-limit", "2");
  for (const location of ["main", "busy"]) await makeRepository("shop", location);
  const path = "/api/v1/namespaces/velero/secrets/velero-repo-credentials";
  const secret = (await rig.controlPlane.must("GET", path)) as { data: Record<string, string> };
  password = Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
});

after(() => rig.stop());

const bucketOf = (location: string): string => join(rig.folder, location, "bucket");
const repositoryOf = (location: string): string => join(bucketOf(location), "restic", "shop");

async function makeRepository(volumeNamespace: string, backupStorageLocation: string): Promise<void> {
  const name = `${volumeNamespace}-${backupStorageLocation}-restic`;
  const spec = { volumeNamespace, backupStorageLocation, maintenanceFrequency: "168h", repositoryType: "restic" };
  await rig.make("backuprepositories", { kind: "BackupRepository", metadata: { name }, spec });
  await rig.when<BackupRepository>("backuprepositories", name, ({ status }) => status?.phase === "Ready");
}

async function snapshotsIn(location: string): Promise<string[]> {
  const { stdout } = await resticMust(["snapshots", "--json", "--no-lock"], {
    repository: repositoryOf(location),
    password,
  });
  return (JSON.parse(stdout) as { short_id: string }[]).map((one) => one.short_id);
}

/** A new snapshot with the tags that agents give. @returns its first eight digits */
async function makeSnapshot(location: string, backup: string): Promise<string> {
  const known = await snapshotsIn(location);
  const file = join(rig.folder, `file-${backup}`);
  writeFileSync(file, `${backup} ${known.length}`);
  const args = ["backup", "--tag", `backup=${backup},backup-uid=uid-of-${backup}`, file];
  await resticMust(args, { repository: repositoryOf(location), password });
  return (await snapshotsIn(location)).find((id) => !known.includes(id)) ?? "";
}

/** Files below a folder; a store without folders has no empty ones. */
function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

function volumeBackup(backup: string, location: string, snapshotID: string): object {
  return {
    apiVersion: "velero.io/v1",
    kind: "PodVolumeBackup",
    metadata: { name: `${backup}-${snapshotID}`, labels: { "velero.io/backup-name": backup } },
    spec: {
      node: "node-1",
      pod: { kind: "Pod", namespace: "shop", name: "web" },
      volume: "data",
      backupStorageLocation: location,
      repoIdentifier: repositoryOf(location),
      uploaderType: "restic",
      tags: { backup, "backup-uid": `uid-of-${backup}` },
    },
    status: { phase: "Completed", snapshotID },
  };
}

interface StoredBackup {
  readonly location: string;
  /** Of volumes that only the bucket knows. */
  readonly remembered?: readonly string[];
  /** Of volumes that the cluster knows, too. */
  readonly known?: readonly string[];
  readonly expiration?: string;
}

/** As a Backup is that ended some time ago: first in the bucket, then in the cluster. */
async function storeBackup(
  name: string,
  { location, remembered = [], known = [], ...rest }: StoredBackup,
): Promise<void> {
  const object = {
    apiVersion: "velero.io/v1",
    kind: "Backup",
    metadata: { name, labels: { "velero.io/storage-location": location } },
    spec: { storageLocation: location },
    status: { phase: "Completed", startTimestamp: "2026-01-01T00:00:00Z", expiration: "2099-01-01T00:00:00Z", ...rest },
  };
  const folder = join(bucketOf(location), "backups", name);
  mkdirSync(folder, { recursive: true });
  const volumes = [...remembered, ...known].map((id) => volumeBackup(name, location, id));
  writeFileSync(join(folder, `${name}-podvolumebackups.json.gz`), gzipSync(JSON.stringify(volumes)));
  writeFileSync(join(folder, `${name}.tar.gz`), "");
  writeFileSync(join(folder, "velero-backup.json"), JSON.stringify(object));
  await rig.make("backups", object);
  for (const id of known) await rig.make("podvolumebackups", volumeBackup(name, location, id));
}

async function askToDelete(backup: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
  const request = {
    kind: "DeleteBackupRequest",
    metadata: { generateName: `${backup}-`, labels },
    spec: { backupName: backup },
  };
  return (await rig.make("deletebackuprequests", request)).metadata.name;
}

async function names(plural: VeleroPlural): Promise<string[]> {
  return (await rig.list<{ metadata: { name: string } }>(plural)).map(({ metadata }) => metadata.name).sort();
}

async function isGone(backup: string): Promise<void> {
  await eventually(`the backup ${backup} is gone`, async () => !(await names("backups")).includes(backup));
}

async function ended(request: string): Promise<string> {
  const isEnded = ({ status }: DeleteBackupRequest): boolean => status?.phase === "Processed";
  return ((await rig.when<DeleteBackupRequest>("deletebackuprequests", request, isEnded)).status?.errors ?? []).join(
    "; ",
  );
}

describe("a DeleteBackupRequest", () => {
  it("leaves nothing of the Backup in the repository, the bucket and the cluster, and all of the others", async () => {
    const [known, remembered, other] = [
      await makeSnapshot("main", "whole"),
      await makeSnapshot("main", "whole"),
      await makeSnapshot("main", "other"),
    ];
    await storeBackup("whole", { location: "main", known: [known], remembered: [remembered] });
    await storeBackup("other", { location: "main", known: [other] });
    for (const [restore, backupName] of [
      ["of-whole", "whole"],
      ["of-other", "other"],
    ] as const) {
      mkdirSync(join(bucketOf("main"), "restores", restore), { recursive: true });
      writeFileSync(join(bucketOf("main"), "restores", restore, `restore-${restore}-logs.gz`), "");
      const status = { phase: "Completed", startTimestamp: "2026-01-02T00:00:00Z" };
      await rig.make("restores", { kind: "Restore", metadata: { name: restore }, spec: { backupName }, status });
    }
    await askToDelete("whole");
    await askToDelete("whole");
    await isGone("whole");
    assert.deepEqual(await snapshotsIn("main"), [other]);
    assert.deepEqual(filesIn(join(bucketOf("main"), "backups", "whole")), []);
    assert.equal(filesIn(join(bucketOf("main"), "backups", "other")).length, 3);
    assert.deepEqual(filesIn(join(bucketOf("main"), "restores")), ["restore-of-other-logs.gz"]);
    assert.deepEqual(await names("restores"), ["of-other"]);
    assert.deepEqual(await names("podvolumebackups"), [`other-${other}`]);
    await eventually("both requests are gone", async () => (await names("deletebackuprequests")).length === 0);
    await resticMust(["check"], { repository: repositoryOf("main"), password });
    assert.match(await rig.metrics(server), /^velero_backup_deletion_success_total{schedule=""} 1$/m);
  });

  it("waits for others who use the repository, also through a restart of the server", async () => {
    const snapshot = await makeSnapshot("busy", "waiting");
    await storeBackup("waiting", { location: "busy", known: [snapshot] });
    const identity = { hostname: "elsewhere", username: "x", pid: 1, uid: 0, gid: 0 };
    const storage = await openStorage(repositoryOf("busy"), {});
    const repository = await openRepository({ storage, password, identity, clock: () => Date.now() });
    await withLock(repository, { exclusive: false }, async () => {
      const request = await askToDelete("waiting");
      const isBegun = ({ status }: DeleteBackupRequest): boolean => status?.phase === "InProgress";
      await rig.when<DeleteBackupRequest>("deletebackuprequests", request, isBegun);
      server.signal("SIGKILL");
      await server.ended;
      server = await rig.startServer("--deletion-limit", "2");
      const { status } = await rig.get<Backup>("backups", "waiting");
      assert.equal(status?.phase, "Deleting");
      assert.deepEqual(await snapshotsIn("busy"), [snapshot]);
    });
    await repository.close();
    await isGone("waiting");
    assert.deepEqual(await snapshotsIn("busy"), []);
  });

  it("is refused with the reason, and changes nothing", async () => {
    await storeBackup("running", { location: "ttl" });
    await rig.patch("backups", "running", { status: { phase: "WaitingForPluginOperations" } });
    assert.match(await ended(await askToDelete("running")), /Backup running is still in progress/);
    assert.match(await ended(await askToDelete("nowhere")), /there is no Backup nowhere/);
    const labels = { "velero.io/backup-name": "other", "velero.io/backup-uid": "of-an-earlier-one" };
    assert.match(await ended(await askToDelete("other", labels)), /for an earlier Backup that was called other/);
    await rig.make("deletebackuprequests", { kind: "DeleteBackupRequest", metadata: { name: "bare" } });
    assert.match(await ended("bare"), /spec\.backupName is missing/);
    const refused = await rig.makeBackup("refused", { spec: { storageLocation: "no-such" } });
    assert.equal((await rig.backupEnd(refused.metadata.name)).status?.phase, "FailedValidation");
    await askToDelete("refused");
    await isGone("refused");
    assert.equal(filesIn(join(bucketOf("ttl"), "backups", "running")).length, 3);
  });
});

describe("a Backup that has expired", () => {
  it("is deleted, and says why while it cannot be", async () => {
    await rig.patch("backupstoragelocations", "ttl", { spec: { accessMode: "ReadOnly" } });
    await storeBackup("stale", { location: "ttl", expiration: "2026-02-01T00:00:00Z" });
    const isLabelled = ({ metadata }: Backup): boolean => metadata.labels?.["velero.io/gc-failure"] === "BSLReadOnly";
    await rig.when<Backup>("backups", "stale", isLabelled);
    await rig.patch("backupstoragelocations", "ttl", { spec: { accessMode: "ReadWrite" } });
    await isGone("stale");
    assert.deepEqual(filesIn(join(bucketOf("ttl"), "backups", "stale")), []);
  });
});

describe("more deletions than the limit", () => {
  it("wait until the word is repeated that the location's condition names", async () => {
    for (const number of [1, 2, 3, 4]) await storeBackup(`many-${number}`, { location: "limited" });
    for (const number of [1, 2]) {
      await askToDelete(`many-${number}`);
      await isGone(`many-${number}`);
    }
    for (const number of [3, 4]) await askToDelete(`many-${number}`);
    const pausedOf = ({ status }: BackupStorageLocation): string | undefined =>
      status?.conditions?.find((one) => one.type === "DeletionsPaused" && one.status === "True")?.message;
    const paused = pausedOf(
      await rig.when<BackupStorageLocation>("backupstoragelocations", "limited", (one) => pausedOf(one) !== undefined),
    );
    const [, word = ""] = /stowage\.dev\/allow-deletions=([0-9a-f]{8})$/.exec(paused ?? "") ?? [];
    assert.notEqual(word, "");
    for (const { metadata } of await rig.list<DeleteBackupRequest>("deletebackuprequests")) {
      if (!metadata.name.startsWith("many-")) continue;
      const isTold = (one: DeleteBackupRequest): boolean =>
        one.metadata.annotations?.["stowage.dev/waiting-for"] === paused;
      await rig.when<DeleteBackupRequest>("deletebackuprequests", metadata.name, isTold);
    }
    assert.deepEqual(
      (await names("backups")).filter((name) => name.startsWith("many-")),
      ["many-3", "many-4"],
    );
    assert.match(await rig.metrics(server), /^stowage_deletions_paused{location="limited"} 1$/m);
    const annotate = (value: string): Promise<void> =>
      rig.patch("backupstoragelocations", "limited", {
        metadata: { annotations: { "stowage.dev/allow-deletions": value } },
      });
    await annotate("true");
    await annotate(word);
    for (const number of [3, 4]) await isGone(`many-${number}`);
    const location = await rig.get<BackupStorageLocation>("backupstoragelocations", "limited");
    const condition = location.status?.conditions?.find(({ type }) => type === "DeletionsPaused");
    assert.deepEqual([condition?.status, condition?.reason], ["False", "DeletionsUsual"]);
  });
});
