// Storage locations and Secrets to opened repositories, on a directory and on a real S3 server.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { type ArchiveResult, archive, initRepository, type StorageTraffic } from "../../repo-format/index.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { RepositoryAccessOptions, RepositoryTarget } from "../../src/repository-access/repository-access.ts";
import { RepositoryAccess } from "../../src/repository-access/repository-access.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { cheapKdf, testIdentity } from "../support/memory-repository.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

type Secrets = Map<string, Record<string, string>>;

const password = "the-password-of-all";

function secretsWith(more: Record<string, Record<string, string>> = {}): Secrets {
  return new Map(Object.entries({ "velero-repo-credentials": { "repository-password": password }, ...more }));
}

function accessWith(
  t: TestContext,
  secrets: Secrets,
  options: Partial<RepositoryAccessOptions> = {},
): RepositoryAccess {
  const find = async (_: unknown, { name }: { name: string }): Promise<unknown> => {
    const data = Object.entries(secrets.get(name) ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value).toString("base64"),
    ]);
    return secrets.has(name) ? { metadata: { name }, data: Object.fromEntries(data) } : undefined;
  };
  const access = new RepositoryAccess({
    client: { find } as unknown as RepositoryAccessOptions["client"],
    namespace: "velero",
    identity: testIdentity,
    clock: () => Date.now(),
    requests: { retry: { maxElapsedMs: 0, firstDelayMs: 0 } },
    ...options,
  });
  t.after(() => access.close());
  return access;
}

function locationAt(path: string): BackupStorageLocation {
  return {
    metadata: { name: "default" },
    spec: { provider: "local", objectStorage: { bucket: "bucket" }, config: { path } },
  };
}

/** A repository whose key costs nothing to open. */
async function storeRepository(target: RepositoryTarget): Promise<string> {
  const path = join(target.location.spec.config?.path ?? "", "bucket", "restic", target.volumeNamespace);
  const storage = new LocalDirectoryStorage(path, { create: true });
  return (await initRepository({ storage, password, identity: testIdentity, kdf: cheapKdf })).id;
}

/** A location in the server's bucket, and the Secrets that it needs. */
function bucketOf(server: S3Server): { location: BackupStorageLocation; secrets: Secrets } {
  const cloud = `[default]\naws_access_key_id=${server.accessKeyId}\naws_secret_access_key=${server.secretAccessKey}\n`;
  const location: BackupStorageLocation = {
    metadata: { name: "default" },
    spec: {
      provider: "aws",
      objectStorage: { bucket: "velero" },
      config: { region: server.region, s3Url: server.endpoint, s3ForcePathStyle: "true" },
      credential: { name: "cloud-credentials", key: "cloud" },
    },
  };
  return { location, secrets: secretsWith({ "cloud-credentials": { cloud } }) };
}

