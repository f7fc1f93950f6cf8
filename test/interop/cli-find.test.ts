// `find` of both programs on copies of one repository: the same places, in the same order.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let both: BothPrograms;

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-find"));
});
after(() => removeDirectory(both.folder));

async function ask(...args: string[]): Promise<readonly [Answer, Answer]> {
  const answers = await both.run(["find", ...args]);
  assert.equal(answers[0].code, 0, answers[0].stderr);
  assert.equal(answers[1].code, 0, answers[1].stderr);
  return answers;
}

/** The same JSON in both, its keys in the same order. @returns it */
async function assertSameJson(...args: string[]): Promise<readonly Record<string, unknown>[]> {
  const [theirs, ours] = await ask(...args, "--json");
  const parse = ({ stdout }: Answer): Record<string, unknown>[] =>
    JSON.parse(stdout.split("\n")[0] ?? "") as Record<string, unknown>[];
  const found = parse(ours);
  assert.deepEqual(found, parse(theirs));
  assert.equal(JSON.stringify(found), JSON.stringify(parse(theirs)), "the order of keys");
  assert.ok(ours.stdout.endsWith("]\n"));
  return found;
}

async function assertSameText(...args: string[]): Promise<string> {
  const [theirs, ours] = await ask(...args);
  const squeezed = ({ stdout }: Answer): string => stdout.replace(/ +/g, " ");
  assert.equal(squeezed(ours), squeezed(theirs));
  return ours.stdout;
}

/** An id of a blob, from what is listed. */
async function someId(kind: string, name: RegExp): Promise<string> {
  const { stdout } = await resticMust(["list", kind], { repository: both.repository });
  return (
    stdout
      .split("\n")
      .find((line) => name.test(line))
      ?.split(" ")
      .at(-1) ?? ""
  );
}

describe("find by name", () => {
  it("JSON: every kind of pattern, in all snapshots, the newest first", async () => {
    const found = await assertSameJson("*.log", "link", "added-2", `${both.source}/sub/**/c`);
    assert.equal(found.length, 3);
    assert.deepEqual(await assertSameJson("hello.txt", "--newest", "2020-01-01"), []);
  });

  it("JSON: in some snapshots, whatever the case, between two times, the oldest first", async () => {
    const times = ["-O", "2020-01-01 10:00", "-N", "31.12.2999 10:00:00"];
    const found = await assertSameJson("-i", "HELLO*", "SUB", "--host", "one", "--tag", "all", "-R", ...times);
    assert.equal(found.length, 2);
    await assertSameJson("added-*", "--snapshot", "latest", "--path", both.source);
  });

  it("text: headings for people, lines for scripts, long ones with everything", async () => {
    assert.match(await assertSameText("hello.txt", "link", "--long"), /Found matching entries in snapshot/);
    assert.doesNotMatch(await assertSameText("sub", "--quiet", "--reverse"), /Found/);
  });
});

describe("find by id", () => {
  it("data blobs: the files that have them, and their pack", async () => {
    const id = await someId("blobs", /^data/);
    assert.ok((await assertSameJson("--blob", id.slice(0, 8))).length > 0);
    assert.match(await assertSameText("--blob", id, "--show-pack-id"), /Object belongs to pack [0-9a-f]{64}/);
  });

  it("trees: the directories, the root among them", async () => {
    await assertSameText("--tree", (await someId("blobs", /^tree/)).slice(0, 8), "--reverse");
    const { messages } = await resticMust(["snapshots", "latest", "--json"], { repository: both.repository });
    const [root] = await assertSameJson("--tree", String(messages[0]?.tree));
    assert.equal(root?.path, "/");
  });

  it("packs: what all their blobs belong to, also when the pack is gone", async () => {
    const { messages } = await resticMust(["find", "--json", "--blob", await someId("blobs", /^data/)], both);
    assert.ok(messages.length > 0);
    const { stdout } = await resticMust(["find", "--show-pack-id", "--blob", String(messages[0]?.id)], both);
    const pack = /pack ([0-9a-f]{64})/.exec(stdout)?.[1] ?? "";
    await assertSameJson("--pack", pack.slice(0, 8));
    rmSync(join(both.repository, "data", pack.slice(0, 2), pack));
    const [theirs, ours] = await ask("--pack", pack, "--json");
    assert.deepEqual(ours.messages, theirs.messages);
    assert.match(ours.stderr, /only in the index/);
  });

  it("refuses what makes no sense", async () => {
    for (const words of [
      ["--blob", "--tree", "00000000"],
      ["x", "--oldest", "soon"],
      ["--pack", "00000000"],
    ]) {
      const [theirs, ours] = await both.run(["find", ...words]);
      assert.equal(theirs.code, 1, words.join(" "));
      assert.equal(ours.code, 1, words.join(" "));
    }
  });
});
