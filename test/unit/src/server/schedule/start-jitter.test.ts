import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Schedule } from "../../../../../src/api/schedule.ts";
import { jitterLimitMs, startDelayMs } from "../../../../../src/server/schedule/start-jitter.ts";

const schedule = (uid: string, jitter?: string): Schedule => ({
  metadata: {
    name: "s",
    uid,
    ...(jitter === undefined ? {} : { annotations: { "stowage.dev/start-jitter": jitter } }),
  },
  spec: { schedule: "@daily", template: {} },
});

describe("jitterLimitMs", () => {
  it("is the annotation's, also when that says 0, and the flag's where there is none", () => {
    assert.equal(jitterLimitMs(schedule("a"), 5), 5);
    assert.equal(jitterLimitMs(schedule("a", "10m"), 5), 600_000);
    assert.equal(jitterLimitMs(schedule("a", "0"), 5), 0);
  });

  it("is undefined for what is no duration", () => {
    for (const text of ["soon", "", "-1m"]) assert.equal(jitterLimitMs(schedule("a", text), 5), undefined, text);
  });
});

describe("startDelayMs", () => {
  it("gives the same answer to the same question", () => {
    assert.equal(startDelayMs(schedule("a"), 7, 60_000), startDelayMs(schedule("a"), 7, 60_000));
    assert.equal(startDelayMs(schedule("a"), 7, 0), 0);
  });

  it("spreads schedules and runs over the whole time", () => {
    const delays = Array.from({ length: 400 }, (_, index) =>
      startDelayMs(schedule(`uid-${index % 20}`), Math.floor(index / 20) * 3_600_000, 1000),
    );
    for (const quarter of [0, 1, 2, 3]) {
      const there = delays.filter((ms) => Math.floor(ms / 250) === quarter).length;
      assert.ok(there > 60 && there < 140, `${there} of 400 in quarter ${quarter}`);
    }
  });
});
