import assert from "node:assert/strict";
import { existsSync, lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { FileStat } from "../../../../repo-format/file-tree/file-stat.ts";
import { type BlobId, idOf, type SnapshotId } from "../../../../repo-format/format/id.ts";
import {
  RestoredFiles,
  RestoredFilesWriter,
  type RestoredHeader,
  temporaryName,
} from "../../../../repo-format/notes/restored-files.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const header: RestoredHeader = {
  snapshotId: "5".repeat(64) as SnapshotId,
  target: "/target",
  device: "1",
  inode: "2",
  repositoryId: "r",
  bootId: "b",
};
const real: FileStat = lstatSync(import.meta.filename, { bigint: true });

function statOf(number: number, changes: Partial<FileStat> = {}): FileStat {
  const made = { ino: BigInt(number), ctimeNs: 1_700_000_000_123_456_789n + BigInt(number), ...changes };
  return Object.assign(Object.create(real) as FileStat, made);
}

function contentOf(number: number): BlobId[] {
  return [idOf<BlobId>(Buffer.from(`content ${number}`))];
}

function placeIn(t: TestContext): string {
  return join(temporaryDirectory(t, "restored"), "restored.1");
}

async function written(path: string, count: number, capacity = count): Promise<RestoredFiles> {
  const writer = new RestoredFilesWriter(path, header, capacity);
  for (let number = 0; number < count; number++) writer.add(statOf(number), contentOf(number));
  await writer.finish(1234);
  const files = RestoredFiles.open(path);
  assert.ok(files !== undefined);
  return files;
}

test("every file that was noted is known, with its content and as it was only", async (t) => {
  const files = await written(placeIn(t), 5000);
  t.after(() => files.close());
  let known = 0;
  for (let number = 0; number < 5000; number++) {
    if (files.has(statOf(number), contentOf(number))) known++;
    assert.equal(files.has(statOf(number), contentOf(number + 1)), false);
    assert.equal(files.has(statOf(number, { ctimeNs: 1n }), contentOf(number)), false);
  }
  // A bucket may be full, by chance.
  assert.ok(known >= 4995, `${known} of 5000`);
  assert.deepEqual(files.header.madeAtMs, 1234);
  assert.equal(files.header.target, "/target");
});

test("more files than foreseen are forgotten, none is mixed up, and the note stays small", async (t) => {
  const path = placeIn(t);
  const files = await written(path, 1000, 10);
  t.after(() => files.close());
  const known = Array.from({ length: 1000 }, (_, number) => files.has(statOf(number), contentOf(number)));
  // Two buckets.
  assert.equal(known.filter(Boolean).length, 64);
  assert.ok(statSync(path).size <= 8192 + 2 * 512);
});

test("a change time without digits below the second is not trusted: the next change may have the same", async (t) => {
  const path = placeIn(t);
  const writer = new RestoredFilesWriter(path, header, 2);
  const coarse = statOf(1, { ctimeNs: 1_700_000_000_000_000_000n });
  writer.add(coarse, contentOf(1));
  writer.add(statOf(2), contentOf(2));
  await writer.finish(0);
  const files = RestoredFiles.open(path);
  t.after(() => files?.close());
  assert.equal(files?.has(coarse, contentOf(1)), false);
  assert.equal(files?.has(statOf(2), contentOf(2)), true);
});

test("a note is not valid before the kernel's clock has gone on", async (t) => {
  const path = placeIn(t);
  const writer = new RestoredFilesWriter(path, header, 1);
  writer.add(statOf(1), contentOf(1));
  const addedMs = performance.now();
  await writer.finish(0);
  assert.ok(performance.now() - addedMs >= 19);
});

test("nothing is left of a note without files, of one that was given up, and of one whose path is too long", async (t) => {
  const path = placeIn(t);
  await new RestoredFilesWriter(path, header, 1).finish(0);
  new RestoredFilesWriter(path, header, 1).abandon();
  const long = new RestoredFilesWriter(path, { ...header, target: "/x".repeat(5000) }, 1);
  long.add(statOf(1), contentOf(1));
  await long.finish(0);
  assert.ok(!existsSync(path));
  assert.ok(!existsSync(temporaryName(path)));
});
