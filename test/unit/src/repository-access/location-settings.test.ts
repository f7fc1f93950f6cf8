import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupStorageLocation } from "../../../../src/api/backup-storage-location.ts";
import {
  repositoryPassword,
  type SecretReader,
  s3Settings,
} from "../../../../src/repository-access/location-settings.ts";

type Secrets = Record<string, Record<string, string>>;

function readerOf(secrets: Secrets): { reader: SecretReader; reported: string[]; asked: string[] } {
  const reported: string[] = [];
  const asked: string[] = [];
  const find = async (_: unknown, { name, namespace }: { name: string; namespace?: string }): Promise<unknown> => {
    asked.push(`${namespace}/${name}`);
    const data = secrets[name];
    if (data === undefined) return undefined;
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    return { metadata: { name }, data: Object.fromEntries(encoded) };
  };
  const client = { find } as unknown as SecretReader["client"];
  return { reader: { client, namespace: "velero", onSecret: (value) => reported.push(value) }, reported, asked };
}

function location(spec: Partial<BackupStorageLocation["spec"]>): BackupStorageLocation {
  return { metadata: { name: "default" }, spec: { provider: "aws", objectStorage: { bucket: "bucket" }, ...spec } };
}

const credentialsText = "[default]\naws_access_key_id=the-key-id\naws_secret_access_key = the/secret+key=\n";

describe("s3Settings", () => {
  it("without any setting everything is left to defaults and the SDK's own chain", async () => {
    const { reader, asked } = readerOf({});
    assert.deepEqual(await s3Settings(location({}), reader, undefined), {
      region: undefined,
      bucketLookup: "auto",
      publicEndpoint: undefined,
      insecureSkipTlsVerify: false,
      credentials: { sharedCredentials: undefined, sharedCredentialsFile: undefined, profile: undefined },
    });
    assert.deepEqual(asked, []);
  });

  it("takes Velero's config keys", async () => {
    const config = {
      region: "eu-west-3",
      s3ForcePathStyle: "true",
      insecureSkipTLSVerify: "true",
      profile: "ours",
      credentialsFile: "/credentials/ours",
      publicUrl: "https://public.example",
    };
    const settings = await s3Settings(location({ config }), readerOf({}).reader, undefined);
    assert.equal(settings.region, "eu-west-3");
    assert.equal(settings.bucketLookup, "path");
    assert.equal(settings.insecureSkipTlsVerify, true);
    assert.equal(settings.publicEndpoint, "https://public.example");
    assert.deepEqual(settings.credentials, {
      sharedCredentials: undefined,
      sharedCredentialsFile: "/credentials/ours",
      profile: "ours",
    });
  });

  it("only the word true switches certificate checks off", async () => {
    for (const text of ["", "false", "True", "1", "yes"]) {
      const config = { insecureSkipTLSVerify: text };
      const settings = await s3Settings(location({ config }), readerOf({}).reader, undefined);
      assert.equal(settings.insecureSkipTlsVerify, false, text);
    }
  });

  it("reads the location's credential in the program's namespace, and reports what must not be printed", async () => {
    const { reader, reported, asked } = readerOf({ "cloud-credentials": { cloud: credentialsText } });
    const bsl = location({ credential: { name: "cloud-credentials", key: "cloud" } });
    const settings = await s3Settings(bsl, reader, undefined);
    assert.equal(settings.credentials?.sharedCredentials, credentialsText);
    assert.deepEqual(asked, ["velero/cloud-credentials"]);
    assert.ok(reported.includes("the/secret+key="), reported.join());
    assert.ok(reported.includes(credentialsText));
  });

  it("takes the certificate from the location, or from the Secret that it names", async () => {
    const pem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
    const caCert = Buffer.from(pem).toString("base64");
    const direct = location({ objectStorage: { bucket: "bucket", caCert } });
    assert.equal((await s3Settings(direct, readerOf({}).reader, undefined)).caCertificates, pem);
    const caCertRef = { name: "authority", key: "ca.crt" };
    const referred = location({ objectStorage: { bucket: "bucket", caCertRef } });
    const { reader } = readerOf({ authority: { "ca.crt": pem } });
    assert.equal((await s3Settings(referred, reader, undefined)).caCertificates, pem);
  });

  it("names the Secret and the key that are missing", async () => {
    const bsl = location({ credential: { name: "cloud-credentials", key: "cloud" } });
    await assert.rejects(s3Settings(bsl, readerOf({}).reader, undefined), {
      code: "secret-unusable",
      message: "the Secret velero/cloud-credentials (key cloud) does not exist",
    });
    const wrongKey = readerOf({ "cloud-credentials": { other: credentialsText } }).reader;
    await assert.rejects(s3Settings(bsl, wrongKey, undefined), {
      message: "the Secret velero/cloud-credentials (key cloud) has no such key",
    });
    const optional = location({ credential: { name: "cloud-credentials", key: "cloud", optional: true } });
    assert.equal(
      (await s3Settings(optional, readerOf({}).reader, undefined)).credentials?.sharedCredentials,
      undefined,
    );
  });
});

describe("repositoryPassword", () => {
  it("is the Secret's value without surrounding white space, as when restic reads a file", async () => {
    const { reader, reported } = readerOf({
      "velero-repo-credentials": { "repository-password": " static-passw0rd\n" },
    });
    assert.equal(await repositoryPassword(reader, undefined), "static-passw0rd");
    assert.ok(reported.some((value) => value.includes("static-passw0rd")));
  });

  it("missing or empty is an error that names the Secret", async () => {
    const name = /velero\/velero-repo-credentials \(key repository-password\)/;
    const cases: Secrets[] = [
      {},
      { "velero-repo-credentials": {} },
      { "velero-repo-credentials": { "repository-password": " \n" } },
    ];
    for (const secrets of cases) {
      await assert.rejects(repositoryPassword(readerOf(secrets).reader, undefined), {
        code: "secret-unusable",
        message: name,
      });
    }
  });
});
