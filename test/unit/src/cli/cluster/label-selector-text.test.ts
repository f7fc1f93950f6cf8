import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatSelector, parseOrSelectors, parseSelector } from "../../../../../src/cli/cluster/label-selector-text.ts";
import { UsageError } from "../../../../../src/cli/usage-error.ts";

describe("parseSelector", () => {
  it("reads equality as matchLabels and everything else as requirements", () => {
    assert.deepEqual(parseSelector("app=web, team==shop,example.com/tier!=cache,env in (a, b),x notin (c),on,!off"), {
      matchLabels: { app: "web", team: "shop" },
      matchExpressions: [
        { key: "example.com/tier", operator: "NotIn", values: ["cache"] },
        { key: "env", operator: "In", values: ["a", "b"] },
        { key: "x", operator: "NotIn", values: ["c"] },
        { key: "on", operator: "Exists" },
        { key: "off", operator: "DoesNotExist" },
      ],
    });
  });

  it("reads an empty value, and keeps both values of a key that is named twice", () => {
    assert.deepEqual(parseSelector("app="), { matchLabels: { app: "" } });
    assert.deepEqual(parseSelector("app=a,app=b"), {
      matchLabels: { app: "a" },
      matchExpressions: [{ key: "app", operator: "In", values: ["b"] }],
    });
  });

  it("refuses what it cannot read and shows the part", () => {
    for (const text of ["", "app=a,,b=c", "a b", "app=web/1", "n>5", "x in a,b", "x in (a/b)", "/x=1", "app=-a"]) {
      assert.throws(() => parseSelector(text), UsageError, text);
    }
    assert.throws(() => parseSelector("app=web,n>5"), /the label selector "n>5": write it like/);
  });
});

describe("parseOrSelectors", () => {
  it("splits at the word or, and nowhere within a name", () => {
    assert.deepEqual(parseOrSelectors("app=web or app=db,tier=a  or  color=oracle"), [
      { matchLabels: { app: "web" } },
      { matchLabels: { app: "db", tier: "a" } },
      { matchLabels: { color: "oracle" } },
    ]);
  });
});

describe("formatSelector", () => {
  it("writes what parseSelector reads", () => {
    for (const text of ["app=web", "a=1,b!=2,c in (x,y),d notin (x,y),e,!f"]) {
      assert.equal(formatSelector(parseSelector(text)), text);
    }
  });

  it("says <none> for a selector that selects everything", () => {
    for (const selector of [undefined, null, {}, { matchLabels: {} }]) assert.equal(formatSelector(selector), "<none>");
  });
});
