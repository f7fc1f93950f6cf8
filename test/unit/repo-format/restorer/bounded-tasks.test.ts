import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { allEnded, Slots, withBoundedTasks } from "../../../../repo-format/restorer/bounded-tasks.ts";

function meter(): { readonly enter: () => Promise<void>; readonly peak: () => number; readonly running: () => number } {
  let running = 0;
  let peak = 0;
  const enter = async (): Promise<void> => {
    running++;
    peak = Math.max(peak, running);
    await setImmediate();
    await setImmediate();
    running--;
  };
  return { enter, peak: () => peak, running: () => running };
}

test("no more tasks run than allowed, and all have ended at the end", async () => {
  const { enter, peak, running } = meter();
  await withBoundedTasks(3, async (tasks) => {
    for (let task = 0; task < 20; task++) await tasks.start(enter);
  });
  assert.equal(peak(), 3);
  assert.equal(running(), 0);
});

test("the first error ends the starting of tasks, and is thrown after all have ended", async () => {
  const { enter, running } = meter();
  let started = 0;
  const work = withBoundedTasks(2, async (tasks) => {
    for (let task = 0; task < 100; task++) {
      await tasks.start(async () => {
        started++;
        if (task === 3) throw new Error("task 3");
        await enter();
      });
    }
  });
  await assert.rejects(work, /task 3/);
  assert.equal(running(), 0);
  assert.ok(started < 10);
});

test("an error of the body waits for the tasks too", async () => {
  const { enter, running } = meter();
  const work = withBoundedTasks(2, async (tasks) => {
    await tasks.start(enter);
    throw new Error("body");
  });
  await assert.rejects(work, /body/);
  assert.equal(running(), 0);
});

test("slots hand their places on in order, also after a failure", async () => {
  const slots = new Slots(2);
  const { enter, peak } = meter();
  const order: number[] = [];
  const runs = [0, 1, 2, 3, 4].map((number) =>
    slots.run(async () => {
      order.push(number);
      await enter();
      if (number === 1) throw new Error("one");
    }),
  );
  await assert.rejects(allEnded(runs), /one/);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  assert.equal(peak(), 2);
});
