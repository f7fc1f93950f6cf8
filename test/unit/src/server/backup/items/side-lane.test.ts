import assert from "node:assert/strict";
import { test } from "node:test";
import { SideLane } from "../../../../../../src/server/backup/items/side-lane.ts";

function step(): { readonly reached: Promise<void>; readonly pass: () => void; readonly fail: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { reached: promise, pass: resolve, fail: reject };
}

test("so many tasks run at a time, in the order in which they came, and end waits for all", async () => {
  const lane = new SideLane(2);
  const begun: number[] = [];
  const steps = [step(), step(), step()];
  for (const [index, { reached }] of steps.entries()) {
    lane.add(() => {
      begun.push(index);
      return reached;
    });
  }
  assert.deepEqual(begun, [0, 1]);
  steps[1]?.pass();
  await new Promise(setImmediate);
  assert.deepEqual(begun, [0, 1, 2]);
  let hasEnded = false;
  const end = lane.end().then(() => (hasEnded = true));
  steps[0]?.pass();
  await new Promise(setImmediate);
  assert.equal(hasEnded, false);
  steps[2]?.pass();
  await end;
});

test("after a failure nothing more begins, and whoever asks hears of it", async () => {
  const lane = new SideLane(1);
  const failing = step();
  lane.add(() => failing.reached);
  lane.add(() => Promise.reject(new Error("never begun")));
  lane.throwIfFailed();
  failing.fail(new Error("failed"));
  await assert.rejects(lane.end(), { message: "failed" });
  assert.throws(() => lane.throwIfFailed(), { message: "failed" });
});

test("cancel forgets what waits and waits for what runs, also when that fails", async () => {
  const lane = new SideLane(1);
  const running = step();
  let second = false;
  lane.add(() => running.reached);
  lane.add(() => {
    second = true;
    return Promise.resolve();
  });
  const cancelled = lane.cancel();
  running.fail(new Error("failed"));
  await cancelled;
  assert.equal(second, false);
});

test("an empty lane ends at once, and there is always room for one", async () => {
  await new SideLane(1).end();
  const lane = new SideLane(0);
  let ran = false;
  lane.add(() => {
    ran = true;
    return Promise.resolve();
  });
  await lane.end();
  assert.ok(ran);
});
