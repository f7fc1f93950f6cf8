// BackupStorageLocations on the real control plane and a real S3 server: what makes them Available or Unavailable, when
// they are looked at again, and which one is the default.
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

type Spec = BackupStorageLocation["spec"];

let rig: ServerRig;
let s3: S3Server;
let server: RunningProcess;

before(async () => {
  [rig, s3] = await Promise.all([startServerRig(), startS3Server({ buckets: ["backups", "mixed"] })]);
  mkdirSync(join(s3.dataFolder, "mixed", "photos"), { recursive: true });
  const cloud = (secret: string): string =>
    `[default]\naws_access_key_id = ${s3.accessKeyId}\naws_secret_access_key = ${secret}\n`;
  const secrets = "/api/v1/namespaces/velero/secrets";
  for (const [name, value] of [
    ["good", cloud(s3.secretAccessKey)],
    ["bad", cloud(wrongSecret)],
  ])
    await rig.controlPlane.must("POST", secrets, { metadata: { name }, stringData: { cloud: value } });
  server = await rig.startServer("--store-validation-frequency", "1h");
});

after(async () => {
  await Promise.all([rig.stop(), s3.stop()]);
});

const wrongSecret = "this-is-not-the-secret-access-key";

function s3Spec(change: Partial<Spec> = {}): Spec {
  return {
    provider: "aws",
    objectStorage: { bucket: "backups" },
    credential: { name: "good", key: "cloud" },
    config: { region: s3.region, s3Url: s3.endpoint, s3ForcePathStyle: "true" },
    ...change,
  };
}

async function makeS3Location(name: string, change: Partial<Spec> = {}): Promise<void> {
  await rig.make("backupstoragelocations", {
    kind: "BackupStorageLocation",
    metadata: { name },
    spec: s3Spec(change),
  });
}

async function verdict(name: string, phase?: string): Promise<BackupStorageLocation> {
  return await rig.when<BackupStorageLocation>("backupstoragelocations", name, ({ status }) =>
    phase === undefined ? (status?.phase ?? "") !== "" : status?.phase === phase,
  );
}

describe("a location in S3", () => {
  it("is Available when its store answers", async () => {
    await makeS3Location("good");
    const { status } = await verdict("good");
    assert.deepEqual([status?.phase, status?.message], ["Available", ""]);
    assert.ok(Date.parse(status?.lastValidationTime ?? "") > 0);
  });

  const failures: [string, () => Partial<Spec>, RegExp][] = [
    ["denied", () => ({ credential: { name: "bad", key: "cloud" } }), /credentials/i],
    ["no-bucket", () => ({ objectStorage: { bucket: "absent" } }), /absent/],
    ["no-secret", () => ({ credential: { name: "gone", key: "cloud" } }), /Secret velero\/gone .*does not exist/],
    [
      "no-key",
      () => ({ credential: { name: "good", key: "other" } }),
      /Secret velero\/good \(key other\) has no such key/,
    ],
    ["foreign", () => ({ objectStorage: { bucket: "mixed" } }), /folders that do not belong to it: photos/],
    ["provider", () => ({ provider: "gcp" }), /provider gcp is not supported \(aws and local are\)/],
    [
      "no-host",
      () => ({ config: { region: "r", s3Url: "http://127.0.0.1:1", s3ForcePathStyle: "true" } }),
      /127\.0\.0\.1:1/,
    ],
    ["empty", () => ({ objectStorage: { bucket: "" } }), /bucket is empty/],
  ];

  it("is Unavailable with a reason that helps, and without secrets, when it cannot be used", async () => {
    await Promise.all(failures.map(([name, change]) => makeS3Location(name, change())));
    for (const [name, , reason] of failures) {
      const { status } = await verdict(name);
      assert.equal(status?.phase, "Unavailable", name);
      assert.match(status?.message ?? "", reason, name);
      assert.doesNotMatch(status?.message ?? "", new RegExp(`${wrongSecret}|${s3.secretAccessKey}`), name);
    }
    assert.doesNotMatch(server.output(), new RegExp(`${wrongSecret}|${s3.secretAccessKey}`));
  });

  it("is looked at again at once when it is corrected", async () => {
    await rig.patch("backupstoragelocations", "no-bucket", { spec: { objectStorage: { bucket: "backups" } } });
    await rig.patch("backupstoragelocations", "denied", { spec: { credential: { name: "good" } } });
    await rig.patch("backupstoragelocations", "foreign", { spec: { objectStorage: { prefix: "of/its/own" } } });
    for (const name of ["no-bucket", "denied", "foreign"]) await verdict(name, "Available");
    await rig.patch("backupstoragelocations", "good", { spec: { config: { s3Url: "http://127.0.0.1:1" } } });
    await verdict("good", "Unavailable");
  });

  it("is looked at again and again at its own frequency", async () => {
    await makeS3Location("often", { validationFrequency: "1s" });
    await verdict("often", "Available");
    rmSync(join(s3.dataFolder, "backups"), { recursive: true });
    await verdict("often", "Unavailable");
    mkdirSync(join(s3.dataFolder, "backups"));
    await verdict("often", "Available");
  });

  it("may be deleted, and is looked at when it is made again", async () => {
    await rig.delete("backupstoragelocations", "often");
    await makeS3Location("often", { objectStorage: { bucket: "mixed" }, validationFrequency: "0s" });
    await verdict("often", "Unavailable");
    assert.doesNotMatch(server.output(), /giving up/);
  });
});