describe("RepositoryAccess on a directory", () => {
  it("keeps no copies of a repository that is a directory itself", async (t) => {
    const target = { location: locationAt(temporaryDirectory(t)), volumeNamespace: "ns" };
    await storeRepository(target);
    const directory = join(temporaryDirectory(t), "cache");
    const repository = await accessWith(t, secretsWith(), { cache: { directory } }).open(target);
    await repository.refreshIndex();
    for await (const _ of repository.snapshots()) assert.fail("there is none");
    assert.equal(existsSync(directory), false);
  });

  it("makes the repository of a namespace where Velero's rules say, and opens it again", async (t) => {
    const path = temporaryDirectory(t);
    const target = { location: locationAt(path), volumeNamespace: "ns" };
    const access = accessWith(t, secretsWith());
    await assert.rejects(access.open(target), { code: "repository-missing" });
    const made = await access.openOrInit(target);
    assert.ok(readFileSync(join(path, "bucket", "restic", "ns", "config")).length > 0);
    assert.equal(await access.open(target), made, "it stays open");
    const other = await accessWith(t, secretsWith()).openOrInit(target);
    assert.equal(other.id, made.id);
    assert.deepEqual(await access.listTopFolders(target.location), ["restic"]);
  });

  it("opens a repository once for all who ask at the same time, and again after forget", async (t) => {
    const target = { location: locationAt(temporaryDirectory(t)), volumeNamespace: "ns" };
    const id = await storeRepository(target);
    const access = accessWith(t, secretsWith());
    const opened = await Promise.all([1, 2, 3].map(() => access.open(target)));
    assert.equal(new Set(opened).size, 1);
    assert.equal(opened[0]?.id, id);
    access.forget(target);
    assert.notEqual(await access.open(target), opened[0]);
  });

  it("an identifier of the resource wins over the computed one", async (t) => {
    const elsewhere = { location: locationAt(temporaryDirectory(t)), volumeNamespace: "other" };
    const id = await storeRepository(elsewhere);
    const identifier = join(elsewhere.location.spec.config?.path ?? "", "bucket/restic/other");
    const access = accessWith(t, secretsWith());
    const target = { location: locationAt(temporaryDirectory(t)), volumeNamespace: "ns", identifier };
    assert.equal((await access.open(target)).id, id);
    await assert.rejects(access.open({ ...target, identifier: "" }), { code: "repository-missing" });
    await assert.rejects(access.open({ ...target, identifier: "gs:bucket:/restic/ns" }), {
      code: "storage-misconfigured",
    });
  });

  it("a changed password is noticed: what is open under the old one is not given out", async (t) => {
    const target = { location: locationAt(temporaryDirectory(t)), volumeNamespace: "ns" };
    await storeRepository(target);
    const secrets = secretsWith();
    const access = accessWith(t, secrets);
    await access.open(target);
    secrets.set("velero-repo-credentials", { "repository-password": "another-password" });
    const error = await access.open(target).catch((reason: Error & { code: string }) => reason);
    assert.ok(error instanceof Error && error.code === "wrong-password");
    assert.ok(!JSON.stringify([error, error.message, error.stack]).includes("another-password"));
    secrets.delete("velero-repo-credentials");
    await assert.rejects(access.open(target), { code: "secret-unusable" });
  });

  it("keeps only so many open", async (t) => {
    const location = locationAt(temporaryDirectory(t));
    const targets = ["a", "b", "c"].map((volumeNamespace) => ({ location, volumeNamespace }));
    for (const target of targets) await storeRepository(target);
    const access = accessWith(t, secretsWith(), { maxOpen: 2 });
    const first = await Promise.all(targets.map((target) => access.open(target)));
    assert.equal(await access.open(targets[2]!), first[2]);
    assert.equal(await access.open(targets[1]!), first[1]);
    assert.notEqual(await access.open(targets[0]!), first[0]);
  });

  it("who waits for another's opening is not stopped when that one gives up", async (t) => {
    const target = { location: locationAt(temporaryDirectory(t)), volumeNamespace: "ns" };
    await storeRepository(target);
    const access = accessWith(t, secretsWith());
    const controller = new AbortController();
    const impatient = access.open(target, controller.signal);
    const patient = access.open(target);
    setImmediate(() => controller.abort());
    await impatient.catch((error: Error & { code: string }) => assert.equal(error.code, "cancelled"));
    assert.ok((await patient).id);
  });

  it("a directory that is not mounted here is an error, and nothing is made", async (t) => {
    const path = join(temporaryDirectory(t), "not-mounted");
    const target = { location: locationAt(path), volumeNamespace: "ns" };
    const access = accessWith(t, secretsWith());
    const expected = { code: "storage-location-unusable", message: new RegExp(`${path} is not a directory here`) };
    await assert.rejects(access.openOrInit(target), expected);
    await assert.rejects(access.listTopFolders(target.location), expected);
    writeFileSync(path, "");
    await assert.rejects(access.open(target), expected);
  });

  it("lists what lies at the top of the location", async (t) => {
    const path = temporaryDirectory(t);
    for (const folder of ["backups", "restic", "strange"]) mkdirSync(join(path, "bucket", folder), { recursive: true });
    assert.deepEqual(await accessWith(t, secretsWith()).listTopFolders(locationAt(path)), [
      "backups",
      "restic",
      "strange",
    ]);
  });
});

