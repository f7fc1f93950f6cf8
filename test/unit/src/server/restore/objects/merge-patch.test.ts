import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../../../../../../src/server/restore/objects/json-fields.ts";
import { applyMergePatch, mergePatchBetween } from "../../../../../../src/server/restore/objects/merge-patch.ts";

describe("applyMergePatch", () => {
  it("gives what the examples of RFC 7386 give", () => {
    const examples: readonly (readonly [unknown, unknown, unknown])[] = [
      [{ a: "b" }, { a: "c" }, { a: "c" }],
      [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
      [{ a: "b" }, { a: null }, {}],
      [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
      [{ a: ["b"] }, { a: "c" }, { a: "c" }],
      [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
      [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
      [
        ["a", "b"],
        ["c", "d"],
        ["c", "d"],
      ],
      [{ a: "b" }, ["c"], ["c"]],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [[1, 2], { a: "b", c: null }, { a: "b" }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ];
    for (const [target, patch, result] of examples) assert.deepEqual(applyMergePatch(target, patch), result);
  });

  it("takes __proto__ for the name of a field like any other", () => {
    const result = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as JsonObject;
    assert.equal(result.polluted, undefined);
    assert.deepEqual(Object.keys(result), ["__proto__"]);
  });
});

describe("mergePatchBetween", () => {
  it("is undefined for equal objects", () => {
    assert.equal(mergePatchBetween({ a: { b: [1] } }, { a: { b: [1] } }), undefined);
  });

  it("names only what differs", () => {
    const from = { a: 1, b: { c: 1, d: 2 }, e: [1], gone: true };
    const to = { a: 1, b: { c: 1, d: 3 }, e: [1, 2], fresh: "x" };
    assert.deepEqual(mergePatchBetween(from, to), { b: { d: 3 }, e: [1, 2], fresh: "x", gone: null });
  });

  it("turns any object into any other", () => {
    // Merge patches cannot express null as a value, and Kubernetes does not store any.
    const value = fc.letrec((tie) => ({
      leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer())),
      object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("any") as fc.Arbitrary<unknown>, { maxKeys: 3 }),
      any: fc.oneof({ maxDepth: 3 }, tie("leaf"), tie("object")),
    }));
    const object = value.object as fc.Arbitrary<JsonObject>;
    const check = (from: JsonObject, to: JsonObject): void =>
      assert.deepEqual(applyMergePatch(from, mergePatchBetween(from, to) ?? {}), { ...to });
    const plain = (generated: JsonObject): JsonObject => JSON.parse(JSON.stringify(generated)) as JsonObject;
    fc.assert(
      fc.property(object, object, (from, to) => check(plain(from), plain(to))),
      { numRuns: 100 },
    );
  });
});
