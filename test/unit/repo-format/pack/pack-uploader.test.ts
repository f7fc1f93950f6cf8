import assert from "node:assert/strict";
import { test } from "node:test";
import { idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { PackUploader, type PackUploaderOptions } from "../../../../repo-format/pack/pack-uploader.ts";
import type { FinishedPack } from "../../../../repo-format/pack/pack-writer.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { settle } from "../../../support/manual-clock.ts";

function packOf(text: string): FinishedPack {
  const body = [Buffer.from(text)];
  return { id: idOf<PackId>(Buffer.concat(body)), body, sizeBytes: text.length, blobs: [], free: () => {} };
}

interface Setup {
  readonly storage: FaultyStorage;
  readonly uploader: PackUploader;
  readonly stored: FinishedPack[];
  readonly failures: unknown[];
}

function setUp(options: Partial<PackUploaderOptions> = {}): Setup {
  const storage = new FaultyStorage(new InMemoryStorage());
  const stored: FinishedPack[] = [];
  const failures: unknown[] = [];
  const uploader = new PackUploader({
    storage,
    connections: 2,
    onStored: (pack) => stored.push(pack),
    onFailed: (error) => failures.push(error),
    signal: new AbortController().signal,
    ...options,
  });
  return { storage, uploader, stored, failures };
}

test("PackUploader keeps as many uploads going as there are connections and tells when one ends", async () => {
  const { storage, uploader, stored } = setUp();
  const gate = Promise.withResolvers<void>();
  storage.plan = () => gate.promise;
  const uploads = [packOf("a"), packOf("b"), packOf("c")].map((pack) => uploader.add(pack));
  await settle();
  assert.equal(storage.calls.length, 2);
  assert.deepEqual([uploader.hasFreeConnection, uploader.hasWaiting], [false, true]);
  let hasChanged = false;
  const change = uploader.change().then(() => {
    hasChanged = true;
  });
  await settle();
  assert.equal(hasChanged, false);
  gate.resolve();
  await change;
  assert.equal(uploader.hasWaiting, false);
  await Promise.all(uploads);
  assert.equal(stored.length, 3);
  assert.equal(uploader.hasFreeConnection, true);
});

test("PackUploader stores nothing more after a failure, tells of it once, and leaves nobody waiting", async () => {
  const { storage, uploader, stored, failures } = setUp({ connections: 1 });
  storage.plan = (call) => {
    if (call.number === 2) throw unavailable(call);
    return undefined;
  };
  const uploads = [packOf("a"), packOf("b"), packOf("c")].map((pack) => uploader.add(pack));
  await uploader.change();
  await Promise.all(uploads);
  assert.equal(uploader.hasFreeConnection, true);
  await uploader.add(packOf("d"));
  assert.equal(storage.calls.length, 2);
  assert.deepEqual(
    stored.map(({ id }) => id),
    [packOf("a").id],
  );
  assert.equal(failures.length, 1);
});
