import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../../src/server/restore/objects/json-fields.ts";
import { type FieldSchema, strategicMerge } from "../../src/server/restore/objects/rules/modifiers/strategic-merge.ts";

const nothing: FieldSchema = { isMerged: false, mergeKey: undefined, isReplaced: false, field: () => nothing };
const items: FieldSchema = { isMerged: true, mergeKey: "name", isReplaced: false, field: () => nothing };
const words: FieldSchema = { isMerged: true, mergeKey: undefined, isReplaced: false, field: () => nothing };
const schema: FieldSchema = {
  ...nothing,
  field: (name) => (name === "items" ? items : name === "words" ? words : nothing),
};

const word = fc.constantFrom("a", "b", "c", "d");
const item = fc.record({ name: word, size: fc.nat(3) });
const itemList = fc.uniqueArray(item, { selector: ({ name }) => name, maxLength: 4 });
const wordList = fc.uniqueArray(word, { maxLength: 4 });
const plain = fc.dictionary(word, fc.nat(3), { maxKeys: 3 });
const target = fc.record({ items: itemList, words: wordList, map: plain });
const change = fc.oneof(item, fc.record({ name: word, $patch: fc.constant("delete") }));
const patch = fc.record(
  {
    items: fc.uniqueArray(change, { selector: ({ name }) => name, maxLength: 4 }),
    words: wordList,
    "$deleteFromPrimitiveList/words": wordList,
    map: fc.dictionary(word, fc.option(fc.nat(3)), { maxKeys: 3 }),
  },
  { requiredKeys: [] },
);

const merge = (from: JsonObject, by: JsonObject): JsonObject => strategicMerge(from, by, schema);
const namesIn = ({ items: list }: JsonObject): readonly string[] =>
  (list as readonly { readonly name: string }[]).map(({ name }) => name);

describe("strategicMerge, on any object and patch", () => {
  it("changes nothing when the patch is empty, and nothing more when it is applied again", () => {
    fc.assert(
      fc.property(target, patch, (from, by) => {
        assert.deepEqual(merge({ ...from }, {}), { ...from });
        const once = merge({ ...from }, { ...by });
        assert.deepEqual(merge(once, { ...by }), once);
      }),
      { numRuns: 200 },
    );
  });

  it("keeps each element once: those that were there and are not deleted, and those of the patch", () => {
    fc.assert(
      fc.property(target, patch, (from, by) => {
        const changes = (by.items ?? []) as readonly { readonly name: string; readonly $patch?: string }[];
        const deleted = new Set(changes.filter(({ $patch }) => $patch !== undefined).map(({ name }) => name));
        const added = changes.filter(({ $patch }) => $patch === undefined).map(({ name }) => name);
        const kept = namesIn({ ...from }).filter((name) => !deleted.has(name));
        const expected = [...new Set([...kept, ...added])].toSorted();
        const found = namesIn(merge({ ...from }, { ...by }));
        assert.deepEqual(found.toSorted(), expected);
        // What the patch does not touch stays in its order.
        const untouched = kept.filter((name) => !added.includes(name));
        assert.deepEqual(
          found.filter((name) => untouched.includes(name)),
          untouched,
        );
      }),
      { numRuns: 200 },
    );
  });
});
