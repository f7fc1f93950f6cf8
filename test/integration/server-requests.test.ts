// What people ask the server for, on the real control plane: files of a Backup or Restore in a directory (which the server gives
// out itself) and in a bucket (which signs URLs), and what the server is.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { annotations } from "../../src/api/names.ts";
import type { DownloadRequest, DownloadTargetKind, ServerStatusRequest } from "../../src/api/requests.ts";
import { createAuthority } from "../support/certificates.ts";
import { runOnCluster } from "../support/in-process-cli.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let s3: S3Server;
let server: RunningProcess;

before(async () => {
  [rig, s3] = await Promise.all([startServerRig(), startS3Server({ buckets: ["backups"] })]);
  const cloud = `[default]\naws_access_key_id = ${s3.accessKeyId}\naws_secret_access_key = ${s3.secretAccessKey}\n`;
  await rig.controlPlane.must("POST", "/api/v1/namespaces/velero/secrets", {
    metadata: { name: "cloud" },
    stringData: { cloud },
  });
  await rig.makeLocation("directory");
  await rig.makeLocation("bucket", {
    provider: "aws",
    objectStorage: { bucket: "backups", prefix: "here" },
    credential: { name: "cloud", key: "cloud" },
    config: {
      region: s3.region,
      s3Url: s3.endpoint,
      s3ForcePathStyle: "true",
      publicUrl: `http://localhost:${s3.port}`,
    },
  });
  write(join(rig.folder, "directory/bucket/backups/local/local-logs.gz"), gzipSync("a line of the log\n"));
  write(join(rig.folder, "directory/bucket/backups/local/local.tar.gz"), Buffer.alloc((9 << 20) + 1, "tar"));
  write(join(rig.folder, "directory/bucket/restores/again/restore-again-results.gz"), gzipSync("{}"));
  write(join(s3.dataFolder, "backups/here/backups/remote/remote-logs.gz"), gzipSync("a line from afar\n"));
  const status = { phase: "Completed" };
  await rig.makeBackup("local", { spec: { storageLocation: "directory" }, status });
  await rig.makeBackup("remote", { spec: { storageLocation: "bucket" }, status });
  await rig.make("restores", { kind: "Restore", metadata: { name: "again" }, spec: { backupName: "local" }, status });
  // Nothing is synchronised: these Backups have no metadata in their location.
  server = await rig.startServer("--backup-sync-period=0");
});

after(async () => {
  await Promise.all([rig.stop(), s3.stop()]);
});

