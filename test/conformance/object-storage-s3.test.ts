// The suite on a real S3 server, and what only a server can show: certificates, credentials, buckets, outages.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import dns from "node:dns";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { StorageOptions } from "../../repo-format/storage/location.ts";
import { openStorage } from "../../repo-format/storage/location.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import type { S3CredentialSettings } from "../../repo-format/storage/s3/s3-options.ts";
import { S3Storage } from "../../repo-format/storage/s3/s3-storage.ts";
import { newStorageMeter } from "../../repo-format/storage/storage-meter.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startS3Server } from "../support/s3-server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { assertCode, collect, describeObjectStorage, sha256 } from "./object-storage-suite.ts";

describeObjectStorage("S3Storage with a prefix", async () => {
  const server = await startS3Server();
  const storage = new S3Storage({
    endpoint: server.endpoint,
    bucket: "bucket",
    prefix: "some/prefix",
    credentials: keysOf(server),
  });
  return { storage, dispose: () => server.stop(), listedObjects: 1050 };
});

describeObjectStorage("S3Storage that lists by the first version", async () => {
  const server = await startS3Server();
  const storage = new S3Storage({
    endpoint: server.endpoint,
    bucket: "bucket",
    prefix: "some/prefix",
    listObjectsV1: true,
    credentials: keysOf(server),
  });
  return { storage, dispose: () => server.stop(), listedObjects: 1050 };
});

describeObjectStorage("openStorage on S3 with TLS, all wrappers together", async () => {
  const server = await startS3Server({ tls: true });
  const storage = await openStorage(server.location(), {
    meter: newStorageMeter(),
    s3: { credentials: keysOf(server), caCertificates: authorityOf(server) },
  });
  return { storage, dispose: () => server.stop() };
});

