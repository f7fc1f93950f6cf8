// What `backup` takes beside restic's: lists of files with wildcards, paths that are not there, the parent that is asked for.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, type BothOptions, BothPrograms } from "../support/both-programs.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let both: BothPrograms;

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-sources"));
  mkdirSync(join(both.source, "odd"));
  for (const name of ["[br]*?", ".hidden", "{x,y}"]) writeFileSync(join(both.source, "odd", name), name);
  writeFileSync(Buffer.from(`${both.source}/odd/bad\xff`, "latin1"), "not UTF-8");
});
after(() => removeDirectory(both.folder));

async function backups(
  args: readonly string[],
  code: number,
  options: BothOptions = {},
): Promise<readonly [Answer, Answer]> {
  const pair = await both.run(["backup", ...args, "--json"], { keep: true, ...options });
  const [theirs, ours] = pair;
  assert.deepEqual([theirs.code, ours.code], [code, code], `restic: ${theirs.stderr}\nours: ${ours.stderr}`);
  return pair;
}

/** Paths that the newest snapshot records, and all of its files. */
async function newest({ repository }: Answer): Promise<unknown> {
  const { messages } = await resticMust(["ls", "latest", "--json"], { repository });
  const [snapshot, ...nodes] = messages;
  return { paths: snapshot?.paths, files: nodes.filter((node) => node.type === "file").map((node) => node.path) };
}

async function assertSameSnapshot(args: readonly string[], code: number, options: BothOptions = {}): Promise<void> {
  const [theirs, ours] = await backups(args, code, options);
  assert.deepEqual(await newest(ours), await newest(theirs), args.join(" "));
}

describe("--files-from", () => {
  const list = (...lines: string[]): BothOptions => ({
    cwd: both.source,
    input: lines.map((line) => `${line}\n`).join(""),
  });

  it("takes wildcards as Go does: escapes, hidden names, names that are not UTF-8, no braces, no depth", async () => {
    const lines = ["odd/\\[br\\]\\*\\?", "o?d/*", "**/b.log", "**/c", "{hello.txt,sub}", "[a-d]*"];
    await assertSameSnapshot(["--files-from", "-"], 0, list(...lines));
  });

  it("passes over lines that match nothing, without another exit code", async () => {
    await assertSameSnapshot(["--files-from", "-"], 0, list("hello.txt", "gone", "gone*"));
    await backups(["--files-from", "-"], 1, list("gone"));
    await backups(["--files-from", "-"], 1, list("hello.txt", "[a"));
  });
});

describe("paths on the command line", () => {
  it("that are not there are not recorded, and the exit code is 3", () =>
    assertSameSnapshot([both.source, "gone"], 3, { cwd: both.folder }));

  it("that are empty, as from a variable that is not set, are not the working directory", async () => {
    await backups([""], 1, { cwd: both.source });
    await assertSameSnapshot([both.source, ""], 3, { cwd: both.folder });
  });
});

describe("--parent latest", () => {
  it("is the latest of the same host and paths, and an error when there is none", async () => {
    const pair = await backups([both.source, "--parent", "latest", "--host", "one"], 0);
    for (const answer of pair) {
      const { messages } = await resticMust(["snapshots", "--json"], { repository: answer.repository });
      assert.equal(messages.at(-1)?.parent, messages[1]?.id);
    }
    await backups([both.source, "--parent", "latest", "--host", "nobody"], 1);
    await backups([both.source, "--parent", "latest", "--host", "one", "--time", "2020-01-01 00:00:00"], 1);
  });
});

it("--read-concurrency 0 is the default", async () => {
  await backups([join(both.source, "hello.txt"), "--read-concurrency", "0"], 0);
});
