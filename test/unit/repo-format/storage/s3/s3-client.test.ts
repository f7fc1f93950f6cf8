import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { S3ClientPool } from "../../../../../repo-format/storage/s3/s3-client.ts";
import type { S3Options } from "../../../../../repo-format/storage/s3/s3-options.ts";

const basics = { bucket: "bucket", prefix: "", credentials: { accessKeyId: "key", secretAccessKey: "secret" } };

interface Sent {
  readonly url: string;
  readonly region: string | undefined;
}

/** What would go over the wire; nothing does. */
async function sentBy(pool: S3ClientPool, bucket: string): Promise<Sent> {
  const client = pool.client();
  let sent: Sent | undefined;
  client.middlewareStack.add(
    () => async (args) => {
      const { protocol, hostname, port, path, headers } = args.request as {
        protocol: string;
        hostname: string;
        port?: number;
        path: string;
        headers: Record<string, string>;
      };
      const scope = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? "");
      sent = { url: `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`, region: scope?.[1] };
      throw new Error("not sent");
    },
    { step: "finalizeRequest", priority: "low", name: "capture", override: true },
  );
  await assert.rejects(client.send(new GetObjectCommand({ Bucket: bucket, Key: "config" })), /not sent/);
  return sent ?? assert.fail("no request was made");
}

async function sentWith(options: Partial<S3Options> & { endpoint: string }): Promise<Sent> {
  const pool = new S3ClientPool({ ...basics, ...options }, () => undefined);
  const sent = await sentBy(pool, options.bucket ?? "bucket");
  pool.close();
  return sent;
}

function addressWith(options: Partial<S3Options> & { endpoint: string }, key = "config"): string {
  const pool = new S3ClientPool({ ...basics, ...options }, () => undefined);
  const { href } = pool.addressOf(key);
  pool.close();
  return href;
}

describe("S3ClientPool", () => {
  const cases: [Partial<S3Options> & { endpoint: string }, string, string][] = [
    [{ endpoint: "https://minio:9000" }, "https://minio:9000/bucket/config", "us-east-1"],
    [{ endpoint: "http://minio" }, "http://minio/bucket/config", "us-east-1"],
    [{ endpoint: "https://minio", region: "x-1" }, "https://minio/bucket/config", "x-1"],
    [{ endpoint: "https://minio", bucketLookup: "dns" }, "https://bucket.minio/config", "us-east-1"],
    [{ endpoint: "https://s3.amazonaws.com" }, "https://bucket.s3.us-east-1.amazonaws.com/config", "us-east-1"],
    [
      { endpoint: "https://s3.eu-west-3.amazonaws.com" },
      "https://bucket.s3.eu-west-3.amazonaws.com/config",
      "eu-west-3",
    ],
    [
      { endpoint: "https://s3-eu-west-1.amazonaws.com" },
      "https://bucket.s3.eu-west-1.amazonaws.com/config",
      "eu-west-1",
    ],
    [
      { endpoint: "https://s3.dualstack.us-gov-west-1.amazonaws.com" },
      "https://bucket.s3.us-gov-west-1.amazonaws.com/config",
      "us-gov-west-1",
    ],
    [
      { endpoint: "https://s3.cn-north-1.amazonaws.com.cn" },
      "https://bucket.s3.cn-north-1.amazonaws.com.cn/config",
      "cn-north-1",
    ],
    [
      { endpoint: "https://s3.amazonaws.com", region: "eu-west-3" },
      "https://bucket.s3.eu-west-3.amazonaws.com/config",
      "eu-west-3",
    ],
    [
      { endpoint: "https://s3.eu-west-3.amazonaws.com", bucket: "dotted.bucket" },
      "https://s3.eu-west-3.amazonaws.com/dotted.bucket/config",
      "eu-west-3",
    ],
    [
      { endpoint: "https://s3.eu-west-3.amazonaws.com", bucketLookup: "path" },
      "https://s3.eu-west-3.amazonaws.com/bucket/config",
      "eu-west-3",
    ],
    [
      { endpoint: "https://s3.amazonaws.com.evil.example" },
      "https://s3.amazonaws.com.evil.example/bucket/config",
      "us-east-1",
    ],
  ];
  for (const [options, url, region] of cases) {
    it(`${JSON.stringify(options)} asks ${url}, signed for ${region}`, async () => {
      assert.deepEqual(await sentWith(options), { url, region });
      assert.equal(addressWith(options), url, "and signed URLs lead there, too");
    });
  }

  it("a region that is learnt changes Amazon's host and the signature, and is learnt once", async () => {
    const pool = new S3ClientPool({ ...basics, endpoint: "https://s3.amazonaws.com" }, () => undefined);
    assert.equal(pool.switchRegion("eu-west-3"), true);
    assert.equal(pool.switchRegion("eu-west-3"), false);
    const sent = await sentBy(pool, "bucket");
    assert.deepEqual(sent, { url: "https://bucket.s3.eu-west-3.amazonaws.com/config", region: "eu-west-3" });
    pool.close();
  });

  it("signed URLs lead to the public endpoint, by the same rules, with keys as signatures spell them", () => {
    const publicEndpoint = "https://public.example/s3/";
    const minio = { endpoint: "http://minio:9000", publicEndpoint };
    assert.equal(addressWith(minio, "a b/(1)'%41*.gz"), "https://public.example/s3/bucket/a%20b/%281%29%27%2541%2A.gz");
    const amazon = { endpoint: "http://proxy:1", publicEndpoint: "https://s3.eu-west-3.amazonaws.com" };
    assert.equal(addressWith(amazon), "https://bucket.s3.eu-west-3.amazonaws.com/config");
  });

  it("a public endpoint that is no URL is refused when the pool is made", () => {
    for (const publicEndpoint of ["minio:9000", "public.example", "ftp://public.example"]) {
      const options = { ...basics, endpoint: "https://minio", publicEndpoint };
      assert.throws(
        () => new S3ClientPool(options, () => undefined),
        { code: "storage-misconfigured" },
        publicEndpoint,
      );
    }
  });

  it("half a key pair is refused when the pool is made", () => {
    const credentials = { accessKeyId: "key" };
    assert.throws(() => new S3ClientPool({ ...basics, credentials, endpoint: "https://minio" }, () => undefined), {
      code: "storage-misconfigured",
    });
  });
});
