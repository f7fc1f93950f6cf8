// What restic and we make of the same damaged repositories: the same exit code, the same blobs and snapshots afterwards,
// and a repository that restic finds sound.
import assert from "node:assert/strict";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { restic, resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let base: BothPrograms;
let damageCount = 0;

before(async () => {
  base = await BothPrograms.create(makeTemporaryDirectory("repair"));
});
after(() => removeDirectory(base.folder));

/** A copy of the repository that `damage` has changed, for both programs. */
function damaged(damage: (repository: string) => void): BothPrograms {
  const both = new BothPrograms(join(base.folder, `damaged-${++damageCount}`));
  cpSync(base.repository, both.repository, { recursive: true });
  damage(both.repository);
  return both;
}

const filesOf = (repository: string, folder: string): string[] =>
  readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

function rewrite(path: string, change: (bytes: Buffer) => Buffer): void {
  chmodSync(path, 0o600);
  writeFileSync(path, change(readFileSync(path)));
}

const first = (repository: string, folder: string): string => filesOf(repository, folder)[0] as string;

/** Both ended with `code`; and what restic's lists say of both repositories is the same. */
async function assertSame(answers: readonly [Answer, Answer], code: number, kinds = ["blobs"]): Promise<void> {
  const [theirs, ours] = answers;
  assert.equal(theirs.code, code, `restic: ${theirs.stderr}`);
  assert.equal(ours.code, code, `ours: ${ours.stderr}${ours.stdout}`);
  for (const kind of kinds) {
    const lists = await Promise.all(answers.map(({ repository }) => resticMust(["list", kind], { repository })));
    const [theirList, ourList] = lists.map(({ stdout }) => stdout.split("\n").sort().join("\n"));
    assert.equal(ourList, theirList, kind);
  }
}

/** The same answer of restic's check for both repositories. */
async function assertCheck(answers: readonly [Answer, Answer], code: number): Promise<void> {
  for (const { repository } of answers) {
    const verdict = await restic(["check", "--read-data"], { repository });
    assert.equal(verdict.code, code, verdict.stdout + verdict.stderr);
  }
}

describe("repair index", () => {
  const heals = (what: string, damage: (repository: string) => void, ...flags: string[]): void => {
    it(`heals ${what}`, async () => {
      const both = damaged(damage);
      const answers = await both.run(["repair", "index", ...flags], { keep: true });
      await assertSame(answers, 0, ["blobs", "packs"]);
      await assertCheck(answers, 0);
      for (const { repository } of answers) {
        assert.equal((await resticMust(["list", "blobs"], { repository })).stdout.split("\n").length, blobCount + 1);
      }
    });
  };
  let blobCount = 0;
  before(async () => {
    blobCount = (await resticMust(["list", "blobs"], base)).stdout.split("\n").length - 1;
  });

  heals("a sound repository, in which nothing is to be done", () => {});
  heals("an index without files", (repository) => {
    for (const path of filesOf(repository, "index")) rmSync(path);
  });
  heals("index files that cannot be read", (repository) => {
    for (const path of filesOf(repository, "index")) rewrite(path, (bytes) => bytes.fill(1, 20, 40));
  });
  heals(
    "an index file that is gone, reading all packs",
    (repository) => rmSync(first(repository, "index")),
    "--read-all-packs",
  );

  it("forgets a pack that is gone, and leaves one out that was cut short: what needs them stays broken", async () => {
    for (const damage of [
      (path: string): void => rmSync(path),
      (path: string): void => rewrite(path, (bytes) => bytes.subarray(0, -7)),
      (path: string): void => rewrite(path, (bytes) => Buffer.concat([bytes.subarray(0, 40), bytes])),
    ]) {
      const both = damaged((repository) => damage(first(repository, "data")));
      const answers = await both.run(["repair", "index"], { keep: true });
      await assertSame(answers, 0, ["blobs", "packs"]);
      await assertCheck(answers, 1);
    }
  });

  it("refuses words that it does not know", async () => {
    for (const words of [
      ["repair", "index", "--nonsense"],
      ["repair", "nonsense"],
    ]) {
      const [, ours] = await base.run(words);
      assert.equal(ours.code, 1);
    }
  });
});
