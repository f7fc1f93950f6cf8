import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptThreads } from "../../../../agent/data-path/kept-threads.ts";
import { type BlobWorkerPool, type Repository, RepositoryError } from "../../../../repo-format/index.ts";
import { alarms } from "../../../support/alarm-clock.ts";
import { createTestRepository } from "../../../support/memory-repository.ts";

const poolOf = (threads: KeptThreads, repository: Repository): Promise<BlobWorkerPool> =>
  threads.use(repository, async (pool) => pool);

test("the volumes of a repository share threads, those of another have their own", async () => {
  const { clock } = alarms();
  const threads = new KeptThreads(clock);
  const [one, two] = [await createTestRepository(), await createTestRepository()];
  const first = await poolOf(threads, one);
  assert.equal(await poolOf(threads, one), first);
  assert.notEqual(await poolOf(threads, two), first);
  await threads.close();
});

test("threads end when nobody has used them for a while, and not before", async () => {
  const { clock, ring, count } = alarms();
  const threads = new KeptThreads(clock);
  const repository = await createTestRepository();
  const first = await poolOf(threads, repository);
  await threads.use(repository, async () => {
    assert.equal(count(), 0, "nothing ends what is used");
  });
  assert.equal(count(), 1);
  ring();
  assert.notEqual(await poolOf(threads, repository), first);
  await threads.close();
  assert.equal(count(), 0);
});

test("threads that have failed are not used again", async () => {
  const threads = new KeptThreads(alarms().clock);
  const repository = await createTestRepository();
  let failed: BlobWorkerPool | undefined;
  const failing = threads.use(repository, async (pool) => {
    failed = pool;
    throw new RepositoryError("worker-failed", "a thread died");
  });
  await assert.rejects(failing, /a thread died/);
  assert.notEqual(await poolOf(threads, repository), failed);
  await threads.close();
});

test("the memory of all threads is known, and is nothing once they have ended", async () => {
  const threads = new KeptThreads(alarms().clock);
  const pools = [
    await poolOf(threads, await createTestRepository()),
    await poolOf(threads, await createTestRepository()),
  ];
  await pools[1]?.budget.acquire(5);
  const limitBytes = pools.reduce((sum, { budget }) => sum + budget.limitBytes, 0);
  assert.deepEqual(threads.memory, { usedBytes: 5, limitBytes });
  await threads.close();
  assert.deepEqual(threads.memory, { usedBytes: 0, limitBytes: 0 });
});
