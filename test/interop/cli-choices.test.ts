// Which snapshots, folders and files a command takes, beside restic's: words that are empty, relative or not clean.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { type Answer, type BothOptions, BothPrograms } from "../support/both-programs.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let both: BothPrograms;

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-choices"));
});
after(() => removeDirectory(both.folder));

async function answers(
  args: readonly string[],
  code: number,
  options: BothOptions = {},
): Promise<readonly [Answer, Answer]> {
  const pair = await both.run(args, options);
  assert.deepEqual(
    pair.map((answer) => answer.code),
    [code, code],
    `${args.join(" ")}\nrestic: ${pair[0].stderr}\nours: ${pair[1].stderr}`,
  );
  return pair;
}

async function assertSameOutput(args: readonly string[], options: BothOptions = {}): Promise<void> {
  const [theirs, ours] = await answers(args, 0, options);
  assert.notEqual(theirs.stdout, "");
  assert.equal(ours.stdout, theirs.stdout);
}

const idsOf = (snapshots: unknown): string[] => ((snapshots ?? []) as { id: string }[]).map(({ id }) => id);

function restored({ folder }: Answer): string[] {
  const target = join(folder, "target");
  return existsSync(target) ? readdirSync(target, { recursive: true, encoding: "utf8" }).sort() : [];
}

it("latest takes a --path that is relative or not clean", async () => {
  await assertSameOutput(["ls", "latest", "--path", "./source", "--quiet"], { cwd: both.folder });
  await assertSameOutput(["ls", "latest", "--path", `${both.source}//`, "--quiet"]);
  await answers(["ls", "latest", "--path", "sub"], 1, { cwd: both.source });
});

it("an empty word in a list of tags stands for no tags at all", async () => {
  for (const { messages } of await answers(["snapshots", "--tag", "all,", "--json"], 0)) assert.deepEqual(messages, []);
  const words = ["forget", "--dry-run", "--keep-last", "1", "--keep-tag", "all,", "--json"];
  const decisions = ({ messages }: Answer): unknown[] =>
    messages.map(({ keep, remove }) => JSON.stringify([idsOf(keep), idsOf(remove)])).sort();
  const [theirs, ours] = await answers(words, 0);
  assert.deepEqual(decisions(ours), decisions(theirs));
});

it("restores a folder whose path goes up again", async () => {
  const words = ["restore", `latest:${both.source}/gone/../sub/deep/..`, "--target", "@/target"];
  const [theirs, ours] = await answers(words, 0, { keep: true });
  assert.deepEqual(restored(ours), ["b.log", "deep", "deep/c"]);
  assert.deepEqual(restored(ours), restored(theirs));
});

it("restores nothing where all includes are empty, and removes nothing either", async () => {
  for (const flags of [
    ["--include", ""],
    ["--iinclude", "", "--delete"],
  ]) {
    const [theirs, ours] = await answers(["restore", "latest", "--target", "@/target", ...flags], 0, { keep: true });
    assert.deepEqual([restored(theirs), restored(ours)], [[], []]);
  }
});

it("refuses --no-lock where data are removed, and a limit that is none also without --prune", async () => {
  await answers(["forget", "--keep-last", "1", "--no-lock"], 1);
  await answers(["prune", "--no-lock"], 1);
  await answers(["forget", "--keep-last", "1", "--max-unused", "x"], 1);
});