function write(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

let made = 0;

async function ask(kind: DownloadTargetKind, of: string): Promise<DownloadRequest> {
  made += 1;
  const name = `${of}-${made}`;
  await rig.make("downloadrequests", {
    kind: "DownloadRequest",
    metadata: { name },
    spec: { target: { kind, name: of } },
  });
  return await rig.when<DownloadRequest>("downloadrequests", name, ({ status }) => status?.phase === "Processed");
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** As a client does that trusts nobody but the certificate. */
async function fetchOver(url: string, ca: string | undefined, method = "GET"): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = httpsRequest(url, { method, agent: false, ...(ca === undefined ? {} : { ca }) }, (response) => {
    buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  });
  request.on("error", reject).end();
  return await promise;
}

function addressOf({ metadata, status }: DownloadRequest): { url: string; ca: string | undefined } {
  const url = status?.downloadURL ?? assert.fail(`no URL: ${JSON.stringify(metadata.annotations)}`);
  return { url, ca: metadata.annotations?.[annotations.downloadCertificate] };
}

describe("a DownloadRequest of a location that is a directory", () => {
  it("leads to this server, over TLS that its certificate vouches for, for ten minutes", async () => {
    const request = await ask("BackupLog", "local");
    const { url, ca } = addressOf(request);
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+\/downloads\/[0-9a-f]{64}$/);
    const leftMs = Date.parse(request.status?.expiration ?? "") - Date.now();
    assert.ok(leftMs > 9 * 60_000 && leftMs <= 10 * 60_000, `${leftMs} ms`);
    await assert.rejects(fetchOver(url, undefined), /self.signed/i);
    const { status, body } = await fetchOver(url, ca);
    assert.deepEqual([status, gunzipSync(body).toString()], [200, "a line of the log\n"]);
    assert.ok(!server.output().includes(url.slice(-64)), "the address is nowhere in the log");
  });

  it("works once, and no other address does", async () => {
    const { url, ca } = addressOf(await ask("BackupLog", "local"));
    assert.equal((await fetchOver(url, ca, "POST")).status, 405);
    assert.equal(
      (
        await fetchOver(
          url.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
          ca,
        )
      ).status,
      410,
    );
    assert.equal((await fetchOver(new URL("/backups/local/local-logs.gz", url).href, ca)).status, 410);
    assert.equal((await fetchOver(url, ca)).status, 200);
    const again = await fetchOver(url, ca);
    assert.deepEqual([again.status, /used already/.test(again.body.toString())], [410, true]);
  });

  it("gives large files and those of Restores, and 404 for what a Backup does not have", async () => {
    const tarball = addressOf(await ask("BackupContents", "local"));
    const expected = readFileSync(join(rig.folder, "directory/bucket/backups/local/local.tar.gz"));
    assert.ok((await fetchOver(tarball.url, tarball.ca)).body.equals(expected));
    const results = addressOf(await ask("RestoreResults", "again"));
    assert.equal(gunzipSync((await fetchOver(results.url, results.ca)).body).toString(), "{}");
    const none = addressOf(await ask("BackupVolumeInfos", "local"));
    assert.equal((await fetchOver(none.url, none.ca)).status, 404);
  });

  it("leads where the location's publicUrl says", async () => {
    const config = { path: join(rig.folder, "directory"), publicUrl: "https://backups.example/stowage/" };
    await rig.patch("backupstoragelocations", "directory", { spec: { config } });
    const { url } = addressOf(await ask("BackupLog", "local"));
    assert.match(url, /^https:\/\/backups\.example\/stowage\/downloads\/[0-9a-f]{64}$/);
    await rig.patch("backupstoragelocations", "directory", { spec: { config: { publicUrl: null } } });
  });

  it("says why there is no address when its directory is away", async () => {
    const path = join(rig.folder, "directory");
    renameSync(path, `${path}-away`);
    const { metadata, status } = await ask("BackupLog", "local");
    renameSync(`${path}-away`, path);
    assert.equal(status?.downloadURL, undefined);
    assert.match(metadata.annotations?.[annotations.downloadProblem] ?? "", /is not a directory here; mount it/);
  });
});

describe("a DownloadRequest of a location in S3", () => {
  it("leads to the store by a signed URL, under the store's public name", async () => {
    const { url, ca } = addressOf(await ask("BackupLog", "remote"));
    assert.equal(ca, undefined);
    assert.ok(url.startsWith(`http://localhost:${s3.port}/backups/here/backups/remote/remote-logs.gz?`), url);
    assert.match(url, /X-Amz-Expires=600&/);
    const answer = await fetch(url);
    assert.equal(gunzipSync(Buffer.from(await answer.arrayBuffer())).toString(), "a line from afar\n");
    const none = addressOf(await ask("BackupResults", "remote"));
    assert.equal((await fetch(none.url)).status, 404);
    assert.doesNotMatch(server.output(), /X-Amz-Signature/);
  });
});

