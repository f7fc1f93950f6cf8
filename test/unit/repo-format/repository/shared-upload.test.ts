import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { sealOverheadBytes } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { SharedUpload } from "../../../../repo-format/repository/shared-upload.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { settle } from "../../../support/manual-clock.ts";
import { createTestRepository } from "../../../support/memory-repository.ts";

const packSizeBytes: number = 4 * 1024 * 1024;
const blobBytes: number = 64 * 1024;

test("beside the packs that the store is taking in, hardly more than one is held back", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const { index, masterKey } = await createTestRepository();
  const store = Promise.withResolvers<void>();
  storage.plan = () => store.promise;
  const saveIndex = () => Promise.resolve(idOf<BlobId>(randomBytes(8)));
  const upload = new SharedUpload({ storage, sealer: new Sealer(masterKey), index, packSizeBytes, saveIndex });
  const addBlob = (): void => {
    const id = idOf<BlobId>(randomBytes(8));
    const sealed = randomBytes(blobBytes);
    upload.add({ type: "data", id, sealed, uncompressedLength: 0, plaintextLength: blobBytes - sealOverheadBytes });
  };
  let bytes = 0;
  for (; upload.hasRoom; bytes += blobBytes) addBlob();
  await settle();
  assert.equal(upload.hasRoom, false);
  const packs = bytes / packSizeBytes;
  // Each is a blob longer than its size; the packs that are open share the room of one.
  assert.ok(packs >= storage.connections + 1 && packs < storage.connections + 1.25, `${packs} packs`);
  store.resolve();
  await upload.room();
  assert.ok(upload.hasRoom);
  await upload.flush();
  await upload.end();
});
