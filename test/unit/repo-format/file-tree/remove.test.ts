import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { removeChild } from "../../../../repo-format/file-tree/remove.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const name = Buffer.from("entry");

function openTemporary(scope: Scope): { path: string; handle: DirectoryHandle; entry: string } {
  const path = temporaryDirectory(scope);
  const handle = DirectoryHandle.openRoot(path);
  scope.after(() => handle.close());
  return { path, handle, entry: join(path, "entry") };
}

test("an absent entry is no error, a file and an empty directory go", (t) => {
  const { handle, entry } = openTemporary(t);
  removeChild(handle, name);
  writeFileSync(entry, "");
  removeChild(handle, name);
  mkdirSync(entry);
  removeChild(handle, name);
  assert.equal(existsSync(entry), false);
});

test("a full directory goes only when that is asked for", (t) => {
  const { handle, entry } = openTemporary(t);
  mkdirSync(join(entry, "a", "b"), { recursive: true });
  writeFileSync(join(entry, "a", "file"), "");
  assert.throws(() => removeChild(handle, name), { code: "ENOTEMPTY" });
  const removed: string[] = [];
  removeChild(handle, name, { recursive: true, onRemoved: (path) => removed.push(path) });
  assert.equal(existsSync(entry), false);
  assert.deepEqual(removed.toSorted(), ["", "/a", "/a/b", "/a/file"]);
  assert.equal(removed.at(-1), "");
});

test("links are removed and not followed, names of any bytes are removed", (t) => {
  const { path, handle, entry } = openTemporary(t);
  mkdirSync(join(path, "outside"));
  writeFileSync(join(path, "outside", "precious"), "kept");
  mkdirSync(entry);
  symlinkSync("../outside", join(entry, "link"));
  writeFileSync(Buffer.concat([Buffer.from(`${entry}/`), Buffer.from([0xff, 0x0a])]), "");
  removeChild(handle, name, { recursive: true });
  symlinkSync("outside", entry);
  removeChild(handle, name, { recursive: true });
  assert.equal(existsSync(entry), false);
  assert.equal(readFileSync(join(path, "outside", "precious"), "utf8"), "kept");
});

test("a tree deeper than the descriptors that may be open is removed to its end", (t) => {
  const { handle, entry } = openTemporary(t);
  let deepest = handle.duplicate();
  mkdirSync(entry);
  for (let depth = 0; depth < 300; depth++) {
    const next = deepest.openChild(depth === 0 ? name : Buffer.from("d"));
    deepest.close();
    deepest = next;
    writeFileSync(deepest.childPath(Buffer.from("file")), "");
    mkdirSync(deepest.childPath(Buffer.from("d")));
  }
  deepest.close();
  let count = 0;
  removeChild(handle, name, { recursive: true, onRemoved: () => count++ });
  assert.equal(existsSync(entry), false);
  assert.equal(count, 601);
});

test("a dry run reports the same and removes nothing", (t) => {
  const { handle, entry } = openTemporary(t);
  mkdirSync(join(entry, "a"), { recursive: true });
  writeFileSync(join(entry, "a", "file"), "");
  const removed: string[] = [];
  removeChild(handle, name, { recursive: true, dryRun: true, onRemoved: (path) => removed.push(path) });
  assert.deepEqual(removed, ["/a/file", "/a", ""]);
  assert.equal(existsSync(join(entry, "a", "file")), true);
});

test("a name that leads elsewhere is refused", (t) => {
  const { handle } = openTemporary(t);
  assert.throws(() => removeChild(handle, Buffer.from(".."), { recursive: true }), { code: "unsafe-name" });
});
