import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestoreSpec } from "../../../../../../src/api/restore.ts";
import { validateRestoredObjects } from "../../../../../../src/server/restore/objects/validate-restore-spec.ts";

describe("validateRestoredObjects", () => {
  it("finds nothing wrong with what can be carried out", () => {
    const specs: readonly RestoreSpec[] = [
      {},
      { includedResources: ["*"], includedNamespaces: ["team-*"], excludedNamespaces: ["team-b"] },
      { existingResourcePolicy: "update", namespaceMapping: { a: "b" }, labelSelector: { matchLabels: { a: "1" } } },
      { orLabelSelectors: [{}], existingResourcePolicy: "none" },
    ];
    for (const spec of specs) assert.deepEqual(validateRestoredObjects(spec), []);
  });

  it("names each thing that is wrong", () => {
    const cases: readonly (readonly [RestoreSpec, RegExp])[] = [
      [{ existingResourcePolicy: "replace" }, /existingResourcePolicy "replace" is unknown/],
      [{ includedResources: ["Nodes"] }, /Nodes are never restored/],
      [{ includedResources: ["*", "pods"] }, /includedResources: "\*" stands alone/],
      [{ excludedNamespaces: ["*"] }, /excludedNamespaces: "\*" would leave nothing/],
      [{ includedNamespaces: ["a"], excludedNamespaces: ["a"] }, /both have a/],
      [{ includedNamespaces: ["a[b"] }, /namespaces: pattern "a\[b" has a \[ without a \]/],
      [{ includedResources: [""] }, /resources: "" is no name/],
      [{ namespaceMapping: { a: "Not A Name" } }, /a cannot become "Not A Name"/],
      [{ labelSelector: { matchLabels: { "a b": "c" } } }, /labelSelector: "a b" cannot be the key of a label/],
      [{ labelSelector: {}, orLabelSelectors: [{}] }, /exclude each other/],
      [
        { labelSelector: { matchLabels: { a: "1" }, matchExpressions: [{ key: "b", operator: "In", values: [] }] } },
        /labelSelectors?: b In needs values/,
      ],
    ];
    for (const [spec, expected] of cases) {
      const problems = validateRestoredObjects(spec);
      assert.equal(problems.length, 1, JSON.stringify(spec));
      assert.match(problems[0] ?? "", expected);
    }
  });
});
