// BackupRepositories on the real control plane: made, lost, moved and found again, pruned; and the password that opens
// them all. Stock restic is the judge of what lies in the store.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openRepository, openStorage, withLock } from "../../repo-format/index.ts";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

const secretPath = "/api/v1/namespaces/velero/secrets/velero-repo-credentials";
let rig: ServerRig;
let server: RunningProcess;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("main");
  server = await rig.startServer();
});

after(() => rig.stop());

/** Where the repository of a namespace lies. */
const folderOf = (namespace: string, location = "main"): string =>
  join(rig.folder, location, "bucket", "restic", namespace);

async function passwordText(): Promise<string> {
  const secret = (await rig.controlPlane.must("GET", secretPath)) as { data: Record<string, string> };
  return Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
}

async function setPassword(password: string): Promise<void> {
  const data = { "repository-password": Buffer.from(password).toString("base64") };
  await rig.controlPlane.must("PATCH", secretPath, { data }, "application/merge-patch+json");
}

async function restic(namespace: string, ...args: string[]): Promise<string> {
  const options = { repository: folderOf(namespace), password: await passwordText() };
  return (await resticMust(args, options)).stdout;
}

async function makeRepository(namespace: string, spec: Partial<BackupRepository["spec"]> = {}): Promise<void> {
  await rig.make("backuprepositories", {
    kind: "BackupRepository",
    metadata: { name: namespace },
    spec: {
      volumeNamespace: namespace,
      backupStorageLocation: "main",
      repositoryType: "restic",
      resticIdentifier: "",
      maintenanceFrequency: "168h",
      ...spec,
    },
  });
}

async function becomes(name: string, phase: string, timeoutMs?: number): Promise<BackupRepository> {
  const is = ({ status }: BackupRepository): boolean => status?.phase === phase;
  return await rig.when<BackupRepository>("backuprepositories", name, is, timeoutMs);
}

describe("a new BackupRepository", () => {
  it("is made in the store, and stock restic opens it with the password of the Secret", async () => {
    await makeRepository("shop", { maintenanceFrequency: "0s" });
    const { spec, status } = await becomes("shop", "Ready");
    assert.equal(spec.resticIdentifier, folderOf("shop"));
    assert.equal(spec.maintenanceFrequency, "168h0m0s");
    assert.ok(Date.parse(status?.lastMaintenanceTime ?? "") > 0);
    const config = JSON.parse(await restic("shop", "cat", "config")) as { version: number };
    assert.equal(config.version, 2);
    await restic("shop", "check");
    assert.equal(Buffer.from(await passwordText(), "base64url").length, 32);
  });

  it("is opened, not made anew, when it is there already", async () => {
    const before = await restic("shop", "cat", "config");
    await makeRepository("same-place", { volumeNamespace: "shop" });
    await becomes("same-place", "Ready");
    assert.equal(await restic("shop", "cat", "config"), before);
    await rig.delete("backuprepositories", "same-place");
  });

  it("is NotReady with the reason while its location does not exist, and Ready soon after it does", async () => {
    await makeRepository("early", { backupStorageLocation: "late" });
    const { status } = await becomes("early", "NotReady");
    assert.match(status?.message ?? "", /BackupStorageLocation late does not exist/);
    await rig.makeLocation("late");
    await becomes("early", "Ready", 10_000);
  });

  it("is only looked for in a read-only location", async () => {
    await rig.makeLocation("archive", { accessMode: "ReadOnly" });
    await makeRepository("reader", { backupStorageLocation: "archive" });
    await becomes("reader", "NotReady");
    assert.equal(existsSync(folderOf("reader", "archive")), false);
  });

  it("stands in nobody's way when it has no spec, which the API server takes", async () => {
    await rig.make("backuprepositories", { kind: "BackupRepository", metadata: { name: "bare" } });
    await makeRepository("after-bare");
    await becomes("after-bare", "Ready");
    await rig.delete("backuprepositories", "bare");
  });

  it("is left alone when it is of another type", async () => {
    await makeRepository("kopia", { repositoryType: "kopia" });
    await makeRepository("after-kopia");
    await becomes("after-kopia", "Ready");
    assert.equal((await rig.get<BackupRepository>("backuprepositories", "kopia")).status, undefined);
  });
});

