import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createCompressor } from "../../../../repo-format/compression/zstd.ts";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { idOf, idToBytes } from "../../../../repo-format/format/id.ts";
import {
  type CompareResult,
  type CompareTask,
  runRestoreTask,
  type VerifyPackResult,
  type WriteResult,
  type WriteTask,
} from "../../../../repo-format/workers/restore-task.ts";
import { seededBytes } from "../../../support/memory-repository.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const key = generateMasterKey((size) => seededBytes("key", size));
const sealer = new Sealer(key);
const compressor = createCompressor("fastest");

function openTemporary(scope: Scope): { fd: number; path: string } {
  const path = join(temporaryDirectory(scope), "file");
  const fd = openSync(path, "w+");
  scope.after(() => closeSync(fd));
  return { fd, path };
}

/** Seals the contents back to back, every second one compressed. */
function taskOf(contents: readonly Buffer[], writes: readonly (readonly number[])[]): WriteTask {
  const sealed = contents.map((content, index) =>
    sealer.seal(index % 2 === 0 ? content : compressor.compress(content)),
  );
  let offset = 0;
  const blobs = sealed.flatMap((bytes, index) => {
    const row = [offset, bytes.length, index % 2 === 0 ? 0 : (contents[index]?.length ?? 0)];
    offset += bytes.length;
    return row;
  });
  return {
    kind: "write",
    sealed: Buffer.concat(sealed),
    blobs: Uint32Array.from(blobs),
    ids: Buffer.concat(contents.map((content) => idToBytes(idOf(content)))),
    writes: Float64Array.from(writes.flat()),
  };
}

test("a whole pack is read, opened and hashed, also where a window of it ends inside of a blob", (t) => {
  const { fd } = openTemporary(t);
  const contents = Array.from({ length: 60 }, (_, index) => seededBytes(`blob ${index}`, 1 + index * 3000));
  const { sealed, blobs, ids } = taskOf(contents, []);
  const tail = Buffer.from("the header and its length");
  writeFileSync(fd, Buffer.concat([sealed, tail]));
  const types = contents.map(() => "data" as const);
  const task = { kind: "verify-pack", fd, blobs, ids, types, tailBytes: tail.length } as const;
  const result = runRestoreTask(task, key) as VerifyPackResult;
  assert.equal(result.hash, idOf(Buffer.concat([sealed, tail])));
  assert.deepEqual(Buffer.from(result.tail), tail);
  assert.deepEqual(result.failures, []);
  ids[40 * 32] = (ids[40 * 32] as number) ^ 1;
  const { failures } = runRestoreTask(task, key) as VerifyPackResult;
  assert.deepEqual(
    failures.map(({ blob }) => blob),
    [40],
  );
  assert.match(failures[0]?.error.message ?? "", new RegExp(idOf(contents[40] as Buffer)));
});

test("blobs are opened, decompressed and written to every place that wants them", (t) => {
  const { fd, path } = openTemporary(t);
  const [a, b] = [Buffer.from("first "), Buffer.from("second ".repeat(100))];
  const result = runRestoreTask(
    taskOf(
      [a, b],
      [
        [0, fd, 0, 0],
        [0, fd, a.length + b.length, 0],
        [1, fd, a.length, 0],
      ],
    ),
    key,
  ) as WriteResult;
  assert.deepEqual(result, { kind: "written", failures: [], unfinished: [] });
  assert.equal(readFileSync(path, "utf8"), `${a}${b}${a}`);
});

test("a damaged blob is reported once and written nowhere, its neighbours are written", (t) => {
  const { fd, path } = openTemporary(t);
  const task = taskOf(
    [Buffer.from("aaaa"), Buffer.from("bbbb")],
    [
      [0, fd, 0, 0],
      [0, fd, 8, 0],
      [1, fd, 4, 0],
    ],
  );
  task.sealed[20] = (task.sealed[20] as number) ^ 1;
  const { failures } = runRestoreTask(task, key) as WriteResult;
  assert.deepEqual(
    failures.map(({ blob, write, error }) => [blob, write, error.code]),
    [[0, -1, "blob-damaged"]],
  );
  assert.deepEqual(readFileSync(path), Buffer.from("\0\0\0\0bbbb"));
});

test("authentic bytes under another id are damage too", (t) => {
  const { fd } = openTemporary(t);
  const task = taskOf([Buffer.from("aaaa")], [[0, fd, 0, 0]]);
  idToBytes(idOf(Buffer.from("other"))).copy(task.ids as Buffer);
  const { failures } = runRestoreTask(task, key) as WriteResult;
  assert.equal(failures[0]?.error.code, "blob-damaged");
});

test("a write that fails is reported with its number, the others go on", (t) => {
  const { fd, path } = openTemporary(t);
  const readOnly = openSync(path, "r");
  t.after(() => closeSync(readOnly));
  const task = taskOf(
    [Buffer.from("aaaa")],
    [
      [0, readOnly, 0, 0],
      [0, fd, 4, 0],
    ],
  );
  const { failures } = runRestoreTask(task, key) as WriteResult;
  assert.deepEqual(
    failures.map(({ blob, write, error }) => [blob, write, error.code]),
    [[0, 0, "target-unwritable"]],
  );
  assert.match(failures[0]?.error.message ?? "", /write 4 bytes at offset 0: EBADF/);
  assert.deepEqual(readFileSync(path), Buffer.from("\0\0\0\0aaaa"));
});

test("zeros are written or left as holes, as the task says", (t) => {
  const { fd, path } = openTemporary(t);
  writeFileSync(path, Buffer.alloc(30_000, 1));
  const zeros = Buffer.alloc(10_000);
  runRestoreTask(
    taskOf(
      [zeros],
      [
        [0, fd, 0, 0],
        [0, fd, 20_000, 1],
      ],
    ),
    key,
  );
  const bytes = readFileSync(path);
  assert.ok(bytes.subarray(0, 10_000).equals(zeros));
  assert.ok(bytes.subarray(20_000 + 480, 28_000).every((byte) => byte === 1));
});

test("a comparison says for each piece whether the file has exactly these bytes", (t) => {
  const { fd, path } = openTemporary(t);
  writeFileSync(path, "aaaabbbbcc");
  const pieces = ["aaaa", "bbbx", "cccc"].map((text) => Buffer.from(text));
  const task: CompareTask = {
    kind: "compare",
    fd,
    offsets: Float64Array.of(0, 4, 8),
    lengths: Uint32Array.of(4, 4, 4),
    ids: Buffer.concat(pieces.map((piece) => idToBytes(idOf(piece)))),
  };
  const result = runRestoreTask(task, key) as CompareResult;
  assert.deepEqual([...result.matches], [1, 0, 0]);
  assert.equal(result.readError, undefined);
  const unreadable = runRestoreTask({ ...task, fd: -1 }, key) as CompareResult;
  assert.deepEqual([...unreadable.matches], [0, 0, 0]);
  assert.match(unreadable.readError ?? "", /fd|EBADF/);
});
