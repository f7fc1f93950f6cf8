import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { expandGlob } from "../../../../repo-format/file-tree/expand-glob.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const notUtf8 = Buffer.from("b\xff", "latin1");

function makeTree(folder: string): void {
  mkdirSync(join(folder, "in", "deep"), { recursive: true });
  for (const name of ["a.txt", ".hidden", "[x]*", "{a,b}", "in/c.txt", "in/deep/c.txt"])
    writeFileSync(join(folder, name), "");
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), notUtf8]), "");
  symlinkSync("nowhere", join(folder, "dangling"));
}

test("wildcards stand for what Go's Glob makes of them", (t) => {
  const folder = temporaryDirectory(t);
  makeTree(folder);
  const found = (pattern: string): string[] =>
    expandGlob(`${folder}/${pattern}`).map((path) => path.toString("latin1").slice(folder.length + 1));
  assert.deepEqual(found("*"), [".hidden", "[x]*", "a.txt", "b\xff", "dangling", "in", "{a,b}"]);
  assert.deepEqual(found("b?"), ["b\xff"]);
  assert.deepEqual(found("\\[x\\]\\*"), ["[x]*"], "a backslash takes the meaning away");
  assert.deepEqual(found("[x]*"), [], "no name begins with an x");
  assert.deepEqual(found("{a,b}"), ["{a,b}"], "braces are letters");
  assert.deepEqual(found("**/c.txt"), ["in/c.txt"], "one level, not any number");
  assert.deepEqual(found("*/d??p/*"), ["in/deep/c.txt"]);
  assert.deepEqual(found("a.txt/*"), []);
  assert.deepEqual(found("in/"), ["in/"]);
  assert.deepEqual(found("in/*/"), [], "no name is empty");
});

test("a path without wildcards stands for itself, if it exists", (t) => {
  const folder = temporaryDirectory(t);
  makeTree(folder);
  for (const name of ["a.txt", "dangling", "in/deep"])
    assert.deepEqual(expandGlob(join(folder, name)).map(String), [join(folder, name)]);
  assert.deepEqual(expandGlob(join(folder, "gone")), []);
  assert.deepEqual(expandGlob(""), []);
});

test("what is malformed is refused, also where nothing would be compared with it", () => {
  for (const pattern of ["/no such/[a", "/no such/x\\", "[]"])
    assert.throws(() => expandGlob(pattern), { code: "argument-invalid" });
});