describe("a BackupRepository whose location changes", () => {
  /** What the log of the server says of a repository, in order. */
  const storyOf = (name: string): string => {
    const lines = server.output().split("\n");
    const ofIt = lines.filter((line) => `${line} `.includes(` repository=${name} `));
    return ofIt.map((line) => /msg="a repository('s| is) ([a-z ]+)"/.exec(line)?.[2] ?? "").join(", ");
  };

  it("is NotReady and then established in the new place", async () => {
    await rig.makeLocation("moving");
    await makeRepository("mover", { backupStorageLocation: "moving" });
    await becomes("mover", "Ready");
    await rig.patch("backupstoragelocations", "moving", { spec: { objectStorage: { prefix: "below" } } });
    const there = join(rig.folder, "moving", "bucket", "below", "restic", "mover");
    const isThere = ({ spec, status }: BackupRepository): boolean =>
      status?.phase === "Ready" && spec.resticIdentifier?.includes("/below/") === true;
    const { spec } = await rig.when<BackupRepository>("backuprepositories", "mover", isThere);
    assert.equal(spec.resticIdentifier, there);
    assert.ok(existsSync(join(there, "config")));
    assert.equal(storyOf("mover"), "ready, location has changed, ready");
  });

  it("is established anew when only the way to it changes", async () => {
    await rig.patch("backupstoragelocations", "moving", { spec: { config: { insecureSkipTLSVerify: "true" } } });
    const story = "ready, location has changed, ready, location has changed, ready";
    await eventually("it was established anew", () => storyOf("mover") === story);
  });

  it("is NotReady when the location is deleted", async () => {
    await rig.delete("backupstoragelocations", "moving");
    await becomes("mover", "NotReady");
  });
});