describe("a location in a directory", () => {
  it("is Available when the directory is there, and never made when it is not", async () => {
    await rig.makeLocation("here");
    await rig.makeLocation("there", { config: { path: join(rig.folder, "not-mounted") } });
    await rig.makeLocation("relative", { config: { path: "backups" } });
    assert.equal((await verdict("here")).status?.phase, "Available");
    assert.match((await verdict("there")).status?.message ?? "", /not-mounted is not a directory here; mount it/);
    assert.match((await verdict("relative")).status?.message ?? "", /absolute path/);
  });
});

describe("the default location", () => {
  const defaults = async (): Promise<string[]> => {
    const all = await rig.list<BackupStorageLocation>("backupstoragelocations");
    return all.filter(({ spec }) => spec.default === true).map(({ metadata }) => metadata.name);
  };

  it("is the one that was made so last", async () => {
    await rig.makeLocation("old-default", { default: true });
    await verdict("old-default");
    // The API server remembers whole seconds.
    const second = Math.floor(Date.now() / 1000);
    await eventually("the next second", () => Math.floor(Date.now() / 1000) > second);
    await rig.makeLocation("new-default", { default: true });
    await eventually("one default is left", async () => (await defaults()).length === 1);
    assert.deepEqual(await defaults(), ["new-default"]);
    const third = Math.floor(Date.now() / 1000);
    await eventually("the next second", () => Math.floor(Date.now() / 1000) > third);
    await rig.patch("backupstoragelocations", "old-default", { spec: { default: true } });
    await eventually("one default is left", async () => (await defaults()).join() === "old-default");
    assert.equal((await verdict("new-default")).status?.phase, "Available");
  });

  it("is taken by a Backup that names none", async () => {
    await rig.makeNamespace("empty");
    await rig.makeBackup("unnamed", { spec: { includedNamespaces: ["empty"] } });
    const { spec, metadata } = (await rig.backupEnd("unnamed")) as Backup;
    assert.equal(spec.storageLocation, "old-default");
    assert.equal(metadata.labels?.["velero.io/storage-location"], "old-default");
  });

  it("is the one that the flag names where no location says that it is, and otherwise there is none", async () => {
    await rig.patch("backupstoragelocations", "old-default", { spec: { default: false } });
    await rig.makeBackup("nowhere", { spec: { includedNamespaces: ["empty"] } });
    const { status } = await rig.backupEnd("nowhere");
    assert.equal(status?.phase, "FailedValidation");
    assert.match(status?.validationErrors?.join() ?? "", /none is the default: set spec.storageLocation/);
    await server.stop();
    server = await rig.startServer("--default-backup-storage-location=here");
    await rig.makeBackup("flagged", { spec: { includedNamespaces: ["empty"] } });
    assert.equal((await rig.backupEnd("flagged")).spec.storageLocation, "here");
  });
});
