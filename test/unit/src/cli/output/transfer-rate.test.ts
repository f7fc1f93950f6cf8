import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TransferRate } from "../../../../../src/cli/output/transfer-rate.ts";

describe("TransferRate", () => {
  it("is the average from the start while the window is not full", () => {
    const rate = new TransferRate();
    rate.add(2, 200);
    assert.equal(rate.perSecond(4, 400), 100);
  });

  it("forgets what was long ago", () => {
    const rate = new TransferRate();
    // Fast for a minute, because nothing had changed, then slow.
    for (let second = 1; second <= 60; second++) rate.add(second, second * 1000);
    for (let second = 61; second <= 120; second++) rate.add(second, 60_000 + (second - 60) * 10);
    assert.equal(Math.round(rate.perSecond(120, 60_600)), 10);
  });

  it("says nothing at the very start, and never less than nothing", () => {
    const rate = new TransferRate();
    assert.equal(rate.perSecond(0, 5), 0);
    rate.add(1, 100);
    assert.equal(rate.perSecond(2, -5), 0);
  });
});
