// `rewrite` of both programs on copies of one repository: the same snapshots and, byte for byte, the same trees.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { emptyTreeId } from "../../repo-format/format/tree.ts";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let both: BothPrograms;

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-rewrite"));
});
after(() => removeDirectory(both.folder));

type Snapshots = readonly Readonly<Record<string, unknown>>[];

/** What a repository holds, but for the ids of new snapshots. */
async function contents({
  repository,
}: Pick<Answer, "repository">): Promise<{ snapshots: Snapshots; blobs: string[] }> {
  const { stdout } = await resticMust(["list", "blobs"], { repository });
  const { messages } = await resticMust(["snapshots", "--json"], { repository });
  const withoutIds = messages.map(({ id: _, short_id: __, ...fields }) => fields);
  const snapshots = withoutIds.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { snapshots, blobs: stdout.trim().split("\n").sort() };
}

/** Both programs end well and leave the same behind, sound to restic. @returns the snapshots */
async function assertSame(...args: string[]): Promise<Snapshots> {
  const [theirs, ours] = await both.run(["rewrite", ...args], { keep: true });
  assert.equal(theirs.code, 0, theirs.stderr);
  assert.equal(ours.code, 0, ours.stderr);
  const expected = await contents(theirs);
  const actual = await contents(ours);
  assert.deepEqual(actual.snapshots, expected.snapshots);
  // restic stores the tree of an empty directory before it finds that the directory is left out.
  const needed = ({ blobs }: typeof actual): string[] => blobs.filter((blob) => blob !== `tree ${emptyTreeId}`);
  assert.deepEqual(needed(actual), needed(expected));
  await resticMust(["check", "--read-data"], { repository: ours.repository });
  return actual.snapshots;
}

const withTag = (snapshots: Snapshots, tag: string): number =>
  snapshots.filter(({ tags }) => (tags as string[]).includes(tag)).length;

describe("rewrite", () => {
  it("leaves files out, by pattern, file of patterns and whatever the case, and keeps the old snapshots", async () => {
    const list = join(both.folder, "patterns");
    writeFileSync(list, "# a comment\ndeep\n");
    const snapshots = await assertSame("--exclude", "*.log", "--iexclude", "HELLO*", "--exclude-file", list);
    assert.equal(snapshots.length, 6);
    assert.equal(withTag(snapshots, "rewrite"), 3);
  });

  it("takes the place of the old ones with --forget, under another host and time", async () => {
    const metadata = ["--new-host", "elsewhere", "--new-time", "2020-01-02 03:04:05"];
    const snapshots = await assertSame("--forget", "--exclude", "link", ...metadata, "--host", "one");
    assert.deepEqual([snapshots.length, withTag(snapshots, "rewrite")], [3, 0]);
    assert.equal(snapshots.filter(({ hostname }) => hostname === "elsewhere").length, 2);
  });

  it("keeps only what is included, and the directories on the way to it", async () => {
    await assertSame("--include", "sub/**/c", "--iinclude", "LINK", "--include", "empty", "latest");
    assert.equal((await assertSame("--include", "nothing-like-this")).length, 3);
  });

  it("leaves snapshots alone of which nothing changes, and all in a dry run", async () => {
    assert.equal((await assertSame("--exclude", "nothing-like-this", "--snapshot-summary")).length, 3);
    assert.equal((await assertSame("--exclude", "*.log", "--forget", "--dry-run", "-vv")).length, 3);
  });

  it("changes nothing when the patterns are empty", async () => {
    await assertSame("--exclude-file", "/dev/null", "--forget");
    const kept = await assertSame("--include", "", "--new-host", "elsewhere");
    assert.deepEqual(new Set(kept.map(({ hostname }) => hostname)), new Set(["one", "two"]));
  });

  it("refuses what makes no sense, passes over ids that do not exist", async () => {
    for (const [code, words] of [
      [1, []],
      [1, ["--exclude", "a", "--include", "b"]],
      [1, ["--new-time", "soon"]],
      [0, ["ffffffff", "--new-host", "x"]],
    ] as const) {
      const answers = await both.run(["rewrite", ...words]);
      for (const answer of answers) assert.equal(answer.code, code, answer.stderr);
    }
  });

  it("--json: the messages that a change of tags has", async () => {
    const [, ours] = await both.run(["rewrite", "--new-host", "x", "latest", "--json"]);
    const keys = ours.messages.map((message) => Object.keys(message).join());
    assert.deepEqual(keys, ["message_type,old_snapshot_id,new_snapshot_id", "message_type,changed_snapshots"]);
  });
});