describe("a DownloadRequest", () => {
  it("that cannot be answered ends at once, and says why", async () => {
    await rig.makeBackup("nowhere", { spec: { storageLocation: "gone" }, status: { phase: "Completed" } });
    await rig.make("restores", { kind: "Restore", metadata: { name: "orphan" }, spec: { backupName: "gone" } });
    for (const [kind, of, reason] of [
      ["BackupLog", "absent", /no Backup absent/],
      ["BackupLog", "nowhere", /no storage location gone/],
      ["RestoreLog", "absent", /no Restore absent/],
      ["RestoreLog", "orphan", /no Backup gone/],
    ] as const) {
      const { metadata, status } = await ask(kind, of);
      assert.equal(status?.downloadURL, undefined, of);
      assert.match(metadata.annotations?.[annotations.downloadProblem] ?? "", reason);
      assert.ok(Date.parse(status?.expiration ?? "") > Date.now());
    }
  });

  it("is removed when it has expired", async () => {
    const status = { phase: "Processed", downloadURL: "https://x/", expiration: "2026-01-01T00:00:00Z" };
    const spec = { target: { kind: "BackupLog", name: "local" } };
    await rig.make("downloadrequests", { kind: "DownloadRequest", metadata: { name: "old" }, spec, status });
    const names = async (): Promise<string[]> =>
      (await rig.list<DownloadRequest>("downloadrequests")).map(({ metadata }) => metadata.name);
    await eventually("it is gone", async () => !(await names()).includes("old"));
    assert.ok((await names()).length > 5, "the others stay");
  });
});

describe("a ServerStatusRequest", () => {
  it("is what stowage version --server asks, and takes back", async () => {
    const words = ["version", "--server", "--namespace", "velero"];
    const { code, stdout } = await runOnCluster(words, { kubeconfig: rig.controlPlane.adminKubeconfig });
    assert.equal(code, 0);
    assert.match(stdout, /^server: stowage-v\d+\.\d+\.\d+, in namespace velero\n {2}ObjectStore /);
    assert.deepEqual(await rig.list("serverstatusrequests"), []);
  });

  it("is answered with what the server is, and removed a minute later", async () => {
    await rig.make("serverstatusrequests", { kind: "ServerStatusRequest", metadata: { name: "who" }, spec: {} });
    const { status } = await rig.when<ServerStatusRequest>(
      "serverstatusrequests",
      "who",
      (request) => request.status?.phase === "Processed",
    );
    assert.match(status?.serverVersion ?? "", /^stowage-v\d+\.\d+\.\d+$/);
    assert.deepEqual(status?.plugins, [
      { kind: "ObjectStore", name: "stowage.dev/local" },
      { kind: "ObjectStore", name: "velero.io/aws" },
    ]);
    await rig.patch("serverstatusrequests", "who", { status: { processedTimestamp: "2026-01-01T00:00:00Z" } });
    const left = async (): Promise<number> => (await rig.list("serverstatusrequests")).length;
    await eventually("it is gone", async () => (await left()) === 0);
  });
});

describe("the server's downloads", () => {
  it("take the certificate that they are given, and do without an address that is taken", async () => {
    const authority = createAuthority("of the company");
    const { certificatePem, privateKeyPem } = authority.issue("downloads", ["localhost"], ["127.0.0.1"]);
    write(join(rig.folder, "tls/crt.pem"), Buffer.from(certificatePem));
    write(join(rig.folder, "tls/key.pem"), Buffer.from(privateKeyPem));
    const files = [
      `--download-certificate=${join(rig.folder, "tls/crt.pem")}`,
      `--download-key=${join(rig.folder, "tls/key.pem")}`,
    ];
    await server.stop();
    server = await rig.startServer("--backup-sync-period=0", ...files);
    const { url, ca } = addressOf(await ask("BackupLog", "local"));
    assert.equal(ca, undefined);
    assert.equal((await fetchOver(url, authority.certificatePem)).status, 200);
    const taken = new URL(url).host;
    const second = await rig.startServer("--backup-sync-period=0", `--download-address=${taken}`);
    assert.match(second.output(), /downloads .*cannot be served.*EADDRINUSE/);
    await server.stop();
    server = second;
    const { metadata } = await ask("BackupLog", "local");
    assert.match(metadata.annotations?.[annotations.downloadProblem] ?? "", /could not listen at 127\.0\.0\.1/);
    assert.ok(addressOf(await ask("BackupLog", "remote")).url, "buckets need no address of ours");
  });
});
