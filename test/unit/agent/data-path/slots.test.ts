import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../../../agent/data-path/slots.ts";

test("a change of the number takes nothing away, and more of them are told to those who wait", () => {
  const slots = new Slots(2);
  let freed = 0;
  slots.onFree(() => freed++);
  const taken = [slots.tryTake(), slots.tryTake()];
  slots.resize(1);
  assert.equal(slots.used, 2);
  taken[0]?.();
  assert.equal(slots.tryTake(), undefined);
  slots.resize(3);
  assert.equal(freed, 2);
  assert.ok(slots.tryTake());
});

test("no more slots are given than there are, and each comes back once", () => {
  const slots = new Slots(2);
  const seen: number[] = [];
  let freed = 0;
  slots.onChange((used) => seen.push(used));
  slots.onFree(() => freed++);
  const first = slots.tryTake();
  assert.ok(slots.tryTake());
  assert.equal(slots.tryTake(), undefined);
  first?.();
  first?.();
  assert.equal(slots.used, 1);
  assert.equal(freed, 1);
  assert.deepEqual(seen, [1, 2, 1]);
});
