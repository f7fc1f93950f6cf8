import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import type { PackRange } from "../../../../repo-format/restorer/pack-ranges.ts";
import { fileAction, RestorePlan } from "../../../../repo-format/restorer/restore-plan.ts";
import { writeBatches, writeTask } from "../../../../repo-format/restorer/write-batches.ts";

const packId = "cc".repeat(32) as PackId;

function planOf(
  files: number,
  blobs: readonly (readonly [file: number, offset: number, length: number])[],
): RestorePlan {
  const plan = new RestorePlan();
  for (let file = 0; file < files; file++) {
    plan.addFile(0, `file ${file}`, 0, fileAction.create);
    for (const [owner, offset, length] of blobs) {
      if (owner !== file) continue;
      const id = (offset + 1).toString(16).padStart(64, "0") as BlobId;
      plan.addPart(id, { packId, offset, length, uncompressedLength: length * 2 }, offset * 10);
    }
  }
  return plan;
}

test("a batch ends when it has enough bytes or files, never between two places of one file", () => {
  const many = planOf(
    100,
    Array.from({ length: 100 }, (_, file) => [file, file, 1] as const),
  );
  const parts = Uint32Array.from({ length: 100 }, (_, part) => part);
  assert.deepEqual(
    [...writeBatches(many, parts)].map((batch) => batch.length),
    [64, 36],
  );
  const large = planOf(
    1,
    [0, 1, 2, 3, 4].map((number) => [0, number << 21, 1 << 21] as const),
  );
  assert.deepEqual(
    [...writeBatches(large, parts.subarray(0, 5))].map((batch) => batch.length),
    [2, 2, 1],
  );
  assert.deepEqual([...writeBatches(large, parts.subarray(0, 0))], []);
});

test("a task carries each blob once, however many files want it", () => {
  const plan = planOf(2, [
    [0, 100, 4],
    [0, 200, 3],
    [1, 100, 4],
  ]);
  const bytes = Buffer.alloc(200, 0xee);
  bytes.write("AAAA", 20);
  bytes.write("BBB", 120);
  const range: PackRange = { packId, offset: 80, length: 200, parts: Uint32Array.of(0, 2, 1) };
  const targets = [
    { part: 0, fd: 11, isSparse: false },
    { part: 2, fd: 12, isSparse: true },
    { part: 1, fd: 11, isSparse: false },
  ];
  const { task, transfer } = writeTask(plan, { range, sealed: bytes, targets });
  assert.equal(Buffer.from(task.sealed).toString(), "AAAABBB");
  assert.deepEqual([...task.blobs], [0, 4, 8, 4, 3, 6]);
  assert.equal(Buffer.from(task.ids).toString("hex"), "65".padStart(64, "0") + "c9".padStart(64, "0"));
  assert.deepEqual([...task.writes], [0, 11, 1000, 0, 0, 12, 1000, 1, 1, 11, 2000, 0]);
  assert.deepEqual(transfer, [task.sealed.buffer]);
});
