import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptLocks } from "../../../../agent/data-path/kept-locks.ts";
import { type Repository, withLock } from "../../../../repo-format/index.ts";
import { alarms } from "../../../support/alarm-clock.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { createTestRepository } from "../../../support/memory-repository.ts";
import { eventually } from "../../../support/processes.ts";

async function lockIds(repository: Repository): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of repository.list("lock")) ids.push(id);
  return ids;
}

const timings = { settleMs: 0 };
const waited = { exclusive: false as const, timings, hasNext: () => true };
const alone = { exclusive: false as const, timings, hasNext: () => false };

test("a volume that waits gets the lock of the one before it; the last one gives it back", async () => {
  const locks = new KeptLocks(alarms().clock);
  const repository = await createTestRepository();
  const seen: string[][] = [];
  for (const options of [waited, waited, alone]) {
    await locks.use(repository, options, async () => {
      seen.push(await lockIds(repository));
    });
  }
  assert.equal(seen[0]?.length, 1);
  assert.deepEqual([seen[1], seen[2]], [seen[0], seen[0]]);
  await eventually("it is given back", async () => (await lockIds(repository)).length === 0);
});

test("nothing is held when nobody waits, when nobody comes in time, and after the end", async () => {
  const { clock, ring } = alarms();
  const locks = new KeptLocks(clock);
  const repository = await createTestRepository();
  await locks.use(repository, alone, async () => {});
  assert.deepEqual(await lockIds(repository), []);
  await locks.use(repository, waited, async () => {});
  assert.equal((await lockIds(repository)).length, 1);
  ring();
  await eventually("it is given back", async () => (await lockIds(repository)).length === 0);
  await locks.use(repository, waited, async () => {});
  await locks.close();
  assert.deepEqual(await lockIds(repository), []);
});

test("a failure hands the lock on like a success, and is thrown", async () => {
  const locks = new KeptLocks(alarms().clock);
  const repository = await createTestRepository();
  const failing = locks.use(repository, waited, async () => {
    throw new Error("the volume is broken");
  });
  await assert.rejects(failing, /the volume is broken/);
  const [kept] = await lockIds(repository);
  await locks.use(repository, alone, async () => assert.deepEqual(await lockIds(repository), [kept]));
  await locks.close();
});

test("it is known for how long a volume has its lock, and for how long one waits for another program", async () => {
  const clock = new FakeClock();
  const locks = new KeptLocks(clock);
  const repository = await createTestRepository();
  assert.deepEqual([locks.longestHeldMs, locks.longestWaitMs], [0, 0]);
  await locks.use(repository, alone, async () => {
    await clock.advance(3000);
    assert.deepEqual([locks.longestHeldMs, locks.longestWaitMs], [3000, 0]);
  });
  assert.equal(locks.longestHeldMs, 0);
  const free = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<void>();
  const prune = withLock(repository, { exclusive: true, timings }, async () => {
    taken.resolve();
    await free.promise;
  });
  await taken.promise;
  const waits: number[] = [];
  const sleep = async (): Promise<void> => {
    await clock.advance(2000);
    waits.push(locks.longestWaitMs);
    free.resolve();
    await prune;
  };
  await locks.use(repository, { ...alone, sleep, retryLockMs: 60_000 }, async () =>
    assert.equal(locks.longestWaitMs, 0),
  );
  assert.ok((waits[0] ?? 0) >= 2000, String(waits));
});

test("the last volume gives the lock back at once, also when an earlier one has handed it on meanwhile", async () => {
  const locks = new KeptLocks(alarms().clock);
  const repository = await createTestRepository();
  await locks.use(repository, alone, async () => {
    await locks.use(repository, waited, async () => {});
    assert.equal((await lockIds(repository)).length, 1);
  });
  assert.deepEqual(await lockIds(repository), []);
});
