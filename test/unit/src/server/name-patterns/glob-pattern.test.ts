import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { globPattern, isGlobPattern, patternProblems } from "../../../../../src/server/name-patterns/glob-pattern.ts";

describe("globPattern", () => {
  const matches = (pattern: string, text: string, separator?: string): boolean =>
    globPattern(pattern, separator).test(text);

  it("takes a plain text for itself and nothing else", () => {
    assert.ok(matches("deployments.apps", "deployments.apps", "."));
    for (const text of ["deploymentsxapps", "deployments.apps2", "deployments"]) {
      assert.equal(matches("deployments.apps", text, "."), false, text);
    }
  });

  it("stops * and ? at the separator, but not **", () => {
    assert.deepEqual(
      ["pods", "jobs.batch"].map((text) => matches("*", text, ".")),
      [true, false],
    );
    assert.deepEqual(
      ["pods", "jobs.batch"].map((text) => matches("**", text, ".")),
      [true, true],
    );
    assert.deepEqual(
      ["jobs.batch", "jobs.x.y"].map((text) => matches("jobs.*", text, ".")),
      [true, false],
    );
    assert.deepEqual(
      ["a-b", "a.b"].map((text) => matches("a?b", text, ".")),
      [true, false],
    );
    assert.ok(matches("team-*", "team-a.b"));
  });

  it("knows classes, alternatives and escapes", () => {
    assert.deepEqual(
      ["a1", "a2", "ax"].map((text) => matches("a[12]", text)),
      [true, true, false],
    );
    assert.deepEqual(
      ["a1", "ax"].map((text) => matches("a[!12]", text)),
      [false, true],
    );
    assert.deepEqual(
      ["a3", "ax"].map((text) => matches("a[0-9]", text)),
      [true, false],
    );
    assert.deepEqual(
      ["pods", "jobs.batch", "x"].map((text) => matches("{pods,jobs.*}", text)),
      [true, true, false],
    );
    assert.deepEqual(
      ["a*", "ab"].map((text) => matches("a\\*", text)),
      [true, false],
    );
  });

  it("knows braces in braces, and empty ones", () => {
    const pattern = globPattern("a{,-{b,c*}}d");
    const names = ["ad", "a-bd", "a-cd", "a-cxxd", "a-d", "abd"];
    assert.deepEqual(
      names.filter((name) => pattern.test(name)),
      ["ad", "a-bd", "a-cd", "a-cxxd"],
    );
  });

  it("refuses brackets that are not closed", () => {
    for (const pattern of ["a[b", "{a,b"]) assert.throws(() => globPattern(pattern), /without a/);
  });
});

describe("globPattern of a hostile user", () => {
  it("takes time that grows with pattern and name, and with nothing else", () => {
    const before = performance.now();
    assert.equal(globPattern(`${"*a".repeat(100)}*b`).test("a".repeat(253)), false);
    assert.equal(globPattern(`${"**a".repeat(100)}**`, ".").test("a".repeat(253)), true);
    assert.ok(performance.now() - before < 1000);
  });

  it("refuses braces that stand for more patterns than memory holds", () => {
    assert.throws(() => globPattern("{a,b}".repeat(40)), /more than 1000 patterns/);
    assert.equal(globPattern("{a,b}".repeat(9)).test("ab".repeat(5).slice(0, 9)), true);
  });
});

describe("patternProblems", () => {
  it("has a sentence for what is neither a name nor a pattern", () => {
    assert.deepEqual(patternProblems(["shop", "team-*", "a[b-d]", "{a,b}"]), []);
    assert.deepEqual(patternProblems(["", "a[b"]), ['"" is no name', 'pattern "a[b" has a [ without a ]']);
    assert.equal(patternProblems(["[z-a]"]).length, 1);
  });
});

describe("isGlobPattern", () => {
  it("tells patterns from names", () => {
    assert.deepEqual(["shop", "team-*", "a?", "[ab]", "{a,b}"].map(isGlobPattern), [false, true, true, true, true]);
  });
});
