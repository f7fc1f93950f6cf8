import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type StoreChoices, storeOptions } from "../../../../src/cli/store-options.ts";

const choices: StoreChoices = {
  kind: "s3",
  variables: {},
  settings: {},
  caFiles: [],
  clientCertificateFile: undefined,
  insecureTls: false,
  stallTimeoutMs: undefined,
  create: false,
  clock: () => 0,
};

describe("storeOptions", () => {
  it("takes settings of -o before variables", async () => {
    const { s3, connections } = await storeOptions({
      ...choices,
      variables: { AWS_DEFAULT_REGION: "eu-west-1" },
      settings: { "s3.region": "eu-north-1", "s3.connections": "9", "s3.bucket-lookup": "dns" },
    });
    assert.deepEqual([s3?.region, s3?.bucketLookup, connections], ["eu-north-1", "dns", 9]);
  });

  it("takes the settings of the store that is named and passes over those of others, but not over slips", async () => {
    const settings = {
      "local.connections": "7",
      "s3.connections": "x",
      "sftp.command": "ssh",
      "rest.connections": "1",
    };
    assert.equal((await storeOptions({ ...choices, kind: "local", settings })).connections, 7);
    for (const slip of ["nonsense", "s4.region", "local.layout", "constructor.name"])
      await assert.rejects(storeOptions({ ...choices, kind: "local", settings: { [slip]: "1" } }), /unknown setting/);
  });

  it("knows Go's words for true, and what restic has that makes no difference here", async () => {
    for (const word of ["1", "t", "TRUE"]) {
      const settings = { "s3.list-objects-v1": word, "s3.unsafe-anonymous-auth": word };
      const { s3 } = await storeOptions({ ...choices, settings });
      assert.deepEqual([s3?.listObjectsV1, s3?.credentials], [true, { anonymous: true }]);
    }
    const idle = { "s3.layout": "default", "s3.enable-restore": "false", "s3.restore-days": "3" };
    assert.equal((await storeOptions({ ...choices, settings: idle })).s3?.listObjectsV1, false);
  });

  it("limits how often a request is repeated only where a number above 0 says so, and only for its store", async () => {
    const retriesOf = async (kind: "s3" | "local", settings: Record<string, string>): Promise<number | undefined> =>
      (await storeOptions({ ...choices, kind, settings })).retry?.maxRetries;
    assert.equal(await retriesOf("s3", { "s3.retries": "3" }), 3);
    assert.equal(await retriesOf("s3", { "s3.retries": "0" }), undefined);
    assert.equal(await retriesOf("s3", {}), undefined);
    assert.equal(await retriesOf("local", { "s3.retries": "3" }), undefined);
  });

  it("leaves credentials to the SDK's chain when no variable names any", async () => {
    assert.equal((await storeOptions(choices)).s3?.credentials, undefined);
    const { s3 } = await storeOptions({ ...choices, variables: { AWS_PROFILE: "work" } });
    assert.equal(s3?.credentials?.profile, "work");
  });

  it("prefers AWS's names to MinIO's", async () => {
    const variables = { MINIO_ACCESS_KEY: "m", MINIO_SECRET_KEY: "n", AWS_ACCESS_KEY_ID: "a" };
    const { s3 } = await storeOptions({ ...choices, variables });
    assert.deepEqual([s3?.credentials?.accessKeyId, s3?.credentials?.secretAccessKey], ["a", undefined]);
  });

  it("names a setting that nobody knows, and a value that makes no sense", async () => {
    await assert.rejects(storeOptions({ ...choices, settings: { "s3.regoin": "x" } }), /s3\.regoin: unknown setting/);
    await assert.rejects(storeOptions({ ...choices, settings: { "s3.connections": "0" } }), /whole number above 0/);
    await assert.rejects(storeOptions({ ...choices, settings: { "s3.bucket-lookup": "up" } }), /auto, dns or path/);
    for (const [name, value] of [
      ["unsafe-anonymous-auth", "maybe"],
      ["list-objects-v1", "yes"],
      ["retries", "many"],
      ["enable-restore", "true"],
    ] as const) {
      const settings = { [`s3.${name}`]: value };
      await assert.rejects(storeOptions({ ...choices, settings }), new RegExp(`-o s3\\.${name}=${value}: `));
    }
    await assert.rejects(storeOptions({ ...choices, caFiles: ["/no/such.pem"] }), /certificate file \/no\/such\.pem/);
  });
});
