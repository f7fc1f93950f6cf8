// The cache of the command line: what it saves, what it must never hide, and that nothing depends on it.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { type StowageResult, stowage, stowageMust } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-cache");
const [source, repository, cache] = ["source", "repository", "cache"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];

before(async () => {
  mkdirSync(source);
  for (let file = 0; file < 20; file++) writeFileSync(join(source, `file-${file}`), `content ${file}`);
  await makeCheapRepository(repository);
  await stowageMust(["backup", source], cached());
});
after(() => removeDirectory(folder));

/** Asked for by name, so that a repository in a directory has one, too. */
function cached(more: Readonly<Record<string, string | undefined>> = {}) {
  return { repository, env: { STOWAGE_NO_CACHE: undefined, XDG_CACHE_HOME: join(folder, "usual"), ...more } };
}

const run = (...args: string[]): Promise<StowageResult> => stowage([...args, "--cache-dir", cache], cached());

function filesIn(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test("a repository in a directory has no cache of its own accord", async () => {
  const home = join(folder, "home");
  await stowageMust(["ls", "latest"], cached({ HOME: home, XDG_CACHE_HOME: undefined, RESTIC_CACHE_DIR: home }));
  assert.ok(!existsSync(home));
});

test("several processes at once fill it, and each sees everything", async () => {
  const results = await Promise.all([run("ls", "latest"), run("ls", "latest"), run("stats")]);
  assert.deepEqual(
    results.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ""],
      [0, ""],
      [0, ""],
    ],
  );
  assert.equal(results[0]?.stdout, results[1]?.stdout);
  // Index, snapshot, tree pack and the mark for backup programs.
  assert.equal(filesIn(cache).length, 4);
});

test("damage to every copy changes nothing", async () => {
  const { stdout } = await run("ls", "latest", "--json");
  for (const file of filesIn(cache)) writeFileSync(file, "damaged");
  const again = await run("ls", "latest", "--json");
  assert.deepEqual([again.code, again.stdout, again.stderr], [0, stdout, ""]);
});

test("a good copy does not hide from check that the original is gone", async () => {
  const broken = join(folder, "broken");
  const options = { ...cached(), repository: broken };
  cpSync(repository, broken, { recursive: true });
  assert.equal((await stowage(["ls", "latest", "--cache-dir", cache], options)).code, 0);
  const cachedPacks = filesIn(cache).map((file) => file.slice(-64));
  for (const file of filesIn(join(broken, "data"))) if (cachedPacks.includes(file.slice(-64))) rmSync(file);
  assert.equal((await stowage(["ls", "latest", "--cache-dir", cache], options)).code, 0);
  assert.equal((await stowage(["ls", "latest", "--cache-dir", cache, "--no-cache"], options)).code, 1);
  assert.equal((await stowage(["check", "--cache-dir", cache], options)).code, 1);
});

test("what another machine has pruned goes from the cache with the next command", async () => {
  const pruned = join(folder, "pruned");
  const options = { ...cached(), repository: pruned };
  const place = join(folder, "cache of pruned");
  cpSync(repository, pruned, { recursive: true });
  await stowageMust(["ls", "latest", "--cache-dir", place], options);
  await stowageMust(["forget", "latest", "--prune"], { repository: pruned });
  const [copy = ""] = filesIn(
    join(place, readdirSync(place).find((name) => name.startsWith("stowage-")) ?? "", "pack"),
  );
  assert.ok(existsSync(copy));
  assert.equal((await stowage(["stats", "--cache-dir", place], options)).code, 0);
  assert.ok(!existsSync(copy));
});

test("a backup leaves the cache out, and what cannot be written is told once", async () => {
  const above = await run("backup", folder, "--dry-run", "--json", "-vv");
  const items = above.messages.map(({ item }) => String(item));
  assert.ok(items.includes(join(source, "file-1")));
  assert.ok(!items.some((item) => item === cache || item.startsWith(`${cache}/`)));
  const file = join(source, "file-1");
  const { code, stderr } = await stowage(["ls", "latest", "--cache-dir", file], cached());
  assert.equal(code, 0);
  assert.equal(stderr.split("\n").filter((line) => /nothing is kept in the cache/.test(line)).length, 1);
});

test("--cleanup-cache removes what no command has used for long, and says so beside the answer", async () => {
  const old = join(cache, `stowage-1-${"0".repeat(32)}`);
  mkdirSync(old);
  utimesSync(old, 0, 0);
  const { stdout, stderr } = await run("dump", "latest", join(source, "file-1"), "--cleanup-cache");
  assert.deepEqual([stdout, existsSync(old)], ["content 1", false]);
  assert.match(stderr, /removed the cached copies of 1 repository/);
});

test("its size is bounded, and a size that is none is refused", async () => {
  rmSync(cache, { recursive: true });
  assert.equal((await run("ls", "latest", "--cache-size", "1K")).code, 0);
  const bytes = filesIn(cache).filter((file) => !file.endsWith("CACHEDIR.TAG"));
  assert.deepEqual(bytes.length <= 1, true);
  assert.match((await run("ls", "latest", "--cache-size", "much")).stderr, /write a size like 500M/);
});
