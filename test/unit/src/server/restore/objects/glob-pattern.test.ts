import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { globPattern, isGlobPattern } from "../../../../../../src/server/restore/objects/glob-pattern.ts";

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

  it("refuses brackets that are not closed", () => {
    for (const pattern of ["a[b", "{a,b"]) assert.throws(() => globPattern(pattern), /without a/);
  });
});

describe("isGlobPattern", () => {
  it("tells patterns from names", () => {
    assert.deepEqual(["shop", "team-*", "a?", "[ab]", "{a,b}"].map(isGlobPattern), [false, true, true, true, true]);
  });
});
