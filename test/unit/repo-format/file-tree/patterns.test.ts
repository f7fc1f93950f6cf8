import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePatterns } from "../../../../repo-format/file-tree/patterns.ts";

/** m: the path is matched; c: a child may match. */
type Answer = "mc" | "m-" | "-c" | "--";
type Case = readonly [patterns: string | readonly string[], path: string, answer: Answer];

function answerOf(patterns: readonly (string | Buffer)[], path: Buffer, insensitive = false): Answer {
  const { matched, childMayMatch } = compilePatterns(patterns, { insensitive }).match(path.toString("latin1"));
  return `${matched ? "m" : "-"}${childMayMatch ? "c" : "-"}` as Answer;
}

/** What restic 0.19.1's own filter answers. */
const cases: readonly Case[] = [
  // Names anywhere, and what lies below a match.
  ["*.log", "/var/app/today.log", "mc"],
  ["*.log", "/var/app/today.txt", "-c"],
  ["app", "/var/app/deep/er/file", "mc"],
  ["app", "/var/apple", "-c"],
  ["var/app", "/srv/var/app", "mc"],
  ["var/app", "/srv/var/x/app", "-c"],
  ["app/*.txt", "/var/app/a.txt", "mc"],
  ["app/*.txt", "/var/app/sub/a.txt", "-c"],
  ["*", "/x", "mc"],
  // Anchored.
  ["/var", "/var", "mc"],
  ["/var", "/var/log/x", "mc"],
  ["/var", "/srv/var", "--"],
  ["/var/log", "/var", "-c"],
  ["/var/log", "/var/lib", "--"],
  ["/var/*/x", "/var/log", "-c"],
  ["/var/*/x", "/var/log/x", "mc"],
  ["/var/*/x", "/var/log/y", "--"],
  ["/", "/anything/at/all", "mc"],
  // Any number of directories.
  ["/var/**/x", "/var/x", "mc"],
  ["/var/**/x", "/var/a/b/c/x", "mc"],
  ["/var/**/x", "/var/a/b/c", "-c"],
  ["/var/**/x", "/srv/a", "--"],
  ["**/x", "/x", "mc"],
  ["**/a/**/z", "/q/a/b/c/z/deep", "mc"],
  ["a/**/z", "/q/a/z", "mc"],
  ["/**", "/q", "mc"],
  ["/a/**", "/a", "mc"],
  ["/a/**", "/a/b", "mc"],
  ["a**", "/abc/d", "mc"],
  ["a**", "/b/c", "-c"],
  // Cleaned before use.
  ["/var/log/", "/var/log", "mc"],
  ["/var//log", "/var/log", "mc"],
  ["/var/./x/../log", "/var/log", "mc"],
  ["./x", "/a/x", "mc"],
  ["../x", "/a/x", "-c"],
  ["/../x", "/x", "mc"],
  // Taking back.
  [["*.txt", "!keep.txt"], "/keep.txt", "--"],
  [["*.txt", "!keep.txt"], "/other.txt", "mc"],
  [["!keep.txt", "*.txt"], "/keep.txt", "mc"],
  [["*.txt", "!keep.txt", "/keep.txt"], "/keep.txt", "mc"],
  [["/a", "!/a/b"], "/a/b/c", "--"],
  [["/a", "!/a/b"], "/a/c", "mc"],
  [["/a", "!/a/b"], "/a", "mc"],
  ["!x", "/x", "--"],
  // Single characters, classes, escapes.
  ["?", "/é", "mc"],
  ["?", "/ab", "-c"],
  ["[a-c]x", "/bx", "mc"],
  ["[^a-c]x", "/bx", "-c"],
  ["[^a-c]x", "/éx", "mc"],
  ["[à-ü]", "/é", "mc"],
  ["[\\]\\-]", "/-", "mc"],
  ["a\\*b", "/a*b", "mc"],
  ["a\\*b", "/axb", "-c"],
  ["a]", "/a]", "mc"],
  // Text is case-sensitive and may hold anything else.
  ["Foo", "/foo", "-c"],
  ["a b", "/a b", "mc"],
  ["*", "relative/path", "mc"],
  ["", "/x", "--"],
];

for (const [patterns, path, answer] of cases) {
  test(`${JSON.stringify(patterns)} against ${JSON.stringify(path)} answers ${answer}`, () => {
    const list = typeof patterns === "string" ? [patterns] : patterns;
    assert.equal(answerOf(list, Buffer.from(path)), answer);
  });
}

const insensitiveCases: readonly Case[] = [
  ["FOO*", "/foobar", "mc"],
  ["*.JPG", "/ÄÖÜ.jpg", "mc"],
  ["ÄÖ", "/äö", "mc"],
  ["[A-C]", "/b", "mc"],
  ["İ", "/i", "mc"],
  ["/VAR/log", "/var/x", "--"],
  ["ſ", "/S", "-c"],
];

for (const [patterns, path, answer] of insensitiveCases) {
  test(`${JSON.stringify(patterns)} against ${JSON.stringify(path)} answers ${answer} when case is ignored`, () => {
    assert.equal(answerOf([patterns as string], Buffer.from(path), true), answer);
  });
}

test("bytes that are no UTF-8 are compared as they are, and each counts as one character", () => {
  const path = Buffer.concat([Buffer.from("/"), Buffer.from([0xff, 0xfe])]);
  assert.equal(answerOf([Buffer.from([0xff, 0xfe])], path), "mc");
  assert.equal(answerOf([Buffer.from([0xff, 0xfd])], path), "-c");
  assert.equal(answerOf(["??"], path), "mc");
  assert.equal(answerOf(["?"], path), "-c");
  assert.equal(answerOf(["[^a][^a]"], path), "mc");
});

for (const pattern of ["[", "a[b", "[]", "[]a]", "[a-]", "[-a]", "[\\]-]", "[^", "[^]", "a\\", "/x/[/y", "!["]) {
  test(`${JSON.stringify(pattern)} is refused by name`, () => {
    assert.throws(() => compilePatterns(["ok", pattern]), { code: "pattern-malformed", message: /incomplete/ });
  });
}

test("no pattern matches nothing and says so", () => {
  assert.equal(compilePatterns([]).isEmpty, true);
  assert.equal(compilePatterns([""]).isEmpty, true);
  assert.equal(compilePatterns(["x"]).isEmpty, false);
});

test("a pattern of many stars ends quickly on a name that does not fit", () => {
  const started = performance.now();
  assert.equal(answerOf([`${"*a".repeat(20)}b`], Buffer.from(`/${"a".repeat(250)}`)), "-c");
  assert.ok(performance.now() - started < 1000);
});
