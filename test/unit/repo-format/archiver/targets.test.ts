import assert from "node:assert/strict";
import { test } from "node:test";
import {
  absolutePath,
  cleanPath,
  hasNoName,
  planTargets,
  type Target,
} from "../../../../repo-format/archiver/targets.ts";

/** Names that directories of the test have. */
const listing: Record<string, string[]> = {
  "/": ["etc", "var"],
  ".": ["x", "y"],
  "/a": ["b", "c"],
  "/a/b": ["d", "e"],
};
const listNames = (path: string): string[] => listing[path] ?? [];

/** name → path of an entry ("!" when it was named itself), or the children. */
type Sketch = { [name: string]: string | Sketch };

function sketch(target: Target): string | Sketch {
  if (target.kind === "entry") return `${target.path}${target.isExplicit ? "!" : ""}`;
  return Object.fromEntries([...target.children].map(([name, child]) => [name, sketch(child)]));
}

const plan = (...paths: string[]): string | Sketch => sketch(planTargets(paths, listNames));

test("an absolute target lies below a directory for each of its components", () => {
  assert.deepEqual(plan("/var/lib/x"), { var: { lib: { x: "/var/lib/x!" } } });
  assert.deepEqual(plan("/etc/hosts", "/etc/passwd"), { etc: { hosts: "/etc/hosts!", passwd: "/etc/passwd!" } });
});

test("directories on the way know where their metadata lie", () => {
  const root = planTargets(["/var/lib/x", "sub/y"], listNames);
  const child = (name: string): Target | undefined => root.children.get(name);
  assert.deepEqual([child("var")?.path, child("sub")?.path], ["/var", "sub"]);
});

test("relative targets keep their components, without leading dots", () => {
  assert.deepEqual(plan("sub/dir"), { sub: { dir: "sub/dir!" } });
  assert.deepEqual(plan("../../up"), { up: "../../up!" });
});

test("a target without a name stands for its entries, to which excludes apply", () => {
  assert.deepEqual(plan("."), { x: "x", y: "y" });
  assert.deepEqual(plan("/"), { etc: "/etc", var: "/var" });
  assert.deepEqual(["/", ".", "..", "../..", "a", "/a"].map(hasNoName), [true, true, true, true, false, false]);
});

test("a target inside another one is opened up, and stays named", () => {
  assert.deepEqual(plan("/a", "/a/b/d"), { a: { b: { d: "/a/b/d!", e: "/a/b/e" }, c: "/a/c" } });
  assert.deepEqual(plan("/a/b/d", "/a"), { a: { b: { d: "/a/b/d!", e: "/a/b/e" }, c: "/a/c" } });
});

test("equal names from different places do not meet", () => {
  assert.deepEqual(plan("x", "../x"), { x: "x!", "x-1": "../x!" });
  assert.deepEqual(plan("x", "x"), { x: "x!" });
});

test("paths are cleaned as Go does", () => {
  const cases = [
    ["/a//b/./c/..", "/a/b"],
    ["a/../..", ".."],
    ["/..", "/"],
    ["", "."],
    ["./a/", "a"],
  ] as const;
  for (const [path, clean] of cases) assert.equal(cleanPath(path), clean, path);
  assert.equal(absolutePath("a/../b", "/base"), "/base/b");
  assert.equal(absolutePath("/x/..", "/work"), "/");
});
