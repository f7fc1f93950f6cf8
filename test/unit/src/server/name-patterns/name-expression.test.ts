import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nameExpression } from "../../../../../src/server/name-patterns/name-expression.ts";

describe("nameExpression", () => {
  const accepted = (text: string, names: readonly string[]): readonly string[] => {
    const expression = nameExpression(text);
    return names.filter((name) => expression.test(name));
  };

  it("finds its text anywhere in a name, unless it says where", () => {
    const names = ["web-1", "my-web", "db"];
    assert.deepEqual(accepted("web", names), ["web-1", "my-web"]);
    assert.deepEqual(accepted("^web-\\d+$", names), ["web-1"]);
    assert.deepEqual(accepted("\\Aweb\\-.*\\z", names), ["web-1"]);
  });

  it("understands what Go's syntax has beyond ours", () => {
    assert.deepEqual(accepted("(?i)^WEB$", ["web", "web-1"]), ["web"]);
    assert.deepEqual(accepted("^(?P<app>web|db)\\:[a-z\\-_]+$", ["web:a-b", "db:x", "tv:x"]), ["web:a-b", "db:x"]);
    assert.deepEqual(accepted("^(?:a\\.b|\\(\\?=x)$", ["a.b", "a-b", "(?=x"]), ["a.b", "(?=x"]);
  });

  it("refuses what is none, and what would mean something else to Velero", () => {
    const foreign = ["[", "(?=web)", "(?<!a)b", "(a)\\1", "[[:alpha:]]", "(?U)a+", "\\Q.\\E", "\\pL", "a**"];
    for (const text of foreign) assert.throws(() => nameExpression(text), text);
  });

  it("stops one that takes too long, and does not begin it for the next name", () => {
    const expression = nameExpression("^(a+)+$");
    assert.equal(expression.test("aaa"), true);
    assert.throws(() => expression.test(`${"a".repeat(50)}!`), /takes more than 1 s/);
    assert.throws(() => nameExpression("^(a|aa)*$").test(`${"a".repeat(100)}!`), /takes more than 1 s/);
    const before = performance.now();
    for (let again = 0; again < 100; again++) assert.throws(() => expression.test(`${"a".repeat(50)}!`));
    assert.ok(performance.now() - before < 2000);
  });
});
