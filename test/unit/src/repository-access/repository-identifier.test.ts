import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupStorageLocation } from "../../../../src/api/backup-storage-location.ts";
import {
  localDirectory,
  objectsOf,
  repositoryIdentifier,
  rootOf,
} from "../../../../src/repository-access/repository-identifier.ts";

function location(
  provider: string,
  objectStorage: BackupStorageLocation["spec"]["objectStorage"],
  config?: Record<string, string>,
): BackupStorageLocation {
  return {
    metadata: { name: "default" },
    spec: { provider, objectStorage, ...(config === undefined ? {} : { config }) },
  };
}

const bucket = { bucket: "bucket" };
const prefixed = { bucket: "bucket", prefix: "prefix" };

describe("repositoryIdentifier", () => {
  const cases: [string, BackupStorageLocation, string][] = [
    [
      "aws with a region",
      location("aws", bucket, { region: "eu-west-1" }),
      "s3:s3-eu-west-1.amazonaws.com/bucket/restic/ns",
    ],
    [
      "aws by its full name",
      location("velero.io/aws", bucket, { region: "eu-west-1" }),
      "s3:s3-eu-west-1.amazonaws.com/bucket/restic/ns",
    ],
    ["aws without a region", location("aws", bucket), "s3:s3.amazonaws.com/bucket/restic/ns"],
    ["aws with a prefix", location("aws", prefixed, { region: "r" }), "s3:s3-r.amazonaws.com/bucket/prefix/restic/ns"],
    ["an s3Url, taken as it stands", location("aws", prefixed, { s3Url: "s3Url" }), "s3:s3Url/bucket/prefix/restic/ns"],
    [
      "an s3Url with a slash at its end, which beats the region",
      location("aws", bucket, { s3Url: "https://minio:9000/", region: "r" }),
      "s3:https://minio:9000/bucket/restic/ns",
    ],
    [
      "a provider that only its maker knows, with an s3Url",
      location("example.com/store", prefixed, { s3Url: "http://store" }),
      "s3:http://store/bucket/prefix/restic/ns",
    ],
    [
      "slashes around the prefix",
      location("aws", { bucket: "bucket", prefix: "/a//b/" }, { s3Url: "u" }),
      "s3:u/bucket/a/b/restic/ns",
    ],
    [
      "resticRepoPrefix before everything else, whatever the provider",
      location("azure", prefixed, { resticRepoPrefix: "custom:prefix:/restic/", s3Url: "u" }),
      "custom:prefix:/restic/ns",
    ],
    [
      "an empty resticRepoPrefix, which counts for nothing",
      location("aws", bucket, { resticRepoPrefix: "", s3Url: "u" }),
      "s3:u/bucket/restic/ns",
    ],
    ["local", location("local", bucket, { path: "/mnt/backups" }), "/mnt/backups/bucket/restic/ns"],
    [
      "local with a prefix",
      location("velero.io/local", prefixed, { path: "/mnt/backups/" }),
      "/mnt/backups/bucket/prefix/restic/ns",
    ],
  ];
  for (const [name, bsl, identifier] of cases) {
    it(`knows ${name}`, () => assert.equal(repositoryIdentifier(bsl, "ns"), identifier));
  }

  for (const provider of ["azure", "velero.io/azure", "gcp", "example.com/store", ""]) {
    it(`refuses the provider ${JSON.stringify(provider)} and says which it knows`, () => {
      const config: Record<string, string> = provider.includes("azure") || provider === "gcp" ? { s3Url: "u" } : {};
      assert.throws(() => repositoryIdentifier(location(provider, bucket, config), "ns"), {
        code: "storage-location-unusable",
        message: `the storage location default cannot be used: the provider ${provider} is not supported (aws and local are)`,
      });
    });
  }

  it("refuses a local location without an absolute path, and any without a bucket", () => {
    for (const config of [undefined, { path: "" }, { path: "relative" }]) {
      assert.throws(() => repositoryIdentifier(location("local", bucket, config), "ns"), {
        code: "storage-location-unusable",
        message: /spec\.config\.path/,
      });
    }
    assert.throws(() => repositoryIdentifier(location("aws", { bucket: "" }), "ns"), {
      code: "storage-location-unusable",
    });
  });
});

describe("rootOf", () => {
  it("is the place above restic/ and backups/", () => {
    assert.equal(
      rootOf(location("aws", prefixed, { s3Url: "https://minio:9000" })),
      "s3:https://minio:9000/bucket/prefix",
    );
    assert.equal(rootOf(location("aws", { bucket: "bucket", prefix: "a/b/" }, { s3Url: "u" })), "s3:u/bucket/a/b");
    assert.equal(rootOf(location("local", bucket, { path: "/mnt" })), "/mnt/bucket");
  });

  it("objectsOf is the same place, for a directory from its mount on", () => {
    const minio = location("aws", prefixed, { s3Url: "https://minio:9000" });
    assert.deepEqual(objectsOf(minio), { store: "s3:https://minio:9000/bucket/prefix", prefix: "" });
    assert.deepEqual(objectsOf(location("local", bucket, { path: "/mnt" })), { store: "/mnt", prefix: "bucket/" });
    const nested = location("local", { bucket: "bucket", prefix: "a/b/" }, { path: "/mnt/" });
    assert.deepEqual(objectsOf(nested), { store: "/mnt/", prefix: "bucket/a/b/" });
  });

  it("localDirectory is the directory to mount, for provider local alone", () => {
    assert.equal(localDirectory(location("local", prefixed, { path: "/mnt" })), "/mnt");
    assert.equal(localDirectory(location("aws", prefixed, { path: "/mnt", s3Url: "u" })), undefined);
  });
});
