import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openStorage, parseLocation } from "../../../../repo-format/storage/location.ts";
import { newStorageMeter } from "../../../../repo-format/storage/storage-meter.ts";

describe("parseLocation", () => {
  const prefixed = { bucket: "bucket", prefix: "prefix/directory" };
  const s3 = [
    // restic's own cases (internal/backend/s3/config_test.go), host first in every form
    ["s3://eu-central-1/bucket", "https://s3.eu-central-1.amazonaws.com", ""],
    ["s3://eu-central-1/bucket/", "https://s3.eu-central-1.amazonaws.com", ""],
    ["s3://eu-central-1/bucket/prefix/directory", "https://s3.eu-central-1.amazonaws.com", prefixed.prefix],
    ["s3://eu-central-1/bucket/prefix/directory/", "https://s3.eu-central-1.amazonaws.com", prefixed.prefix],
    ["s3:eu-central-1/bucket", "https://s3.eu-central-1.amazonaws.com", ""],
    ["s3:cn-north-1/bucket", "https://s3.cn-north-1.amazonaws.com.cn", ""],
    ["s3:hostname.foo/bucket", "https://hostname.foo", ""],
    ["s3:hostname.foo/bucket/prefix/directory", "https://hostname.foo", prefixed.prefix],
    ["s3:hostname:9000/bucket/prefix/directory/", "https://hostname:9000", prefixed.prefix],
    ["s3:https://hostname/bucket", "https://hostname", ""],
    ["s3:https://hostname:9999/bucket/", "https://hostname:9999", ""],
    ["s3:http://hostname:9999/bucket", "http://hostname:9999", ""],
    ["s3:http://hostname:9999/bucket/prefix/directory", "http://hostname:9999", prefixed.prefix],
    ["s3:http://hostname:9999/bucket/prefix/directory/", "http://hostname:9999", prefixed.prefix],
    // and the ways in which people misspell them
    ["s3:https://hostname/bucket//prefix///directory", "https://hostname", prefixed.prefix],
    ["s3:https://hostname/bucket/./prefix/x/../directory", "https://hostname", prefixed.prefix],
    ["s3:https://hostname/bucket/../../..", "https://hostname", ""],
    ["s3:https://[::1]:9000/bucket", "https://[::1]:9000", ""],
    ["s3:https://HOST.example:443/bucket", "https://host.example", ""],
    ["s3:s3.amazonaws.com/bucket", "https://s3.amazonaws.com", ""],
    ["s3:https://hostname/bucket/with space/ü", "https://hostname", "with space/ü"],
  ] as const;
  for (const [location, endpoint, prefix] of s3) {
    it(`${location} is bucket "bucket" with prefix "${prefix}" at ${endpoint}`, () => {
      assert.deepEqual(parseLocation(location), { kind: "s3", endpoint, bucket: "bucket", prefix });
    });
  }

  const refused = [
    "s3:",
    "s3:/",
    "s3://",
    "s3:///",
    "s3:////",
    "s3:///bucket/prefix",
    "s3:host",
    "s3:https://host",
    "s3:https://host/",
    "s3:https:///bucket",
    "s3:https://user:password@host/bucket",
    "s3:ho st/bucket",
    "",
    "local:",
    "b2:bucket:path",
    "azure:container:/",
    "gs:bucket:/",
    "rest:https://user:password@host/",
    "sftp:user@host:/srv",
    "rclone:remote:path",
    "unknown:thing",
    "memory:thing",
    "dir:with:colons",
  ];
  for (const location of refused) {
    it(`${JSON.stringify(location)} is refused without repeating a password`, () => {
      assert.throws(
        () => parseLocation(location),
        (error: Error & { code: string }) =>
          error.code === "storage-misconfigured" && !error.message.includes("password"),
      );
    });
  }

  it("everything else is a local directory, also with a colon after a slash or after local:", () => {
    for (const path of ["/srv/repo", "repo", "../repo", "./repo", "/srv/with:colon", "../with:colon"]) {
      assert.deepEqual(parseLocation(path), { kind: "local", path });
    }
    assert.deepEqual(parseLocation("local:with:colon"), { kind: "local", path: "with:colon" });
    assert.deepEqual(parseLocation("memory:"), { kind: "memory" });
  });
});

describe("openStorage", () => {
  const s3 = { credentials: { accessKeyId: "key", secretAccessKey: "very-secret" } };

  it("the location that it shows is the one given, without any secret", async () => {
    const storage = await openStorage("s3:https://minio:9000/bucket/prefix/", { s3 });
    assert.equal(storage.location, "s3:https://minio:9000/bucket/prefix");
    await storage.close();
  });

  it("opens 2 connections to a directory and 5 to S3, unless told otherwise", async () => {
    assert.equal((await openStorage("/srv/repo")).connections, 2);
    assert.equal((await openStorage("s3:https://minio/bucket", { s3 })).connections, 5);
    assert.equal((await openStorage("/srv/repo", { connections: 9 })).connections, 9);
    assert.equal((await openStorage("s3:https://minio/bucket", { s3, connections: 9 })).connections, 9);
  });

  it("half a key pair is an error at once", async () => {
    for (const credentials of [{ accessKeyId: "key" }, { secretAccessKey: "very-secret" }]) {
      await assert.rejects(openStorage("s3:https://minio/bucket", { s3: { credentials } }), {
        code: "storage-misconfigured",
      });
    }
  });

  it("the meter counts what goes to the store", async () => {
    const meter = newStorageMeter();
    const storage = await openStorage("memory:", { meter });
    await storage.put("config", Buffer.from("four"));
    await storage.get("config");
    assert.deepEqual([meter.requests.put, meter.requests.get, meter.bytesSent, meter.bytesReceived], [1, 1, 4, 4]);
  });

  it("every store has a meter of its own besides, which wrappers show", async () => {
    const meter = newStorageMeter();
    const [one, other] = [await openStorage("memory:", { meter }), await openStorage("memory:", { meter })];
    await one.put("config", Buffer.from("four"));
    await other.put("config", Buffer.from("four"));
    assert.deepEqual([one.meter?.requests.put, other.meter?.requests.put, meter.requests.put], [1, 1, 2]);
  });

  it("no connections at all are refused", async () => {
    await assert.rejects(openStorage("/srv/repo", { connections: 0 }), { code: "argument-invalid" });
  });
});
