import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestRepository } from "../support/memory-repository.ts";
import { directory, file, other, restoreInThread, storeEntries, symlink } from "../support/restorer-fixture.ts";
import { type Scope, temporaryDirectory } from "../support/temporary-directory.ts";

/** A target with a neighbour that must stay as it is. */
function target(scope: Scope): { target: string; outside: string } {
  const root = temporaryDirectory(scope, "restorer");
  mkdirSync(join(root, "target"));
  mkdirSync(join(root, "outside"));
  writeFileSync(join(root, "outside", "precious"), "precious");
  return { target: join(root, "target"), outside: join(root, "outside") };
}

function assertUntouched(outside: string): void {
  assert.deepEqual(readdirSync(outside), ["precious"]);
  assert.equal(readFileSync(join(outside, "precious"), "utf8"), "precious");
}

const unsafeNames = ["..", ".", "", "../outside/precious", "/outside", "a/b", "nul\0l", "x/.."];

for (const name of unsafeNames) {
  test(`a file and a directory named ${JSON.stringify(name)} are refused, their neighbours are restored`, async (t) => {
    const { target: path, outside } = target(t);
    const repo = await createTestRepository();
    const snapshotId = await storeEntries(repo, [
      ["a", file(["before"])],
      [name, file(["evil"])],
      [name, directory([["precious", file(["evil"])]])],
      ["z", file(["after"])],
    ]);
    const result = await restoreInThread(repo, { snapshotId, target: path });
    assert.deepEqual(readdirSync(path), ["a", "z"]);
    assert.deepEqual(readdirSync(join(path, "..")).toSorted(), ["outside", "target"]);
    assertUntouched(outside);
    assert.equal(result.errorCount, 2);
    assert.equal(result.failure?.code, "unsafe-name");
    assert.ok(result.warnings.every(({ kind, isError }) => kind === "unsafe-name" && isError));
  });
}

test("of two equal names the second is refused: a link cannot be followed by a directory of its name", async (t) => {
  const { target: path, outside } = target(t);
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["door", symlink("../outside")],
    ["door", directory([["precious", file(["evil"])]])],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target: path });
  assert.ok(lstatSync(join(path, "door")).isSymbolicLink());
  assertUntouched(outside);
  assert.equal(result.errorCount, 1);
  assert.match(result.warnings[0]?.message ?? "", /twice/);
});

test("equal names are found in a tree without order, and the other way round the directory stays", async (t) => {
  const { target: path, outside } = target(t);
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["door", directory([["precious", file(["mine"])]])],
    ["z", file(["z"])],
    ["a", file(["a"])],
    ["door", symlink("../outside")],
    ["a", file(["other a"])],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target: path });
  assert.equal(readFileSync(join(path, "door", "precious"), "utf8"), "mine");
  assert.equal(readFileSync(join(path, "a"), "utf8"), "a");
  assertUntouched(outside);
  assert.equal(result.errorCount, 2);
});

test("a link with entries below it is refused", async (t) => {
  const { target: path, outside } = target(t);
  const repo = await createTestRepository();
  const below = await storeEntries(repo, [["precious", file(["evil"])]]);
  const { tree } = await repo.loadSnapshot(below);
  const snapshotId = await storeEntries(repo, [["door", symlink("../outside", { subtree: tree })]]);
  const result = await restoreInThread(repo, { snapshotId, target: path });
  assert.deepEqual(readdirSync(path), []);
  assertUntouched(outside);
  assert.equal(result.failure?.code, "unsafe-name");
});

test("links that stand in the target are replaced and never followed", async (t) => {
  const { target: path, outside } = target(t);
  symlinkSync("../outside", join(path, "directory"));
  symlinkSync("../outside/precious", join(path, "file"));
  symlinkSync("../outside/new", join(path, "dangling"));
  symlinkSync("../outside/precious", join(path, "link"));
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["dangling", file(["content"])],
    ["directory", directory([["precious", file(["mine"])]])],
    ["file", file(["content"])],
    ["link", symlink("elsewhere")],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target: path, delete: true });
  assert.equal(result.failure, undefined);
  assertUntouched(outside);
  assert.ok(lstatSync(join(path, "directory")).isDirectory());
  assert.equal(readFileSync(join(path, "directory", "precious"), "utf8"), "mine");
  assert.ok(lstatSync(join(path, "file")).isFile());
  assert.ok(lstatSync(join(path, "dangling")).isFile());
});

test("nothing is removed in a restore that met an unsafe name: it is not known what the snapshot means", async (t) => {
  const { target: path } = target(t);
  mkdirSync(join(path, "sub"));
  writeFileSync(join(path, "sub", "extra"), "");
  writeFileSync(join(path, "extra"), "");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["..", file(["evil"])],
    ["sub", directory([["kept", file(["x"])]])],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target: path, delete: true });
  assert.equal(result.filesDeleted, 0);
  assert.ok(existsSync(join(path, "extra")));
  assert.ok(existsSync(join(path, "sub", "extra")));
});

test("a second name of a file that cannot be had, and types that nobody can restore, are errors of their own", async (t) => {
  const { target: path } = target(t);
  const repo = await createTestRepository();
  const missing = { links: 2, inode: 7n, deviceId: 1n, content: ["ab".repeat(32) as never] };
  const snapshotId = await storeEntries(repo, [
    ["first", file(["x"], missing)],
    ["irregular", other("irregular")],
    ["second", file(["x"], missing)],
    ["socket", other("socket")],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target: path });
  assert.deepEqual(readdirSync(path), []);
  assert.deepEqual(
    result.warnings.map(({ path: at, kind }) => `${at} ${kind}`),
    ["/first data", "/irregular entry", "/second data"],
  );
});

test("a tree far deeper than the descriptors that may be open is restored", async (t) => {
  const { target: path } = target(t);
  const repo = await createTestRepository();
  let entry = file(["at the bottom"]);
  for (let depth = 0; depth < 400; depth++) {
    entry = directory([
      ["d", entry],
      ["f", file([`depth ${depth}`])],
    ]);
  }
  const snapshotId = await storeEntries(repo, [["d", entry]]);
  const result = await restoreInThread(repo, { snapshotId, target: path, verify: true });
  assert.equal(result.failure, undefined);
  assert.equal(result.filesRestored, 801);
  assert.equal(readFileSync(join(path, "d", "f"), "utf8"), "depth 399");
  assert.equal(lstatSync(join(path, "d")).mode & 0o7777, 0o750);
});
