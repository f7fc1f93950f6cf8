// What the verbs that repair, recover and migrate say: summaries as JSON, words for people, and what they refuse.
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { type StowageResult, stowage, stowageMust } from "../support/stowage-cli.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("cli-repair");
const repository = join(folder, "repository");

before(async () => {
  await makeCheapRepository(repository, 1);
  writeFileSync(join(folder, "file"), "content");
  await stowageMust(["backup", join(folder, "file")], { repository });
});
after(() => removeDirectory(folder));

const filesOf = (kind: string): string[] => readdirSync(join(repository, kind));
const summaryOf = ({ messages }: StowageResult): unknown => messages.at(-1);

describe("repair, recover and migrate", () => {
  it("repair index says what it has found", async () => {
    for (const name of filesOf("index")) rmSync(join(repository, "index", name));
    const result = await stowageMust(["repair", "index", "--json"], { repository });
    assert.deepEqual(summaryOf(result), {
      message_type: "summary",
      indexes_unreadable: 0,
      packs_added: 2,
      packs_missing: 0,
      packs_resized: 0,
      packs_unreadable: 0,
    });
    const again = await stowageMust(["repair", "index"], { repository });
    assert.match(again.stdout, /the index is right as it is/);
  });

  it("repair packs refuses what is no whole id, and says what it has stored", async () => {
    const short = await stowage(["repair", "packs", "abcd"], { repository, cwd: folder });
    assert.equal(short.code, 1);
    assert.match(short.stderr, /"abcd" is not the whole id/);
    const { stdout } = await stowageMust(["list", "packs"], { repository });
    const [pack = ""] = stdout.split("\n");
    const result = await stowageMust(["repair", "packs", pack, "--json"], { repository, cwd: folder });
    assert.equal((summaryOf(result) as { lost_blobs: number }).lost_blobs, 0);
    assert.ok(existsSync(join(folder, `pack-${pack}`)));
    const gone = await stowage(["repair", "packs", pack], { repository, cwd: folder });
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /is not in the store; nothing was changed/);
  });

  it("repair snapshots and recover say when there is nothing to do", async () => {
    const repaired = await stowageMust(["repair", "snapshots", "--json"], { repository });
    assert.deepEqual(summaryOf(repaired), { message_type: "summary", dry_run: false, changed_snapshots: 0 });
    const recovered = await stowageMust(["recover", "--json"], { repository });
    assert.deepEqual(summaryOf(recovered), { message_type: "summary", roots_found: 0, snapshot_id: null });
  });

  it("migrate lists and applies, and says why it does not apply twice", async () => {
    const listed = await stowageMust(["migrate", "--json"], { repository });
    assert.deepEqual(
      listed.messages.map(({ name }) => name),
      ["upgrade_repo_v2"],
    );
    const applied = await stowageMust(["migrate", "upgrade_repo_v2", "--json"], { repository });
    assert.deepEqual(summaryOf(applied), { message_type: "applied", name: "upgrade_repo_v2" });
    const again = await stowageMust(["migrate", "upgrade_repo_v2"], { repository });
    assert.match(again.stderr, /cannot be applied: the repository has version 2 already/);
    await stowageMust(["check", "--read-data"], { repository });
  });
});
