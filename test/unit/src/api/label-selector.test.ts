import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesLabels } from "../../../../src/api/label-selector.ts";

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
