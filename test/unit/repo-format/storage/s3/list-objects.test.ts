import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { S3Client } from "@aws-sdk/client-s3";
import { RepositoryError } from "../../../../../repo-format/errors.ts";
import { listFolderNames, listObjects } from "../../../../../repo-format/storage/s3/list-objects.ts";
import type { S3Bucket, SendRequest } from "../../../../../repo-format/storage/s3/s3-bucket.ts";

interface PageInput {
  readonly Prefix: string;
  readonly StartAfter?: string;
  readonly ContinuationToken?: string;
  readonly Marker?: string;
  readonly Delimiter?: string;
}

interface FakeBucket {
  readonly bucket: S3Bucket;
  readonly inputs: PageInput[];
  mostAtOnce: number;
}

/** A bucket that pages over the keys given, as S3 does: sorted, `StartAfter` exclusive. */
function bucketOf(
  keys: readonly string[],
  pageSize: number,
  { failAt = Number.POSITIVE_INFINITY, version1 = false }: { failAt?: number; version1?: boolean } = {},
): FakeBucket {
  const options = { version1 };
  const sorted = [...keys].sort();
  const fake: FakeBucket = { bucket: undefined as unknown as S3Bucket, inputs: [], mostAtOnce: 0 };
  let running = 0;
  const answer = async ({ input }: { input: PageInput }): Promise<object> => {
    fake.inputs.push(input);
    running += 1;
    fake.mostAtOnce = Math.max(fake.mostAtOnce, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (fake.inputs.length >= failAt) throw new RepositoryError("storage-unavailable", "page failed");
    const after = input.ContinuationToken ?? input.Marker ?? input.StartAfter ?? "";
    const rest = sorted.filter((key) => key.startsWith(input.Prefix) && key > after);
    const page = rest.slice(0, pageSize);
    return {
      Contents: page.map((Key) => ({ Key, Size: 1 })),
      IsTruncated: rest.length > page.length,
      ...(options.version1 ? {} : { NextContinuationToken: page.at(-1) }),
    };
  };
  const bucket = {
    name: "bucket",
    connections: 4,
    listsByVersion1: options.version1,
    fullKey: (key: string) => `p/${key}`,
    relativeKey: (key: string) => key.slice(2),
    send: (_: unknown, request: SendRequest<unknown>) => request({ send: answer } as unknown as S3Client, {}),
  };
  return Object.assign(fake, { bucket: bucket as unknown as S3Bucket });
}

async function keysOf(bucket: S3Bucket, prefix: string, startAfter?: string): Promise<string[]> {
  const found = await Array.fromAsync(listObjects(bucket, prefix, { startAfter }));
  return found.map(({ key }) => key);
}

function packKeys(count: number): string[] {
  return Array.from({ length: count }, (_, number) => {
    const id = createHash("sha256").update(String(number)).digest("hex");
    return `data/${id.slice(0, 2)}/${id}`;
  }).sort();
}

const inPrefix = (keys: readonly string[]): string[] => keys.map((key) => `p/${key}`);

describe("listObjects", () => {
  it("pages one after the other through a folder of ordinary size", async () => {
    const keys = packKeys(500);
    const fake = bucketOf(inPrefix(keys), 10);
    assert.deepEqual(await keysOf(fake.bucket, "data/"), keys);
    assert.deepEqual([fake.inputs.length, fake.mostAtOnce], [50, 1]);
  });

  it("goes on behind the last name where the store lists by the first version, also in several places", async () => {
    for (const keys of [packKeys(45), packKeys(3000)]) {
      const fake = bucketOf(inPrefix(keys), 10, { version1: true });
      assert.deepEqual(await keysOf(fake.bucket, "data/"), keys);
      assert.ok(
        fake.inputs.every(({ ContinuationToken, StartAfter }) => (ContinuationToken ?? StartAfter) === undefined),
      );
      assert.deepEqual(await keysOf(fake.bucket, "data/", keys[20]), keys.slice(21));
    }
  });

  it("reads a huge pack folder at several places at once: every key, in order, once", async () => {
    const keys = packKeys(3000);
    const strange = ["data/", "data/00", "data/0", "data/40", "data/3f~", "data/zz/x", "data/~", "data/AB/x"].slice(1);
    const all = [...keys, ...strange].sort();
    const fake = bucketOf(inPrefix([...all, "index/x", "config"]), 10);
    assert.deepEqual(await keysOf(fake.bucket, "data/"), all);
    assert.ok(fake.mostAtOnce > 1 && fake.mostAtOnce <= 4, String(fake.mostAtOnce));
    assert.ok(fake.inputs.length < 400, `${fake.inputs.length} requests for 301 pages`);
  });

  it("other folders are read in sequence however large they are", async () => {
    const keys = Array.from({ length: 3000 }, (_, number) => `index/${String(number).padStart(5, "0")}`);
    const fake = bucketOf(inPrefix(keys), 10);
    assert.deepEqual(await keysOf(fake.bucket, "index/"), keys);
    assert.equal(fake.mostAtOnce, 1);
  });

  it("a listing that goes on somewhere asks the store to begin there", async () => {
    const keys = packKeys(3000);
    const fake = bucketOf(inPrefix(keys), 10);
    assert.deepEqual(await keysOf(fake.bucket, "data/", keys[2500]), keys.slice(2501));
    assert.equal(fake.inputs[0]?.StartAfter, `p/${keys[2500]}`);
  });

  it("a page that fails ends the listing with its error, also far ahead, after the keys before it", async () => {
    const keys = packKeys(3000);
    const fake = bucketOf(inPrefix(keys), 10, { failAt: 100 });
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { key } of listObjects(fake.bucket, "data/", {})) seen.push(key);
      },
      { code: "storage-unavailable" },
    );
    assert.deepEqual(seen, keys.slice(0, seen.length));
    assert.ok(seen.length > 0);
  });
});

describe("listFolderNames", () => {
  it("collects the names of all pages without prefix and slash", async () => {
    const pages = [["p/a/", "p/b/"], ["p/c/"]];
    let number = 0;
    const answer = async (): Promise<object> => {
      const page = pages[number] ?? [];
      number += 1;
      return {
        CommonPrefixes: page.map((Prefix) => ({ Prefix })),
        IsTruncated: number < pages.length,
        NextContinuationToken: "next",
      };
    };
    const bucket = {
      name: "bucket",
      fullKey: (key: string) => `p/${key}`,
      relativeKey: (key: string) => key.slice(2),
      send: (_: unknown, request: SendRequest<unknown>) => request({ send: answer } as unknown as S3Client, {}),
    };
    assert.deepEqual(await listFolderNames(bucket as unknown as S3Bucket, "", {}), ["a", "b", "c"]);
  });
});
