import assert from "node:assert/strict";
import { test } from "node:test";
import { batchColumns } from "../../../../repo-format/archiver/file-batch.ts";
import type { FileStat } from "../../../../repo-format/file-tree/file-stat.ts";

test("files become columns, in their order, with raw names and exact numbers", () => {
  const stat = { ino: 2n ** 63n + 1n, mtimeNs: -5n, ctimeNs: 7n, size: 9n } as FileStat;
  const files = [
    { fd: 3, name: Buffer.from("first"), stat, limitBytes: 20 },
    { fd: 4, name: Buffer.from([0xff, 0xfe]), stat: { ...stat, size: 0n } as FileStat, limitBytes: 1 },
  ];
  const columns = batchColumns(files);
  assert.deepEqual([...columns.directories], [3, 4]);
  assert.deepEqual(Buffer.from(columns.names), Buffer.concat([Buffer.from("first"), Buffer.from([0xff, 0xfe])]));
  assert.deepEqual([...columns.nameEnds], [5, 7]);
  assert.deepEqual([...columns.identities.subarray(0, 3)], [BigInt.asIntN(64, 2n ** 63n + 1n), -5n, 7n]);
  assert.deepEqual(
    [[...columns.sizes], [...columns.limits]],
    [
      [9, 0],
      [20, 1],
    ],
  );
});
