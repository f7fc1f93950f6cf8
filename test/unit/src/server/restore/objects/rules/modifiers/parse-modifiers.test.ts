import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseModifiers } from "../../../../../../../../src/server/restore/objects/rules/modifiers/parse-modifiers.ts";

const parse = (yaml: string) => parseModifiers({ metadata: { name: "rules" }, data: { "rules.yaml": yaml } });
const rules = (text: string) => parse(`version: v1\nresourceModifierRules:\n${text}`);

const operation = (value: string): unknown => {
  const [rule] = rules(`- conditions: { groupResource: pods }
  patches: [{ operation: Replace, path: /a, value: ${value} }]`);
  return rule?.patch.type === "json" ? rule.patch.operations[0] : undefined;
};

describe("parseModifiers", () => {
  it("reads the values of JSON patches as Velero does: texts that stand for JSON", () => {
    const values: readonly (readonly [yaml: string, value: unknown])[] = [
      ['"5"', 5],
      ['"-1.5e3"', -1500],
      ['"true"', true],
      ['"null"', null],
      ["plain", "plain"],
      ['"007"', "007"],
      ['""', ""],
      [`'"5"'`, "5"],
      [`'"true"'`, "true"],
      [`'{"a":[1]}'`, { a: [1] }],
      [`'["x"]'`, ["x"]],
      ["5", 5],
      ["{ a: 1 }", { a: 1 }],
    ];
    for (const [yaml, value] of values) assert.deepEqual(operation(yaml), { op: "replace", path: "/a", value }, yaml);
  });

  it("reads conditions and each kind of patch", () => {
    const parsed = rules(`- conditions:
    groupResource: deployments.apps
    namespaces: [team-*]
    resourceNameRegex: "(?i)^WEB$"
    labelSelector: { matchLabels: { app: shop } }
    matches: [{ path: /spec/replicas, value: "2" }]
  patches: [{ operation: move, from: /a, path: /b }, { operation: remove, path: /c }]
- conditions: { groupResource: pods }
  mergePatches: [{ patchData: "{a: 1}" }]
- conditions: { groupResource: pods }
  strategicPatches: [{ patchData: "a: 1" }, { patchData: '{"b": 2}' }]
`);
    const [first, second, third] = parsed;
    const { conditions } = first ?? {};
    assert.deepEqual([conditions?.groupResource.test("deployments.apps"), conditions?.name?.test("web")], [true, true]);
    assert.deepEqual(
      conditions?.namespaces.map((pattern) => pattern.test("team-a")),
      [true],
    );
    assert.deepEqual(conditions?.matches, [{ op: "test", path: "/spec/replicas", value: 2 }]);
    const operations = [
      { op: "move", from: "/a", path: "/b" },
      { op: "remove", path: "/c" },
    ];
    assert.deepEqual(first?.patch, { type: "json", operations });
    assert.deepEqual(second?.patch, { type: "merge", patches: [{ a: 1 }] });
    assert.deepEqual(third?.patch, { type: "strategic", patches: [{ a: 1 }, { b: 2 }] });
    assert.deepEqual(
      parsed.map(({ position }) => position),
      [1, 2, 3],
    );
  });

  it("refuses what it does not understand, and says in which rule", () => {
    const pods = "conditions: { groupResource: pods }";
    const cases: readonly (readonly [string, RegExp])[] = [
      ["- { patches: [] }", /rule 1 needs one of patches.* and has 0/],
      [`- { ${pods}, mergePatches: [{ patchData: "a: 1" }], strategicPatches: [{ patchData: "a: 1" }] }`, /has 2/],
      [`- { ${pods}, patches: [{ operation: change, path: /a }] }`, /rule 1: operation "change" is unknown/],
      [`- { ${pods}, patches: [{ operation: remove, path: a }] }`, /path "a" does not begin with \//],
      [`- { ${pods}, patches: [{ operation: copy, path: /a }] }`, /path "" does not begin with \//],
      [`- { ${pods}, patches: [{ operation: add, path: /a, value: "{a" }] }`, /value \{a is not JSON/],
      [`- { ${pods}, patches: [{ operation: add, path: /a, valu: 1 }] }`, /key "valu" is unknown/],
      [`- { ${pods}, mergePatches: [{ patchData: "text" }] }`, /patchData is not an object/],
      [`- { ${pods}, mergePatches: [{ patchData: "a: [" }] }`, /./],
      ["- { conditions: {}, patches: [{ operation: remove, path: /a }] }", /groupResource is missing/],
      [
        "- { conditions: { groupResource: pods, resourceNameRegex: '[' }, patches: [{ operation: remove, path: /a }] }",
        /not a regular/,
      ],
      [
        "- { conditions: { groupResource: pods, labelSelector: { matchExpressions: [{ key: a, operator: Is }] } }, patches: [{ operation: remove, path: /a }] }",
        /labelSelector: a has the unknown operator Is/,
      ],
      ["- { conditions: { groupResource: '[' }, patches: [{ operation: remove, path: /a }] }", /without a/],
      ["- text", /rule 1 must be an object/],
      [" []", /is empty/],
    ];
    for (const [text, expected] of cases) assert.throws(() => rules(text), expected, text);
  });

  it("wants one key, and version v1", () => {
    assert.throws(() => parse("version: v2\nresourceModifierRules: []"), /version v2 is unknown/);
    assert.throws(() => parse("- a"), /the rules must be an object/);
    assert.throws(
      () => parseModifiers({ metadata: { name: "rules" }, data: { a: "", b: "" } }),
      /exactly one key.*not 2/,
    );
    assert.throws(() => parseModifiers({ metadata: { name: "rules" } }), /exactly one key.*not 0/);
  });
});
