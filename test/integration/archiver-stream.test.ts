// A backup of what comes through a pipe: all of it is stored, and whatever ends the backup ends the reading.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ArchiveOptions } from "../../repo-format/archiver/archive-options.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { decodeTree, emptyTreeId } from "../../repo-format/format/tree.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { archiveFixture } from "../support/archive-fixture.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { seededBytes, storedKeys } from "../support/memory-repository.ts";

const mebibyte = 1024 * 1024;
type Open = NonNullable<ArchiveOptions["stream"]>["open"];

async function fixture(t: TestContext) {
  const storage = new FaultyStorage(new InMemoryStorage());
  const { repo, backUp } = await archiveFixture(t, { storage });
  const stream = (open: Open, more: Partial<ArchiveOptions> = {}) =>
    backUp({ targets: [], relativeRoot: false, stream: { path: "/dump/all.sql", open }, ...more });
  return { storage, repo, stream };
}

/** Goes on until somebody has had enough. */
async function* endless(signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let turn = 0; !signal.aborted; turn++) yield seededBytes(turn, mebibyte);
}

test("a stream of many windows is stored whole, in the order in which it came", async (t) => {
  const { repo, stream } = await fixture(t);
  const data = seededBytes("stream", 37 * mebibyte + 5);
  const items: string[] = [];
  const result = await stream(
    async function* () {
      for (let at = 0; at < data.length; at += 100_000) yield data.subarray(at, at + 100_000);
    },
    { onItem: ({ path, type }) => items.push(`${type} ${path}`) },
  );
  const [directory] = decodeTree(await repo.loadTree(result.treeId)).nodes;
  const [file] = decodeTree(await repo.loadTree(directory?.subtree ?? emptyTreeId)).nodes;
  const blobs = await Promise.all((file?.content ?? []).map((id) => repo.loadBlob({ type: "data", id })));
  assert.ok(Buffer.concat(blobs).equals(data));
  assert.deepEqual(items, ["file /dump/all.sql", "dir /dump"]);
  assert.equal(result.summary.totalBytesProcessed, data.length);
  assert.deepEqual((await repo.loadSnapshot(result.snapshotId ?? ("" as never))).paths, ["/dump/all.sql"]);
});

test("a stream that breaks off is left out with a warning; one that has failed leaves no snapshot", async (t) => {
  const { repo, stream } = await fixture(t);
  const broken = await stream(async function* () {
    yield Buffer.from("part");
    throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", syscall: "read" });
  });
  assert.equal(broken.treeId, emptyTreeId);
  assert.deepEqual([broken.warningCount, broken.warnings[0]?.path], [1, "/dump/all.sql"]);
  const failed = stream(async function* () {
    yield Buffer.from("part");
    throw new RepositoryError("source-failed", "the command failed");
  });
  await assert.rejects(failed, (error) => RepositoryError.is(error, "source-failed"));
  assert.equal((await storedKeys(repo.storage, "snapshots/")).length, 1);
});

test("a store that fails ends the reading, and so does cancelling", async (t) => {
  const { storage, stream } = await fixture(t);
  storage.plan = (call) => {
    if (call.method === "put" && call.key.startsWith("data/")) throw unavailable(call);
    return undefined;
  };
  await assert.rejects(stream(endless), (error) => RepositoryError.is(error, "storage-unavailable"));
  storage.plan = () => undefined;
  const controller = new AbortController();
  const cancelled = stream(endless, {
    signal: controller.signal,
    onProgress: ({ bytesDone }) => void (bytesDone > 0 && controller.abort()),
  });
  await assert.rejects(cancelled, (error) => RepositoryError.is(error, "cancelled"));
});

test("a stream has a name of its own, and no paths beside it", async (t) => {
  const { stream } = await fixture(t);
  const one = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("x");
  };
  for (const path of ["relative", "/", "/a/../b", "/a/"])
    await assert.rejects(stream(one, { stream: { path, open: one } }), /is no name/);
  await assert.rejects(stream(one, { targets: ["/etc"] }), /excludes files/);
});
