import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackupSpec } from "../../../../../../src/api/backup.ts";
import { validateItemFilters } from "../../../../../../src/server/backup/items/validate-item-filters.ts";

test("filters that can be carried out have no problems", () => {
  const good: readonly BackupSpec[] = [
    {},
    { includedResources: ["*"], excludedResources: [], labelSelector: {} },
    { includeClusterResources: null, includedClusterScopedResources: ["*"], excludedNamespaceScopedResources: ["*"] },
    { includeClusterResources: false, excludedResources: ["pods"] },
    { orLabelSelectors: [{ matchLabels: { a: "b" } }, { matchExpressions: [{ key: "a", operator: "Exists" }] }] },
  ];
  for (const spec of good) assert.deepEqual(validateItemFilters(spec), [], JSON.stringify(spec));
});

test("each contradiction is a sentence that names the fields", () => {
  const bad: readonly (readonly [BackupSpec, RegExp])[] = [
    [{ includedResources: ["pods"], includedClusterScopedResources: ["zones"] }, /use one of the two families$/],
    [{ includeClusterResources: false, excludedNamespaceScopedResources: ["pods"] }, /use one of the two families$/],
    [
      { includedResources: ["pods"], excludedResources: ["pods"] },
      /^pods is in spec.includedResources and in spec.excl/,
    ],
    [{ includedResources: ["*", "pods"] }, /^"\*" in spec.includedResources must stand alone$/],
    [{ excludedResources: ["*"] }, /^spec.excludedResources must not hold "\*"$/],
    [{ includedResources: [" "] }, /^spec.includedResources has an empty name$/],
    [{ includedClusterScopedResources: ["a"], excludedClusterScopedResources: ["*"] }, /so spec.includedClusterScoped/],
    [{ labelSelector: {}, orLabelSelectors: [{}] }, /^spec.labelSelector and spec.orLabelSelectors cannot/],
    [
      { labelSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
      /^spec.labelSelector: a In needs values$/,
    ],
    [
      { labelSelector: { matchLabels: { "a,b=c": "d" } } },
      /^spec.labelSelector: "a,b=c" cannot be the key of a label$/,
    ],
    [{ includedResources: ["pods", "[a"] }, /^spec.includedResources: pattern "\[a" has a \[ without a \]$/],
    [
      { orLabelSelectors: [{}, { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] }] },
      /^spec.orLabelSelectors\[1\]: a Exists takes no values$/,
    ],
    [
      { labelSelector: { matchExpressions: [{ key: "a", operator: "Like" as "In" }] } },
      /a has the unknown operator Like$/,
    ],
  ];
  for (const [spec, sentence] of bad) {
    const problems = validateItemFilters(spec);
    assert.equal(problems.length, 1, JSON.stringify(spec));
    assert.match(problems[0] ?? "", sentence);
  }
});