describe("RepositoryAccess on S3", () => {
  it("with a cache, a process that starts again fetches no index, snapshot or tree another time", async (t) => {
    const server = await startS3Server({ buckets: ["velero"] });
    t.after(() => server.stop());
    const { location, secrets } = bucketOf(server);
    const target = { location, volumeNamespace: "ns" };
    const folder = temporaryDirectory(t);
    const [source, directory] = [join(folder, "source"), join(folder, "cache")];
    mkdirSync(source);
    writeFileSync(join(source, "file"), "content");
    const backUp = async (access: RepositoryAccess): Promise<ArchiveResult> => {
      const repository = await access.openOrInit(target);
      return await archive(repository, { ...backupDefaults(source), paths: ["/volume"] });
    };
    const getsOf = ({ requests }: StorageTraffic): number => requests.get;
    const first = await backUp(accessWith(t, secrets));
    assert.ok(first.snapshotId !== undefined);
    const uncached = await backUp(accessWith(t, secrets));
    assert.equal(uncached.parentId, first.snapshotId);
    assert.equal(getsOf(uncached.report.traffic as StorageTraffic), 3, "the snapshot, its index and its tree");
    const filling = await backUp(accessWith(t, secrets, { cache: { directory } }));
    assert.equal(getsOf(filling.report.traffic as StorageTraffic), 4, "one snapshot more");

    const again = accessWith(t, secrets, { cache: { directory } });
    const cached = await backUp(again);
    assert.equal(cached.parentId, filling.snapshotId);
    const traffic = cached.report.traffic as StorageTraffic;
    assert.equal(getsOf(traffic), 0, `requests by kind of file: ${JSON.stringify(traffic.files)}`);
    assert.equal(again.traffic.requests.get, 2, "config and key only");

    rmSync(directory, { recursive: true });
    writeFileSync(directory, "a file is no place for copies");
    const warnings: string[] = [];
    const cache = { directory, onWarning: (message: string) => warnings.push(message) };
    const without = await backUp(accessWith(t, secrets, { cache }));
    assert.equal(without.parentId, cached.snapshotId, "what is lost is fetched again");
    assert.equal(warnings.length, 1);
  });

  it("gets at the store with the location's Secret, certificate and URL", async (t) => {
    const server = await startS3Server({ tls: true, buckets: ["velero"] });
    t.after(() => server.stop());
    const cloud = `[default]\naws_access_key_id=${server.accessKeyId}\naws_secret_access_key=${server.secretAccessKey}\n`;
    const caCert = readFileSync(server.caFile ?? "").toString("base64");
    const location: BackupStorageLocation = {
      metadata: { name: "default" },
      spec: {
        provider: "aws",
        objectStorage: { bucket: "velero", prefix: "cluster-1", caCert },
        config: { region: server.region, s3Url: server.endpoint, s3ForcePathStyle: "true" },
        credential: { name: "cloud-credentials", key: "cloud" },
      },
    };
    const secrets = secretsWith({ "cloud-credentials": { cloud } });
    const target = { location, volumeNamespace: "ns" };
    const access = accessWith(t, secrets);
    assert.deepEqual(await access.listTopFolders(location), []);
    const repository = await access.openOrInit(target);
    assert.ok(readFileSync(join(server.dataFolder, "velero/cluster-1/restic/ns/config")).length > 0);
    assert.deepEqual(await access.listTopFolders(location), ["restic"]);

    secrets.set("cloud-credentials", { cloud: cloud.replace(server.secretAccessKey, "a-wrong-secret-key") });
    const denied = await access.open(target).catch((error: Error & { code: string }) => error);
    assert.ok(denied instanceof Error && denied.code === "storage-denied");
    assert.ok(!JSON.stringify([denied, denied.message, denied.stack]).includes("a-wrong-secret-key"));
    secrets.set("cloud-credentials", { cloud });
    assert.equal(await access.open(target), repository, "the old settings find the repository that is open");

    const { caCert: _, ...objectStorage } = location.spec.objectStorage;
    const untrusting = { ...location, spec: { ...location.spec, objectStorage } };
    await assert.rejects(access.listTopFolders(untrusting), { code: "storage-misconfigured", message: /trusted TLS/ });
    const config = { ...location.spec.config, insecureSkipTLSVerify: "true" };
    assert.deepEqual(await access.listTopFolders({ ...untrusting, spec: { ...untrusting.spec, config } }), ["restic"]);
  });

  it("makes the bucket with the first repository, as restic does, but reports a missing one when it is validated", async (t) => {
    const server = await startS3Server({ buckets: ["some-other"] });
    t.after(() => server.stop());
    const cloud = `[default]\naws_access_key_id=${server.accessKeyId}\naws_secret_access_key=${server.secretAccessKey}\n`;
    const location: BackupStorageLocation = {
      metadata: { name: "default" },
      spec: {
        provider: "aws",
        objectStorage: { bucket: "velero" },
        config: { s3Url: server.endpoint },
        credential: { name: "cloud-credentials", key: "cloud" },
      },
    };
    const access = accessWith(t, secretsWith({ "cloud-credentials": { cloud } }));
    await assert.rejects(access.listTopFolders(location), {
      code: "storage-misconfigured",
      message: `the bucket velero does not exist at ${server.endpoint}`,
    });
    await access.openOrInit({ location, volumeNamespace: "ns" });
    assert.deepEqual(await access.listTopFolders(location), ["restic"]);
  });
});
