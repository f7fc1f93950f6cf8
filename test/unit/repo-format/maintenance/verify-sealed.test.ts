import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobType } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { type SealedRange, SealedVerifier } from "../../../../repo-format/maintenance/verify-sealed.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createBlobWorkerPool } from "../../../../repo-format/workers/blob-worker-pool.ts";
import { createTestRepository, seededBytes } from "../../../support/memory-repository.ts";

const packOffset = 1000;

/** A range of five blobs; those named are damaged: one bit, or an id that belongs to other bytes. */
function rangeOf(repo: Repository, damage: { bit?: number; id?: number } = {}): SealedRange {
  const parts: Buffer[] = [];
  let offset = packOffset;
  const blobs = [0, 1, 2, 3, 4].map((number) => {
    const isCompressed = number % 2 === 1;
    const content = isCompressed ? Buffer.alloc(300_000, `text ${number} `) : seededBytes(number, 100_000);
    const sealed = repo.sealer.seal(isCompressed ? repo.compressor.compress(content) : content);
    if (number === damage.bit) sealed[50] = (sealed[50] as number) ^ 4;
    const id = idOf<BlobId>(number === damage.id ? Buffer.from("else") : content);
    const type: BlobType = number === 1 ? "tree" : "data";
    const uncompressedLength = isCompressed ? content.length : 0;
    const blob = { type, id, offset, length: sealed.length, uncompressedLength };
    offset += sealed.length;
    parts.push(sealed);
    return blob;
  });
  return { offset: packOffset, bytes: Buffer.concat(parts), blobs };
}

test("blobs that are right and blobs that are damaged are told apart here and in a thread, and the bytes come back", async (t) => {
  const repo = await createTestRepository();
  const pool = createBlobWorkerPool(repo, 1);
  t.after(() => pool.close());
  for (const verifier of [new SealedVerifier(repo.masterKey, undefined), new SealedVerifier(repo.masterKey, pool)]) {
    for (const damage of [{}, { bit: 0 }, { bit: 3 }, { id: 1 }, { bit: 2, id: 4 }]) {
      const range = rangeOf(repo, damage);
      const before = Buffer.from(range.bytes);
      const { bytes, damaged } = await verifier.verify(range);
      assert.deepEqual([...damaged], Object.values(damage), JSON.stringify(damage));
      assert.ok(bytes.equals(before), "the same bytes");
    }
  }
  assert.equal(pool.startedThreads, 1, "a range of this size is worth a thread");
});

test("bytes that are a part of other memory stay where they are", async (t) => {
  const repo = await createTestRepository();
  const pool = createBlobWorkerPool(repo, 1);
  t.after(() => pool.close());
  const range = rangeOf(repo, { bit: 2 });
  const shared = Buffer.concat([Buffer.alloc(20_000), range.bytes, Buffer.alloc(20_000)]);
  const part = shared.subarray(20_000, 20_000 + range.bytes.length);
  const { bytes, damaged } = await new SealedVerifier(repo.masterKey, pool).verify({ ...range, bytes: part });
  assert.deepEqual([...damaged], [2]);
  assert.equal(bytes.buffer, shared.buffer);
  assert.equal(shared.length, range.bytes.length + 40_000, "not taken away");
});
