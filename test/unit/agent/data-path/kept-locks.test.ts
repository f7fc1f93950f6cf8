import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptLocks } from "../../../../agent/data-path/kept-locks.ts";
import type { Repository } from "../../../../repo-format/index.ts";
import { alarms } from "../../../support/alarm-clock.ts";
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