describe("the password", () => {
  it("that is wrong makes repositories NotReady with a message that names the Secret and not the password", async () => {
    const right = await passwordText();
    await setPassword("quite-another-password");
    await makeRepository("second-look", { volumeNamespace: "shop" });
    const { status } = await becomes("second-look", "NotReady", 40_000);
    assert.match(status?.message ?? "", /Secret velero\/velero-repo-credentials \(key repository-password\)/);
    assert.doesNotMatch(`${status?.message}${server.output()}`, new RegExp(`quite-another-password|${right}`));
    await setPassword(right);
    await rig.patch("backuprepositories", "second-look", { metadata: { labels: { look: "again" } } });
    await becomes("second-look", "Ready");
  });

  it("is never changed by a restart, nor replaced when it was lost", async () => {
    const right = await passwordText();
    await server.stop();
    server = await rig.startServer();
    assert.equal(await passwordText(), right);
    await server.stop();
    await rig.controlPlane.must("DELETE", secretPath);
    server = await rig.startServer();
    assert.match(server.output(), /level=error msg="the Secret with the repositories' password is gone/);
    assert.equal((await rig.controlPlane.call("GET", secretPath)).status, 404);
    await rig.when<BackupRepository>(
      "backuprepositories",
      "shop",
      ({ status }) => status?.phase === "NotReady" && status.message?.includes("does not exist") === true,
    );
    const path = "/api/v1/namespaces/velero/secrets";
    const stringData = { "repository-password": right };
    await rig.controlPlane.must("POST", path, { metadata: { name: "velero-repo-credentials" }, stringData });
    await rig.patch("backuprepositories", "shop", { metadata: { labels: { look: "again" } } });
    await becomes("shop", "Ready");
  });
});

describe("maintenance", () => {
  it("removes what no snapshot needs at once where another program has snapshots, and says so in the status", async () => {
    const files = join(rig.folder, "files");
    mkdirSync(files);
    writeFileSync(join(files, "one"), "x".repeat(100_000));
    await restic("shop", "backup", files);
    const [snapshot] = JSON.parse(await restic("shop", "snapshots", "--json")) as { id: string }[];
    await restic("shop", "forget", snapshot?.id ?? "");
    const garbage = countPacks("shop");
    writeFileSync(join(files, "one"), "y".repeat(100_000));
    await restic("shop", "backup", "--force", files);
    const needed = countPacks("shop") - garbage;
    assert.ok(garbage > 0 && needed > 0);
    const lastMaintenanceTime = "2026-01-01T00:00:00Z";
    await rig.patch("backuprepositories", "shop", { status: { lastMaintenanceTime } });
    const done = await rig.when<BackupRepository>(
      "backuprepositories",
      "shop",
      ({ status }) => (status?.recentMaintenance ?? []).length > 0,
    );
    assert.equal(done.status?.recentMaintenance?.[0]?.result, "Succeeded");
    assert.ok(Date.parse(done.status?.lastMaintenanceTime ?? "") > Date.parse(lastMaintenanceTime));
    assert.equal(done.status?.phase, "Ready");
    assert.equal(countPacks("shop"), needed);
    await restic("shop", "check", "--read-data");
  });

  it("marks what no snapshot needs where all is its own, so that agents go on", async () => {
    await makeRepository("own");
    await becomes("own", "Ready");
    assert.equal(readdirSync(join(folderOf("own"), "stowage", "origin")).length, 1);
    const files = join(rig.folder, "files");
    await restic("own", "backup", files);
    const [snapshot] = JSON.parse(await restic("own", "snapshots", "--json")) as { id: string }[];
    await restic("own", "forget", snapshot?.id ?? "");
    const packs = countPacks("own");
    await rig.patch("backuprepositories", "own", { status: { lastMaintenanceTime: "2026-01-01T00:00:00Z" } });
    const done = await rig.when<BackupRepository>(
      "backuprepositories",
      "own",
      ({ status }) => (status?.recentMaintenance ?? []).length > 0,
    );
    assert.equal(done.status?.recentMaintenance?.[0]?.result, "Succeeded");
    assert.equal(countPacks("own"), packs, "a run that comes a day later deletes them");
    assert.equal(readdirSync(join(folderOf("own"), "stowage", "pending-deletions")).length, 1);
    await restic("own", "check", "--read-data");
  });

  it("tells of a failure and leaves the repository Ready", async () => {
    await makeRepository("torn");
    await becomes("torn", "Ready");
    const files = join(rig.folder, "files");
    await restic("torn", "backup", files);
    const index = join(folderOf("torn"), "index");
    renameSync(index, `${index}-gone`);
    mkdirSync(index);
    await rig.patch("backuprepositories", "torn", { status: { lastMaintenanceTime: "2026-01-01T00:00:00Z" } });
    const { status } = await rig.when<BackupRepository>(
      "backuprepositories",
      "torn",
      (one) => (one.status?.recentMaintenance ?? []).length > 0,
    );
    assert.deepEqual([status?.phase, status?.recentMaintenance?.[0]?.result], ["Ready", "Failed"]);
    assert.match(status?.recentMaintenance?.[0]?.message ?? "", /index/);
    assert.equal(status?.lastMaintenanceTime, "2026-01-01T00:00:00Z", "it is still due");
    rmSync(index, { recursive: true });
    renameSync(`${index}-gone`, index);
    await restic("torn", "check");
  });

  it("is left out while the location is read-only", async () => {
    await rig.makeLocation("frozen");
    await makeRepository("frost", { backupStorageLocation: "frozen" });
    await becomes("frost", "Ready");
    await rig.patch("backupstoragelocations", "frozen", { spec: { accessMode: "ReadOnly" } });
    await rig.patch("backuprepositories", "frost", { status: { lastMaintenanceTime: "2026-01-01T00:00:00Z" } });
    // By then it has looked at the other one.
    await makeRepository("after-frost");
    await becomes("after-frost", "Ready");
    const { status } = await rig.get<BackupRepository>("backuprepositories", "frost");
    assert.deepEqual([status?.phase, status?.recentMaintenance], ["Ready", undefined]);
    const locations = await rig.get<BackupStorageLocation>("backupstoragelocations", "frozen");
    assert.equal(locations.spec.accessMode, "ReadOnly");
  });

  it("removes locks that were left behind, as soon as a server looks, and no others", async () => {
    await makeRepository("locked");
    await becomes("locked", "Ready");
    await server.stop();
    const { metadata } = (await rig.controlPlane.must("GET", "/api/v1/namespaces/velero")) as {
      metadata: { uid: string };
    };
    const earlierServer = { server: metadata.uid, process: "earlier" };
    await leaveLock({ ageMinutes: 31 });
    await leaveLock({ ageMinutes: 11, extra: earlierServer });
    const held = [await leaveLock({ ageMinutes: 11 }), await leaveLock({ ageMinutes: 2, extra: earlierServer })];
    server = await rig.startServer();
    const locks = join(folderOf("locked"), "locks");
    await eventually("two are gone", () => readdirSync(locks).length === 2);
    assert.deepEqual(readdirSync(locks).sort(), held.sort());
  });
});

/** A lock whose owner has ended without removing it. @returns the file's name */
async function leaveLock({
  ageMinutes,
  extra,
}: {
  ageMinutes: number;
  extra?: Record<string, string>;
}): Promise<string> {
  const identity = {
    hostname: "elsewhere",
    username: "x",
    pid: 1,
    uid: 0,
    gid: 0,
    ...(extra === undefined ? {} : { extra }),
  };
  const repository = await openRepository({
    storage: await openStorage(folderOf("locked"), {}),
    password: await passwordText(),
    identity,
    clock: () => Date.now() - ageMinutes * 60_000,
  });
  const locks = join(folderOf("locked"), "locks");
  const before = new Set(readdirSync(locks));
  let left = "";
  await withLock(repository, { exclusive: false }, async () => {
    left = readdirSync(locks).find((name) => !before.has(name)) ?? "";
    copyFileSync(join(locks, left), join(rig.folder, left));
  });
  copyFileSync(join(rig.folder, left), join(locks, left));
  await repository.close();
  return left;
}

function countPacks(namespace: string): number {
  const data = join(folderOf(namespace), "data");
  return readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
