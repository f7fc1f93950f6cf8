import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Excluder, excludesByMarks, parseExcludeFile } from "../../../../repo-format/archiver/excludes.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("paths are left out by pattern, and by pattern without regard to case", () => {
  const excluder = new Excluder({
    patterns: ["*.log", "/data/cache", "!/data/cache/keep"],
    insensitivePatterns: ["*.TMP"],
  });
  assert.ok(excluder.excludesPath("/data/a.log"));
  assert.ok(excluder.excludesPath("/data/cache"));
  assert.ok(!excluder.excludesPath("/data/cache/keep"));
  assert.ok(excluder.excludesPath("/x/y.tmp"));
  assert.ok(!excluder.excludesPath("/data/a.LOG"));
  assert.ok(!new Excluder().excludesPath("/anything"));
});

test("files above the size limit are left out", () => {
  const excluder = new Excluder({ largerThanBytes: 100 });
  assert.ok(excluder.excludesSize(101));
  assert.ok(!excluder.excludesSize(100));
  assert.ok(!new Excluder().excludesSize(Number.MAX_SAFE_INTEGER));
});

test("a directory with a tag file keeps only the tag file", (t) => {
  const path = temporaryDirectory(t);
  for (const [name, content] of [
    ["cache", "Signature: 8a477f597d28d172789f06886806bc55\nmore"],
    ["fake", "Signature: something else"],
    ["short", "Sig"],
  ] as const) {
    mkdirSync(join(path, name));
    writeFileSync(join(path, name, "CACHEDIR.TAG"), content);
  }
  const excluder = new Excluder({ caches: true, ifPresent: [".nobackup"] });
  const marksOf = (name: string): { marks: readonly string[] | undefined; warnings: string[] } => {
    const directory = DirectoryHandle.openRoot(join(path, name));
    const warnings: string[] = [];
    const marks = excluder.marksOf(directory, (message) => warnings.push(message));
    directory.close();
    return { marks, warnings };
  };
  assert.deepEqual(marksOf("cache"), { marks: ["CACHEDIR.TAG"], warnings: [] });
  assert.equal(marksOf("fake").marks, undefined);
  assert.match(marksOf("fake").warnings[0] ?? "", /another header/);
  assert.equal(marksOf("short").marks, undefined);
  writeFileSync(join(path, "fake", ".nobackup"), "");
  assert.deepEqual(marksOf("fake").marks, [".nobackup"]);
  assert.deepEqual(marksOf("."), { marks: undefined, warnings: [] });
});

test("with two tag files in a directory each excludes the other", () => {
  assert.ok(!excludesByMarks(undefined, "a"));
  assert.ok(!excludesByMarks(["a"], "a"));
  assert.ok(excludesByMarks(["a"], "b"));
  assert.ok(excludesByMarks(["a", "b"], "a"));
});

test("an exclude file is patterns, with comments, blank lines, variables and dollar signs", () => {
  const braced = ["$", "{HOME}y"].join("");
  const text = `\uFEFF# comment\n\n  *.log  \n$HOME/x\n${braced}\n$$5\n$UNKNOWN/z\n  # indented comment\n`;
  assert.deepEqual(parseExcludeFile(text, { HOME: "/root" }), ["*.log", "/root/x", "/rooty", "$5", "/z"]);
});

test("a tag without a name and a broken pattern are refused", () => {
  const malformed = (error: unknown): boolean => RepositoryError.is(error, "pattern-malformed");
  assert.throws(() => new Excluder({ ifPresent: [""] }), malformed);
  assert.throws(() => new Excluder({ ifPresent: [":header"] }), malformed);
  assert.throws(() => new Excluder({ patterns: ["[a"] }), malformed);
});
