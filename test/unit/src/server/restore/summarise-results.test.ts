import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { summarise } from "../../../../../src/server/restore/summarise-results.ts";

describe("summarise()", () => {
  it("joins errors of all places", () => {
    const results = { velero: ["a"], cluster: ["b"], namespaces: { one: ["c"], two: ["d"] } };
    assert.equal(summarise(results, 4), "a; b; c; d");
  });

  it("shows five, and says how many there are beside them, also those that were not kept", () => {
    const velero = Array.from({ length: 8 }, (_, index) => `e${index}`);
    assert.equal(summarise({ velero }, 100), "e0; e1; e2; e3; e4; and 95 more");
  });

  it("cuts what is too long for a status", () => {
    const text = summarise({ velero: ["x".repeat(5000)] }, 1);
    assert.equal(text.length, 2000);
    assert.ok(text.endsWith("…"));
  });
});
