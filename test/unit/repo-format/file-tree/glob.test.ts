import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGlob, type Glob, matchGlob } from "../../../../repo-format/file-tree/glob.ts";

function matches(pattern: string, text: string): boolean {
  const bytes = (value: string): string => Buffer.from(value).toString("latin1");
  return matchGlob(compileGlob(bytes(pattern)) as Glob, bytes(text));
}

const fitting = [
  "",
  "*",
  "a*",
  "*a",
  "*a*b*",
  "**",
  "?",
  "a?c",
  "[abc]",
  "[a-c]*",
  "[^x]",
  "\\?",
  "[\\]]",
  "€?",
  "*😀",
];
const texts = ["", "xyz", "abc", "bca", "xaybz", "q", "é", "abc", "b", "cab", "€", "?", "]", "€x", "ab😀"];

for (const [index, pattern] of fitting.entries()) {
  const text = texts[index] as string;
  test(`${JSON.stringify(pattern)} fits ${JSON.stringify(text)}`, () => {
    assert.equal(matches(pattern, text), true);
  });
}

const misfits = [
  ["", "a"],
  ["a", ""],
  ["a*", "ba"],
  ["*a", "ab"],
  ["*a*b", "aba"],
  ["?", ""],
  ["?", "ab"],
  ["[a-c]", "d"],
  ["[^x]", "x"],
  ["[c-a]", "b"],
  ["\\?", "x"],
  ["?", "é€"],
] as const;

for (const [pattern, text] of misfits) {
  test(`${JSON.stringify(pattern)} does not fit ${JSON.stringify(text)}`, () => {
    assert.equal(matches(pattern, text), false);
  });
}

test("overlong forms, surrogates and cut-off characters count byte by byte", () => {
  for (const bytes of [
    [0xc0, 0x80],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
  ]) {
    const text = Buffer.from(bytes).toString("latin1");
    assert.equal(matchGlob(compileGlob("?".repeat(bytes.length)) as Glob, text), true);
    assert.equal(matchGlob(compileGlob("?") as Glob, text), false);
  }
});

test("a class takes no byte that is no UTF-8", () => {
  assert.equal(compileGlob("[\xff]"), undefined);
  assert.equal(compileGlob("[a-\xff]"), undefined);
});
