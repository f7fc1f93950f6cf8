import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { factsOf, isAbandoned } from "../../../../../src/server/maintenance/engine-care.ts";

const owner = { server: "installation", process: "this" };
const time = "2026-01-01T00:00:00Z";
const laterMs = (minutes: number): number => Date.parse(time) + minutes * 60_000;

describe("isAbandoned", () => {
  const earlier = { time, extra: { server: "installation", process: "earlier" } };

  it("is true of a lock that an earlier server of this installation no longer refreshes", () => {
    assert.equal(isAbandoned(earlier, owner, laterMs(11)), true);
    assert.equal(isAbandoned(earlier, owner, laterMs(9)), false, "it may still be held");
  });

  it("is false of our own locks, of other installations' and of other programs'", () => {
    assert.equal(isAbandoned({ time, extra: owner }, owner, laterMs(60)), false);
    const foreign = { time, extra: { server: "other", process: "earlier" } };
    assert.equal(isAbandoned(foreign, owner, laterMs(60)), false);
    assert.equal(isAbandoned({ time }, owner, laterMs(60)), false);
  });
});

describe("factsOf", () => {
  const pending = [{ id: "a", packs: 3, packBytes: 1, markedMs: 0 }];
  const prune = undefined;

  it("tells what was marked and deleted, and why writers had to wait", () => {
    const marked = { isDryRun: false, foreignTrace: undefined, prune, deletion: undefined, pending };
    assert.deepEqual(factsOf(marked), { markedPacks: 3, deletedPacks: 0 });
    const [mark] = pending;
    assert.ok(mark !== undefined);
    const deletion = { mark, outcome: "deleted", deletedPacks: 2, sparedPacks: 1 } as const;
    assert.deepEqual(factsOf({ ...marked, deletion, pending: [] }), { markedPacks: 0, deletedPacks: 2 });
    assert.deepEqual(factsOf({ ...marked, foreignTrace: "a lock", pending: [] }), {
      exclusiveBecause: "a lock",
      markedPacks: 0,
      deletedPacks: 0,
    });
  });
});