describe("S3Storage on a server", () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server();
  });
  after(() => server.stop());
  const open = (options: StorageOptions["s3"] = {}, bucket?: string): Promise<ObjectStorage> =>
    openStorage(server.location(bucket, "x"), {
      retry: { maxElapsedMs: 0, firstDelayMs: 0 },
      s3: { credentials: keysOf(server), ...options },
    });

  it("a body that does not have the SHA-256 that was said is refused and not stored", async () => {
    const storage = await open();
    for (const size of [10, 16 << 20]) {
      const wrong = sha256(Buffer.from("other bytes"));
      await assertCode("object-refused", () => storage.put("data/ab/wrong", randomBytes(size), { sha256: wrong }));
      await assertCode("object-missing", () => storage.get("data/ab/wrong"));
    }
  });

  it("the wrong secret is storage-denied, also for an upload that the server does not read to its end", async () => {
    const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: "not-the-secret-at-all" };
    const storage = await open({ credentials });
    const errors = [
      await assertCode("storage-denied", () => storage.get("config")),
      await assertCode("storage-denied", () => storage.stat("config")),
      await assertCode("storage-denied", () => collect(storage.list(""))),
      await assertCode("storage-denied", () => storage.put("config", Buffer.from("x"))),
      await assertCode("storage-denied", () => storage.put("data/ab/large", randomBytes(16 << 20))),
      await assertCode("storage-denied", () => storage.delete("config")),
    ];
    for (const error of errors) {
      const shown = [error.message, JSON.stringify(error), error.stack, String(error.cause)].join("\n");
      assert.ok(!shown.includes(credentials.secretAccessKey), shown);
      assert.match(error.message, /bucket at http:\/\/127\.0\.0\.1/);
    }
  });

  it("an unknown access key is storage-denied, not a missing object", async () => {
    const storage = await open({ credentials: { accessKeyId: "nobody", secretAccessKey: "nothing" } });
    await assertCode("storage-denied", () => storage.get("config"));
  });

  it("a missing bucket is storage-misconfigured and named, with its endpoint", async () => {
    const storage = await open({}, "no-such-bucket");
    const calls = [
      () => storage.get("config"),
      () => storage.getRange("config", 0, 1),
      () => storage.put("config", Buffer.from("x")),
      () => collect(storage.list("")),
      () => storage.listFolders(""),
    ];
    for (const call of calls) {
      const error = await assertCode("storage-misconfigured", call);
      assert.equal(error.message, `the bucket no-such-bucket does not exist at ${server.endpoint}`);
    }
  });

  it("prepare makes the bucket when that is asked for, and only then", async () => {
    const plain = await open({}, "new-bucket");
    await plain.prepare();
    await assertCode("storage-misconfigured", () => plain.put("config", Buffer.from("x")));
    const creating = await open({ createBucket: true }, "new-bucket");
    await Promise.all([creating.prepare(), creating.prepare()]);
    await creating.put("config", Buffer.from("x"));
    assert.deepEqual(await plain.get("config"), Buffer.from("x"));
  });

  it("keys may come from the text of a shared credentials file, or from the file, by profile", async (t) => {
    const text = `[other]\naws_access_key_id=nobody\naws_secret_access_key=nothing\n\n[ours]\r\naws_access_key_id = ${server.accessKeyId}\r\naws_secret_access_key = ${server.secretAccessKey}\r\n`;
    const file = join(temporaryDirectory(t), "credentials");
    writeFileSync(file, text);
    for (const source of [{ sharedCredentials: text }, { sharedCredentialsFile: file }]) {
      await (await open({ credentials: { ...source, profile: "ours" } })).put("credentials", Buffer.from("x"));
      await assertCode("storage-denied", async () =>
        (await open({ credentials: { ...source, profile: "other" } })).get("credentials"),
      );
    }
    await assertCode("storage-denied", async () =>
      (await open({ credentials: { anonymous: true } })).get("credentials"),
    );
  });

  it("a file that changes while it is sent is refused and not stored", async (t) => {
    const storage = await open();
    const path = join(temporaryDirectory(t), "changing");
    writeFileSync(path, randomBytes(3 << 20));
    let pieces = 0;
    const pace = async (): Promise<void> => {
      pieces += 1;
      if (pieces === 1) writeFileSync(path, randomBytes(3 << 20));
    };
    await assertCode("object-refused", () => storage.putFile("changing", path, { pace }));
    await assertCode("object-missing", () => storage.get("changing"));
    assert.equal(pieces, 3);
  });

  it("a file costs no more memory than a few pieces of it", async (t) => {
    const meter = newStorageMeter();
    const storage = await openStorage(server.location(), { meter, s3: { credentials: keysOf(server) } });
    const path = join(temporaryDirectory(t), "large");
    // Four times as much as V8 lets buffers pile up before it collects those that nobody holds any more; a hole on the disk.
    const sizeBytes = 256 << 20;
    writeFileSync(path, "stowage");
    truncateSync(path, sizeBytes);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const pace = async (): Promise<void> => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    };
    assert.equal(await storage.putFile("large", path, { pace }), sizeBytes);
    assert.ok(most < sizeBytes / 2, `${most >> 20} MiB`);
    assert.equal(meter.bytesSent, sizeBytes);
    assert.equal((await storage.stat("large")).sizeBytes, sizeBytes);
  });

  it("the clock of the server is learnt from its answers", async () => {
    const storage = await open({ clock: () => Date.now() + 3_600_000 });
    assert.equal(storage.clockOffsetMs, undefined);
    await storage.put("clock", Buffer.from("x"));
    assert.ok(Math.abs((storage.clockOffsetMs ?? 0) + 3_600_000) < 60_000, String(storage.clockOffsetMs));
  });

  it("a signed URL reads its object, no other, without keys and until it expires", async () => {
    const storage = await open();
    const key = "signed/a b+c(1)'%41*ü";
    await storage.put(key, Buffer.from("for everybody"));
    await storage.put("signed/other", Buffer.from("not this one"));
    const url = await signed(storage, key, 60_000);
    const answer = await fetch(url);
    assert.deepEqual([answer.status, await answer.text()], [200, "for everybody"]);
    assert.equal((await fetch(url.replace(/signed\/[^?]*/, "signed/other"))).status, 403);
    assert.equal((await fetch(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))).status, 403);
    assert.equal((await fetch(url, { method: "DELETE" })).status, 403);
    assert.ok(!url.includes(server.secretAccessKey));
    assert.equal((await fetch(await signed(storage, "signed/none", 60_000))).status, 404);
    const short = await signed(storage, key, 1000);
    const until = Date.now() + 10_000;
    while ((await fetch(short).then(drained)).status === 200) assert.ok(Date.now() < until, "it never expires");
    assert.equal((await fetch(url).then(drained)).status, 200);
  });

  it("a signed URL leads to the public address of the store where there is one", async () => {
    const publicEndpoint = `http://localhost:${server.port}`;
    const storage = await open({ publicEndpoint });
    await storage.put("public", Buffer.from("over another name"));
    const url = await signed(storage, "public", 60_000);
    assert.ok(url.startsWith(`${publicEndpoint}/bucket/x/public?`), url);
    assert.equal(await (await fetch(url)).text(), "over another name");
  });

  it("no URL is signed with keys that the store refuses", async () => {
    const wrong = { accessKeyId: server.accessKeyId, secretAccessKey: "not-the-secret-at-all" };
    for (const credentials of [wrong, { anonymous: true }]) {
      const storage = await open({ credentials });
      await assertCode("storage-denied", () => signed(storage, "x", 60_000));
    }
  });

  it("a server that is gone is storage-unavailable, and a request that is tried again passes once it is back", async () => {
    const storage = await open();
    await storage.put("outage", Buffer.from("x"));
    await server.halt();
    await assertCode("storage-unavailable", () => storage.get("outage"));
    await assertCode("storage-unavailable", () => storage.put("data/ab/outage", randomBytes(4 << 20)));
    const sleeps: number[] = [];
    const patient = await openStorage(server.location("bucket", "x"), {
      s3: { credentials: keysOf(server) },
      retry: { sleep: async (ms) => void (sleeps.push(ms) === 2 && (await server.resume())) },
    });
    assert.equal((await patient.get("outage")).toString(), "x");
    assert.equal(sleeps.length, 2);
  });
});

