// What `restore` leaves for `backup` on the same machine: where it lies, when it goes, and how to do without.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { stowageMust } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-notes");
const [source, repository, cacheHome] = ["source", "repository", "cache"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const notes = join(cacheHome, "stowage", "notes");
const files = 20;
const options = {
  repository,
  env: { STOWAGE_NO_CACHE: undefined, RESTIC_CACHE_DIR: undefined, XDG_CACHE_HOME: cacheHome },
};

before(async () => {
  mkdirSync(source);
  for (let file = 0; file < files; file++) writeFileSync(join(source, `file-${file}`), `content ${file}`);
  await makeCheapRepository(repository);
  await backUp("--no-notes");
  assert.ok(!existsSync(cacheHome), "--no-notes leaves nothing");
});
after(() => removeDirectory(folder));

/** @returns files that were not read. */
async function backUp(...flags: string[]): Promise<number> {
  const { messages } = await stowageMust(["backup", source, "--json", ...flags], options);
  return messages.find(({ message_type }) => message_type === "summary")?.files_unmodified as number;
}

async function loseAndRestore(...flags: string[]): Promise<void> {
  rmSync(source, { recursive: true });
  await stowageMust(["restore", `latest:${source}`, "--target", source, ...flags], options);
}

function noteCount(): number {
  if (!existsSync(notes)) return 0;
  return readdirSync(notes, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

test("a backup after a restore reads nothing again, wherever the repository is", async () => {
  await loseAndRestore();
  assert.equal(noteCount(), 1);
  writeFileSync(join(source, "file-3"), "changed 3");
  assert.equal(await backUp(), files - 1);
  assert.equal(noteCount(), 0);
});

test("--no-notes leaves none, and --no-cache uses none", async () => {
  await loseAndRestore("--no-notes");
  assert.equal(noteCount(), 0);
  await loseAndRestore();
  assert.equal(await backUp("--no-cache", "--dry-run"), 0);
  assert.equal(noteCount(), 1);
  assert.equal(await backUp(), files);
});

test("a backup of all there is leaves the notes out", async () => {
  await loseAndRestore();
  assert.equal(noteCount(), 1);
  await stowageMust(["backup", folder, "--exclude", repository], options);
  const { stdout } = await stowageMust(["ls", "latest"], options);
  assert.ok(stdout.includes("file-3"));
  assert.ok(!stdout.includes(notes));
  assert.equal(noteCount(), 0, "the target of the restore lies below what was saved");
});

test("where nothing can be kept, only --verbose says so", async () => {
  const env = { ...options.env, XDG_CACHE_HOME: join(source, "file-1") };
  const quiet = await stowageMust(["backup", source], { repository, env });
  assert.equal(quiet.stderr, "");
  const loud = await stowageMust(["backup", source, "--verbose"], { repository, env });
  assert.match(loud.stderr, /no notes for later runs can be kept/);
});
