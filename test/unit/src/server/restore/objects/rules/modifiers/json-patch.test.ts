import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { patchedJson } from "../../../../../../../../src/server/restore/objects/rules/modifiers/json-patch.ts";

describe("patchedJson", () => {
  const target = { list: [1, 2], map: { "a/b": 1 }, text: "x" };

  it("gives a new value and leaves the old one", () => {
    const before = structuredClone(target);
    const result = patchedJson(target, [
      { op: "add", path: "/list/-", value: 3 },
      { op: "replace", path: "/map/a~1b", value: 2 },
      { op: "move", from: "/text", path: "/moved" },
      { op: "copy", from: "/list/0", path: "/map/first" },
    ]);
    const value = { list: [1, 2, 3], map: { "a/b": 2, first: 1 }, moved: "x" };
    assert.deepEqual(result, { outcome: "changed", value });
    assert.deepEqual(target, before);
  });

  it("does nothing at all when a test does not hold", () => {
    const patch = [
      { op: "replace", path: "/text", value: "y" } as const,
      { op: "test", path: "/list/0", value: 7 } as const,
    ];
    assert.deepEqual(patchedJson(target, patch), { outcome: "test-failed" });
    assert.deepEqual(patchedJson(target, [{ op: "test", path: "/absent/deep", value: 7 }]), { outcome: "test-failed" });
  });

  it("says which operation is impossible", () => {
    const reason = "there is no such place in the object";
    for (const path of ["/absent", "/list/7", "/text/deep"]) {
      const result = patchedJson(target, [{ op: "remove", path }]);
      assert.deepEqual(result, { outcome: "impossible", reason: `remove ${path}: ${reason}` });
    }
    assert.equal(patchedJson(target, [{ op: "add", path: "/absent/deep", value: 1 }]).outcome, "impossible");
    assert.equal(patchedJson(target, [{ op: "add", path: "no-pointer", value: 1 }]).outcome, "impossible");
  });
});
