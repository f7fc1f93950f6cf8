// A repository of version 1 through both programs' migrate: the same exit code, the same config, and restic finds it sound.
import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let both: BothPrograms;

before(async () => {
  both = new BothPrograms(makeTemporaryDirectory("migrate"));
  await makeCheapRepository(both.repository, 1);
  writeFileSync(join(both.folder, "file"), "text ".repeat(2000));
  await resticMust(["backup", "file"], { repository: both.repository, cwd: both.folder });
});
after(() => removeDirectory(both.folder));

function assertCodes(answers: readonly [Answer, Answer], code: number): void {
  for (const { code: actual, stderr, stdout } of answers) assert.equal(actual, code, stderr + stdout);
}

const configOf = async ({ repository }: Answer): Promise<Record<string, unknown>> =>
  JSON.parse((await resticMust(["cat", "config"], { repository })).stdout) as Record<string, unknown>;

describe("migrate", () => {
  it("lists the migration, applies it once, and prune compresses everything afterwards", async () => {
    const listed = await both.run(["migrate"], { keep: true });
    assertCodes(listed, 0);
    for (const { stdout } of listed) assert.match(stdout, /upgrade_repo_v2/);
    const answers = await both.run(["migrate", "upgrade_repo_v2"], { on: listed });
    assertCodes(answers, 0);
    assert.equal((await configOf(answers[1])).version, 2);
    assert.deepEqual(await configOf(answers[1]), await configOf(answers[0]));
    assertCodes(await both.run(["migrate", "nonsense", "upgrade_repo_v2"], { on: answers }), 0);
    assertCodes(await both.run(["migrate", "upgrade_repo_v2", "--force"], { on: answers }), 1);
    assertCodes(await both.run(["prune", "--repack-uncompressed"], { on: answers }), 0);
    const [theirs, ours] = await Promise.all(
      answers.map(async ({ repository }) => {
        await resticMust(["check", "--read-data"], { repository });
        const { messages } = await resticMust(["stats", "--mode", "raw-data", "--json"], { repository });
        return messages[0]?.compression_progress;
      }),
    );
    assert.deepEqual([ours, theirs], [100, 100]);
  });

  it("refuses a repository with errors, and leaves no copy of a config behind", async () => {
    const start = await both.run(["list", "locks"], { keep: true });
    for (const { repository } of start) {
      for (const name of readdirSync(join(repository, "index"))) rmSync(join(repository, "index", name));
    }
    assertCodes(await both.run(["migrate", "upgrade_repo_v2"], { on: start }), 1);
    for (const answer of start) assert.equal((await configOf(answer)).version, 1);
    const env = { TMPDIR: both.folder };
    const answers = await both.run(["migrate", "upgrade_repo_v2"], { keep: true, env });
    assertCodes(answers, 0);
    assert.deepEqual(
      readdirSync(both.folder).filter((name) => name.includes("migrate-")),
      [],
    );
  });
});
