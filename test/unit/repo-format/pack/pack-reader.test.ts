import assert from "node:assert/strict";
import { test } from "node:test";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { type PackHeaderSource, readPackHeader } from "../../../../repo-format/pack/pack-reader.ts";
import { PackWriter } from "../../../../repo-format/pack/pack-writer.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { seededBytes } from "../../../support/memory-repository.ts";

const sealer = new Sealer(generateMasterKey((size) => seededBytes("key", size)));

interface StoredPack {
  readonly storage: FaultyStorage;
  readonly source: PackHeaderSource;
  readonly id: PackId;
  readonly file: Buffer;
}

async function storePack(blobCount: number, change: (file: Buffer) => Buffer = (file) => file): Promise<StoredPack> {
  const writer = new PackWriter(sealer);
  for (let seed = 0; seed < blobCount; seed++) {
    const plain = seededBytes(seed, seed);
    const sealed = sealer.seal(plain);
    writer.add({ type: "tree", id: idOf(plain), sealed, uncompressedLength: seed % 2, plaintextLength: seed });
  }
  const pack = writer.finish();
  const storage = new FaultyStorage(new InMemoryStorage());
  const file = change(Buffer.concat(pack.body));
  await storage.put(keyOf("pack", pack.id), file);
  return { storage, source: { storage, sealer }, id: pack.id, file };
}

for (const [blobCount, requests] of [
  [1, 1],
  [15, 1],
  [17, 2],
  [200, 2],
] as const) {
  test(`readPackHeader reads a header of ${blobCount} blobs with ${requests} request(s)`, async () => {
    const { storage, source, id, file } = await storePack(blobCount);
    const blobs = await readPackHeader(source, id, file.length);
    assert.equal(blobs.length, blobCount);
    assert.equal(storage.keysOf("getRange").length, requests);
  });
}

test("readPackHeader says that an absent pack is missing", async () => {
  const { source } = await storePack(1);
  await assert.rejects(readPackHeader(source, idOf(Buffer.from("other")), 1000), { code: "pack-missing" });
});

test("readPackHeader reports every damage as a damaged pack: too short, wrong length field, changed header, cut off", async () => {
  const damages: ((file: Buffer) => Buffer)[] = [
    (file) => file.subarray(0, 72),
    (file) => Buffer.concat([file.subarray(0, -4), Buffer.from([0xff, 0xff, 0xff, 0x7f])]),
    (file) => Buffer.concat([file.subarray(0, -4), Buffer.from([32, 0, 0, 0])]),
    (file) => Buffer.concat([file.subarray(0, -5), Buffer.from([(file.at(-5) ?? 0) ^ 1]), file.subarray(-4)]),
  ];
  for (const damage of damages) {
    const { source, id, file } = await storePack(3, damage);
    await assert.rejects(readPackHeader(source, id, file.length), { code: "pack-damaged" });
  }
});

test("readPackHeader reports a file that is shorter than listed", async () => {
  const { source, id, file } = await storePack(1);
  await assert.rejects(readPackHeader(source, id, file.length + 10_000), { code: "pack-damaged" });
});

test("readPackHeader reads the header of a file that lost bytes at its front: some blobs may still be good", async () => {
  const { source, id, file } = await storePack(3, (whole) => whole.subarray(10));
  assert.equal((await readPackHeader(source, id, file.length)).length, 3);
});
