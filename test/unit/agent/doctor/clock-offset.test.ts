import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeOffset } from "../../../../agent/doctor/clock-offset.ts";

test("half a minute is noticed, five minutes are too much, in either direction", () => {
  assert.equal(judgeOffset(29_000, "x").outcome, "ok");
  assert.deepEqual(
    [judgeOffset(31_000, "the store's clock").outcome, judgeOffset(31_000, "the store's clock").message],
    ["warning", "this node's clock is 31 s behind the store's clock"],
  );
  assert.match(judgeOffset(-301_000, "the API server's").message, /301 s ahead of the API server's/);
  assert.equal(judgeOffset(-301_000, "x").outcome, "failed");
});
