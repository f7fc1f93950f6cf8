import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type FieldSchema,
  strategicMerge,
} from "../../../../../../../../src/server/restore/objects/rules/modifiers/strategic-merge.ts";

// What the API server makes of the same patches is compared in the integration tests; here is what it refuses or does
// where its own defaults would hide it.
const field = (over: Partial<FieldSchema>): FieldSchema => ({
  ...{ isMerged: false, mergeKey: undefined, isReplaced: false, field: () => schema },
  ...over,
});
const schema: FieldSchema = field({
  field: (name) => {
    if (name === "items") return field({ isMerged: true, mergeKey: "name" });
    if (name === "words") return field({ isMerged: true });
    return name === "whole" ? field({ isReplaced: true }) : field({});
  },
});

describe("strategicMerge", () => {
  it("changes neither argument", () => {
    const target = { items: [{ name: "a", x: 1 }], map: { b: 1 } };
    const patch = { items: [{ name: "a", y: 2 }], map: { c: 2 } };
    const before = structuredClone([target, patch]);
    assert.deepEqual(strategicMerge(target, patch, schema), {
      items: [{ name: "a", x: 1, y: 2 }],
      map: { b: 1, c: 2 },
    });
    assert.deepEqual([target, patch], before);
  });

  it("merges lists of plain values without doubles, and deletes from them", () => {
    const target = { words: ["a", "b", "c"] };
    assert.deepEqual(strategicMerge(target, { words: ["d", "b"] }, schema).words, ["d", "a", "b", "c"]);
    assert.deepEqual(strategicMerge(target, { "$deleteFromPrimitiveList/words": ["b"] }, schema), {
      words: ["a", "c"],
    });
  });

  it("replaces what the schema calls whole, and deletes what is null", () => {
    const target = { whole: { a: 1 }, gone: 1 };
    assert.deepEqual(strategicMerge(target, { whole: { b: 2 }, gone: null }, schema), { whole: { b: 2 } });
  });

  it("leaves no directive behind in what is new", () => {
    const patch = {
      items: [
        { name: "a", $patch: "delete" },
        { name: "b", inner: { $retainKeys: ["x"], x: null } },
      ],
    };
    assert.deepEqual(strategicMerge({}, patch, schema), { items: [{ name: "b", inner: {} }] });
  });

  it("refuses elements without their key, unknown directives and lists without a key", () => {
    const target = { items: [{ name: "a" }], words: ["a"] };
    const refused: readonly (readonly [object, RegExp])[] = [
      [{ items: [{ x: 1 }] }, /an element of items in the patch lacks its name/],
      [{ map: { $patch: "merge" } }, /\$patch: merge is unknown here/],
      [{ words: [{ x: 1 }] }, /the elements of words have no key/],
      [{ $retainKeys: "x" }, /\$retainKeys is not a list/],
    ];
    for (const [patch, expected] of refused) {
      assert.throws(() => strategicMerge({ ...target, map: {} }, patch as Record<string, unknown>, schema), expected);
    }
  });
});
