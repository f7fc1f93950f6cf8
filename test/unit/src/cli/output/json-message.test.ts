import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { omitEmpty } from "../../../../../src/cli/output/json-message.ts";

describe("omitEmpty", () => {
  it("drops what Go's omitempty drops", () => {
    const fields = { a: 0, b: "", c: false, d: undefined, e: [], f: 1, g: "x", h: true, i: [0], j: null };
    assert.deepEqual(omitEmpty(fields), { f: 1, g: "x", h: true, i: [0], j: null });
  });
});
