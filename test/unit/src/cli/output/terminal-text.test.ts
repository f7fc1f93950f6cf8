import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fitColumns, printable } from "../../../../../src/cli/output/terminal-text.ts";

describe("printable", () => {
  it("shows control and direction characters instead of letting them act", () => {
    assert.equal(printable("a\x1b[2Jb\nc\u202ed"), "a\\x1b[2Jb\\x0ac\\u202ed");
    assert.equal(printable("naïve 名前 👍"), "naïve 名前 👍");
  });
});

describe("fitColumns", () => {
  it("leaves what fits and cuts the rest with a mark", () => {
    assert.equal(fitColumns("abcde", 5), "abcde");
    assert.equal(fitColumns("abcdef", 5), "abcd…");
  });

  it("counts wide characters twice and combining ones not at all", () => {
    assert.equal(fitColumns("名前名前", 8), "名前名前");
    assert.equal(fitColumns("名前名前", 7), "名前名…");
    assert.equal(fitColumns("e\u0301e\u0301e\u0301", 3), "e\u0301e\u0301e\u0301");
  });
});
