import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SpoolFile } from "../../../../../src/server/tarball/spool-file.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

test("pieces added from several places are read back in any order, written or still waiting", async (t) => {
  const spool = await SpoolFile.create(temporaryDirectory(t));
  t.after(() => spool.close());
  const pieces = Array.from({ length: 200 }, (_, index) => Buffer.alloc(1 + ((index * 7919) % 9000), index));
  const offsets = await Promise.all(pieces.map((piece) => spool.append(piece)));
  assert.equal(
    spool.sizeBytes,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  for (const index of [199, 0, 100, 3, 198]) {
    const piece = pieces[index] as Buffer;
    assert.ok((await spool.read(offsets[index] as number, piece.length)).equals(piece), `piece ${index}`);
  }
  const late = Buffer.from("late");
  const offset = await spool.append(late);
  assert.equal((await spool.read(offset, 4)).toString(), "late");
});

test("the file has no name that could outlive the process", async (t) => {
  const folder = temporaryDirectory(t);
  const spool = await SpoolFile.create(folder);
  await spool.append(Buffer.alloc(1_000_000, 1));
  assert.deepEqual(readdirSync(folder), []);
  await spool.close();
});

test("a folder that is not there is named", async (t) => {
  const folder = join(temporaryDirectory(t), "absent");
  await assert.rejects(SpoolFile.create(folder), { code: "scratch-unusable", message: /absent/ });
});
