import assert from "node:assert/strict";
import { test } from "node:test";
import { labelSelectorProblems, matchesLabels } from "../../../../src/api/label-selector.ts";

const labels = { app: "web", tier: "front" };

test("an empty selector matches everything", () => {
  assert.equal(matchesLabels({}, labels), true);
  assert.equal(matchesLabels({}), true);
});

test("matchLabels must all be equal", () => {
  assert.equal(matchesLabels({ matchLabels: { app: "web", tier: "front" } }, labels), true);
  assert.equal(matchesLabels({ matchLabels: { app: "web", tier: "back" } }, labels), false);
});

test("every operator of matchExpressions is evaluated", () => {
  const cases = [
    [{ key: "app", operator: "In", values: ["web", "db"] }, true],
    [{ key: "app", operator: "NotIn", values: ["web"] }, false],
    [{ key: "other", operator: "NotIn", values: ["web"] }, true],
    [{ key: "tier", operator: "Exists" }, true],
    [{ key: "tier", operator: "DoesNotExist" }, false],
  ] as const;
  for (const [requirement, expected] of cases) {
    assert.equal(matchesLabels({ matchExpressions: [requirement] }, labels), expected, JSON.stringify(requirement));
  }
});

test("an invalid selector is neither true nor false", () => {
  assert.equal(matchesLabels({ matchExpressions: [{ key: "app", operator: "In" }] }, labels), undefined);
  assert.equal(
    matchesLabels({ matchExpressions: [{ key: "app", operator: "Exists", values: ["x"] }] }, labels),
    undefined,
  );
});

test("what the API server would not take is told, each thing with a sentence", () => {
  const fine = {
    matchLabels: { app: "", "example.com/a_b.c-d": "V.1" },
    matchExpressions: [{ key: "x", operator: "Exists" as const }],
  };
  assert.deepEqual(labelSelectorProblems(fine), []);
  assert.deepEqual(labelSelectorProblems({}), []);
  const keys = ["", "not a key", "/a", "a/b/c", "UPPER.com/a", "-a", "x".repeat(64), "a,b=c"];
  for (const key of keys)
    assert.match(labelSelectorProblems({ matchLabels: { [key]: "v" } }).join(), /the key of/, key);
  const values = ["a b", "x".repeat(64), "-", "a,b"];
  for (const value of values) {
    assert.match(labelSelectorProblems({ matchLabels: { a: value } }).join(), /the value of/, value);
    const among = { matchExpressions: [{ key: "a", operator: "In" as const, values: ["fine", value] }] };
    assert.equal(labelSelectorProblems(among).length, 1, value);
  }
  const odd = [
    { key: "a", operator: "In" as const },
    { key: "b", operator: "Exists" as const, values: ["x"] },
  ];
  assert.deepEqual(labelSelectorProblems({ matchExpressions: odd }), ["a In needs values", "b Exists takes no values"]);
});
