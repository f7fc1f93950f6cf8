// A lock that is lost while work goes on: from then on nothing is stored, and no snapshot is written that a prune of
// somebody else may have made a lie.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { archive } from "../../repo-format/archiver/archive.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { emptyTreeId } from "../../repo-format/format/tree.ts";
import { removeStaleLocks, withLock } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";
import { createTestRepository, reopen, seededBytes, storedKeys, storeSnapshot } from "../support/memory-repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const second = 1000;
const minute = 60 * second;
const timings = { settleMs: 0 };

interface Rig {
  readonly storage: FaultyStorage;
  readonly clock: ManualClock;
  readonly repo: Repository;
  /** Moves the repository's clock alone: a suspend after which no timer has fired yet. */
  suspend(ms: number): void;
  /** Somebody takes all locks away, as `unlock --remove-all` does, and prunes. */
  takeLocksAway(): Promise<void>;
}

async function rig(): Promise<Rig> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const clock = new ManualClock();
  let suspendedMs = 0;
  const repo = await createTestRepository({
    storage,
    packSizeBytes: 4 * mebibyte,
    clock: () => clock.now() + suspendedMs,
  });
  return {
    storage,
    clock,
    repo,
    suspend: (ms) => {
      suspendedMs += ms;
    },
    takeLocksAway: async () => void (await removeStaleLocks(await reopen(storage.beneath), { all: true })),
  };
}

function sourceOf(t: TestContext): string {
  const source = temporaryDirectory(t, "source");
  for (let file = 0; file < 20; file++) writeFileSync(join(source, `f${file}`), seededBytes(file, 2 * mebibyte));
  return source;
}

function backUp({ repo, clock }: Rig, source: string): Promise<unknown> {
  return withLock(repo, { exclusive: false, timings, sleep: clock.sleep }, (signal) =>
    archive(repo, { ...backupDefaults(source), signal }),
  );
}

const isLost = (error: unknown): boolean => RepositoryError.is(error, "lock-lost");
const isPack = ({ method, key }: { method: string; key: string }): boolean =>
  method === "put" && key.startsWith("data/");

test("when the lock cannot be refreshed for too long, the upload stops at once and no snapshot is written", async (t) => {
  const made = await rig();
  const { storage, clock } = made;
  let packsBefore = 0;
  let isTimeUp = false;
  storage.plan = (call) => {
    if (call.method === "put" && call.key.startsWith("locks/") && clock.now() > Date.UTC(2024, 4, 1)) {
      throw unavailable(call);
    }
    if (!isPack(call)) return undefined;
    assert.equal(isTimeUp, false, "a pack was stored without a lock");
    if (++packsBefore !== 2) return undefined;
    return clock.advance(30 * minute).then(() => {
      isTimeUp = true;
    });
  };
  const running = backUp(made, sourceOf(t));
  running.catch(() => {});
  await assertEventually(clock, running, isLost);
  assert.ok(isTimeUp && packsBefore >= 2);
  assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
});

test("a backup whose lock file was removed by force writes no snapshot, however short it was", async (t) => {
  const made = await rig();
  const { storage } = made;
  let isTaken = false;
  storage.plan = (call) => {
    if (!isPack(call) || isTaken) return undefined;
    isTaken = true;
    return made.takeLocksAway();
  };
  const running = backUp(made, sourceOf(t));
  running.catch(() => {});
  await assertEventually(made.clock, running, isLost);
  assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
  storage.plan = () => undefined;
  const again = backUp(made, sourceOf(t));
  await assertEventually(made.clock, again);
  assert.equal((await storedKeys(storage, "snapshots/")).length, 1);
});

test("a removed lock file is noticed at the next refresh, in the middle of the upload", async () => {
  const made = await rig();
  const { repo, clock, storage } = made;
  const work = Promise.withResolvers<void>();
  const running = withLock(repo, { exclusive: false, timings, sleep: clock.sleep }, async (signal) => {
    await work.promise;
    signal.throwIfAborted();
  });
  running.catch(() => {});
  await clock.advance(minute);
  await made.takeLocksAway();
  await clock.advance(5 * minute);
  await assert.rejects(repo.storage.put(`data/00/${"00".repeat(32)}`, Buffer.alloc(1)), isLost);
  work.resolve();
  await assertEventually(clock, running, isLost);
  assert.deepEqual(await storedKeys(storage, "locks/"), [], "the file that was to replace it does not stay");
});

test("after a suspend nothing is written before somebody has looked at the lock; then it is, when the lock stood", async () => {
  const made = await rig();
  const { repo, clock, storage } = made;
  const running = withLock(repo, { exclusive: false, timings, sleep: clock.sleep }, async () => {
    made.suspend(60 * minute);
    return storeSnapshot(repo, emptyTreeId);
  });
  await clock.advance(0);
  for (let turn = 0; turn < 5; turn++) await settle();
  assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
  await assertEventually(clock, running);
  assert.equal((await storedKeys(storage, "snapshots/")).length, 1);
});

test("after a suspend in which the lock was taken for stale, no snapshot is written", async () => {
  const made = await rig();
  const { repo, clock, storage } = made;
  const running = withLock(repo, { exclusive: false, timings, sleep: clock.sleep }, async () => {
    made.suspend(60 * minute);
    await made.takeLocksAway();
    return storeSnapshot(repo, emptyTreeId);
  });
  running.catch(() => {});
  await assertEventually(clock, running, isLost);
  assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
});

test("a refresh that was under way during a suspend does not pass for the old lock", async () => {
  const made = await rig();
  const { repo, clock, storage } = made;
  const arrives = Promise.withResolvers<void>();
  const work = Promise.withResolvers<void>();
  let isFirst = true;
  storage.plan = ({ method, key }) => {
    if (method !== "put" || !key.startsWith("locks/")) return undefined;
    if (!isFirst) return arrives.promise;
    isFirst = false;
    return undefined;
  };
  const running = withLock(repo, { exclusive: false, timings, sleep: clock.sleep }, async () => {
    await work.promise;
    return storeSnapshot(repo, emptyTreeId);
  });
  running.catch(() => {});
  await clock.advance(6 * minute);
  made.suspend(60 * minute);
  await made.takeLocksAway();
  arrives.resolve();
  work.resolve();
  await assertEventually(clock, running, isLost);
  assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
  assert.deepEqual(await storedKeys(storage, "locks/"), []);
});

/** Lets the clock run until the work ends, as it should. */
async function assertEventually(
  clock: ManualClock,
  work: Promise<unknown>,
  isExpected?: (error: unknown) => boolean,
): Promise<void> {
  let hasEnded = false;
  const end = work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  void end.then(() => {
    hasEnded = true;
  });
  for (let step = 0; step < 20_000 && !hasEnded; step++) await clock.advance(10);
  assert.ok(hasEnded, "the work hangs");
  const failure = await end;
  if (isExpected === undefined) assert.equal(failure, undefined);
  else assert.ok(failure !== undefined && isExpected(failure.error), `${failure?.error}`);
}
