// The report of a backup, of real files through real threads.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { openStorage } from "../../repo-format/storage/location.ts";
import { newStorageMeter } from "../../repo-format/storage/storage-meter.ts";
import type { RetryEvent } from "../../repo-format/storage/with-retry.ts";
import { archiveFixture } from "../support/archive-fixture.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const seededBytes = (seed: number, bytes: number): Buffer => seededRandom(seed).bytes(bytes);

test("bytes read are those of new content only, each once", async (t) => {
  const { source, backUp } = await archiveFixture(t);
  writeFileSync(join(source, "big"), seededBytes(1, 20 * mebibyte));
  writeFileSync(join(source, "small"), seededBytes(2, 1000));
  linkSync(join(source, "small"), join(source, "small-again"));
  writeFileSync(join(source, "empty"), "");
  const first = await backUp();
  assert.equal(first.report.bytesRead, 20 * mebibyte + 1000);
  assert.equal(first.summary.totalBytesProcessed, 20 * mebibyte + 2000);
  assert.equal(first.report.bytesNew, first.summary.dataAdded);
  assert.equal(first.report.bytesStored, first.summary.dataAddedPacked);
  const second = await backUp();
  assert.deepEqual([second.report.bytesRead, second.report.bytesNew], [0, 0]);
  writeFileSync(join(source, "copy"), seededBytes(1, 20 * mebibyte));
  const third = await backUp();
  assert.equal(third.report.bytesRead, 20 * mebibyte);
  assert.ok(third.report.bytesNew < 10_000, "the copy's chunks are known: only trees are new");
});

test("holes are not read", async (t) => {
  const { source, backUp } = await archiveFixture(t);
  writeFileSync(join(source, "sparse"), seededBytes(3, mebibyte));
  truncateSync(join(source, "sparse"), 200 * mebibyte);
  const { report, summary } = await backUp();
  assert.equal(summary.totalBytesProcessed, 200 * mebibyte);
  assert.ok(report.bytesRead >= mebibyte && report.bytesRead < 20 * mebibyte, `read ${report.bytesRead}`);
});

test("a stream's bytes count as read", async (t) => {
  const { backUp } = await archiveFixture(t);
  const bytes = seededBytes(4, 10 * mebibyte);
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  const { report } = await backUp({ targets: [], relativeRoot: false, stream: { path: "/dump", open } });
  assert.deepEqual([report.bytesRead, report.entries.files], [bytes.length, 1]);
  assert.ok(report.threadSeconds.sealing > 0);
});

test("entries are counted by kind, sockets as left out", async (t) => {
  const { source, backUp } = await archiveFixture(t);
  mkdirSync(join(source, "folder"));
  writeFileSync(join(source, "folder", "one"), "one");
  linkSync(join(source, "folder", "one"), join(source, "two"));
  writeFileSync(join(source, "three"), "three");
  symlinkSync("three", join(source, "link"));
  execFileSync("mkfifo", [join(source, "fifo")]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(source, "socket"), resolve));
  t.after(() => server.close());
  const expected = { files: 3, directories: 1, symlinks: 1, devices: 0, fifos: 1, sockets: 1, hardLinks: 2 };
  assert.deepEqual((await backUp()).report.entries, expected);
  assert.deepEqual((await backUp()).report.entries, expected, "the same when nothing is read");
});

test("requests are those of this run, by kind of request and of file, and stages leave no gap", async (t) => {
  const folder = temporaryDirectory(t, "archiver-report");
  const storage = await openStorage(join(folder, "repository"), { create: true });
  const { source, backUp } = await archiveFixture(t, { storage });
  writeFileSync(join(source, "file"), seededBytes(5, 100_000));
  let looks = 0;
  const { report } = await backUp({ monotonicClock: () => ++looks });
  const { traffic } = report;
  assert.equal(traffic?.requests.put, 4, "a pack of data, one of trees, an index and a snapshot");
  assert.deepEqual([traffic.files.pack, traffic.files.key, traffic.files.config], [2, 0, 0]);
  assert.ok(traffic.bytesSent > 100_000 && traffic.bytesSent < 110_000, `${traffic.bytesSent}`);
  const stagesMs = Object.values(report.stageSeconds).map((seconds) => Math.round(seconds * 1000));
  assert.ok(
    stagesMs.every((ms) => ms > 0),
    `every stage was entered: ${stagesMs}`,
  );
  assert.equal(
    stagesMs.reduce((sum, ms) => sum + ms, 0),
    looks - 1,
    "from the first look at the clock to the last",
  );
  assert.ok(report.threadSeconds.reading > 0 && report.threadSeconds.sealing > 0);
  assert.ok(report.waitSeconds.threads > 0, "at its end the walk waits for the threads");
});

test("repeated requests are counted as such, by the store's own meter and by the one that was given", async () => {
  const meter = newStorageMeter();
  const told: number[] = [];
  const retry = { maxRetries: 2, sleep: async () => {}, onRetry: ({ attempts }: RetryEvent) => told.push(attempts) };
  const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
  const storage = await openStorage("s3:http://127.0.0.1:1/bucket", { meter, retry, s3: { credentials } });
  await assert.rejects(storage.stat("config"), { code: "storage-unavailable" });
  await storage.close();
  for (const one of [meter, storage.meter])
    assert.deepEqual([one?.requests.stat, one?.failures, one?.retries], [3, 3, 2]);
  assert.deepEqual(told, [1, 2]);
});