describe("S3Storage with TLS and virtual hosts", () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server({ tls: true, virtualDomain: "s3.test" });
  });
  after(() => server.stop());
  const open = (options: StorageOptions["s3"] = {}, location: string = server.location()): Promise<ObjectStorage> =>
    openStorage(location, {
      retry: { maxElapsedMs: 0, firstDelayMs: 0 },
      s3: { credentials: keysOf(server), ...options },
    });

  it("a certificate of an unknown authority is refused at once and named", async () => {
    const error = await assertCode("storage-misconfigured", async () =>
      (await await open()).put("x", Buffer.from("x")),
    );
    assert.match(error.message, /no trusted TLS connection to https:\/\/127\.0\.0\.1:\d+: .*certificate/);
  });

  it("a certificate of the authority that is given is accepted, and any when the check is switched off", async () => {
    await (await open({ caCertificates: authorityOf(server) })).put("tls/x", Buffer.from("x"));
    assert.equal((await (await open({ insecureSkipTlsVerify: true })).get("tls/x")).toString(), "x");
    const into = new Uint8Array(1);
    for (const options of [{ caCertificates: authorityOf(server) }, { insecureSkipTlsVerify: true }]) {
      const bytes = await (await open(options)).getRange("tls/x", 0, 1, { into });
      assert.deepEqual([bytes.toString(), bytes.buffer === into.buffer], ["x", true]);
    }
    const distrusting = await open({});
    await assertCode("storage-misconfigured", () => distrusting.getRange("tls/x", 0, 1, { into }));
  });

  it("plain HTTP to a TLS port, and TLS to a plain port, say so", async () => {
    const plain = await startS3Server();
    try {
      const swapped = plain.location().replace("http://", "https://");
      const error = await assertCode("storage-misconfigured", async () => (await await open({}, swapped)).get("x"));
      assert.match(error.message, /no trusted TLS connection/);
    } finally {
      await plain.stop();
    }
  });

  it("virtual-host style reaches the bucket by its name before the host", async (t) => {
    const resolved: string[] = [];
    t.mock.method(dns, "lookup", (host: string, ...rest: unknown[]) => {
      resolved.push(host);
      const options = rest[0] as { all?: boolean };
      const callback = rest.at(-1) as (...result: unknown[]) => void;
      const address = { address: "127.0.0.1", family: 4 };
      process.nextTick(() => (options.all ? callback(null, [address]) : callback(null, address.address, 4)));
    });
    const location = `s3:https://s3.test:${server.port}/bucket/by-host`;
    const storage = await open({ bucketLookup: "dns", caCertificates: authorityOf(server) }, location);
    await storage.put("config", Buffer.from("by host"));
    assert.equal((await storage.get("config")).toString(), "by host");
    assert.deepEqual([...new Set(resolved)], ["bucket.s3.test"]);
    const byPath = await open({ caCertificates: authorityOf(server) }, server.location("bucket", "by-host"));
    assert.equal((await byPath.get("config")).toString(), "by host");
  });
});

async function signed(storage: ObjectStorage, key: string, validMs: number): Promise<string> {
  return (await storage.signedUrl?.(key, validMs)) ?? assert.fail("S3 can sign");
}

/** Its connection is free again. */
async function drained(answer: Response): Promise<Response> {
  await answer.arrayBuffer();
  return answer;
}

function keysOf(server: S3Server): S3CredentialSettings {
  return { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
}

function authorityOf(server: S3Server): string {
  return readFileSync(server.caFile ?? assert.fail("the server has no TLS"), "utf8");
}
