// `diff` of both programs on copies of one repository: the same lines, messages and sums.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

let both: BothPrograms;
/** Ids of the snapshots, oldest first. */
let ids: readonly string[];

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-diff"));
  changeSource(both.source);
  await resticMust(["backup", both.source, "--time", "2026-01-04 10:00:00", "--host", "one"], {
    repository: both.repository,
  });
  const { messages } = await resticMust(["snapshots", "--json"], { repository: both.repository });
  const byTime = [...messages].sort((a, b) => (String(a.time) < String(b.time) ? -1 : 1));
  ids = byTime.map(({ id }) => String(id));
});
after(() => removeDirectory(both.folder));

function changeSource(source: string): void {
  writeFileSync(join(source, "hello.txt"), "hello, changed");
  chmodSync(join(source, "sub", "b.log"), 0o600);
  renameSync(join(source, "sub", "deep"), join(source, "sub", "moved"));
  mkdirSync(join(source, "new", "below"), { recursive: true });
  writeFileSync(join(source, "new", "below", "<&>\u2028 file"), "x".repeat(2_000_000));
  // Its name is not UTF-8.
  writeFileSync(Buffer.concat([Buffer.from(`${source}/new/raw`), Buffer.from([0xff])]), "raw");
  rmSync(join(source, "link"));
  writeFileSync(join(source, "link"), "now a file");
  rmSync(join(source, "empty"));
  symlinkSync("hello.txt", join(source, "empty"));
  utimesSync(join(source, "added-0"), 1, 1);
}

async function assertSame(...args: string[]): Promise<Answer> {
  const [theirs, ours] = await both.run(["diff", ...args]);
  assert.equal(theirs.code, 0, theirs.stderr);
  assert.equal(ours.code, 0, ours.stderr);
  if (args.includes("--json")) {
    assert.deepEqual(ours.messages, theirs.messages);
    const keys = ({ messages }: Answer): unknown => messages.map((message) => Object.keys(message));
    assert.deepEqual(keys(ours), keys(theirs));
  } else assert.equal(ours.stdout, theirs.stdout);
  return ours;
}

describe("diff", () => {
  it("says what changed, forwards and backwards, with and without metadata, as text and as JSON", async () => {
    const [first = "", , , last = ""] = ids;
    for (const flags of [[], ["--json"], ["--metadata"]]) {
      const { stdout } = await assertSame(first, last, ...flags);
      assert.match(stdout, /new\/below/);
    }
    await assertSame(last, first, "--metadata", "--json");
    await assertSame(first, first, "--json");
  });

  it("takes folders of snapshots and short ids, which come back as they were given", async () => {
    const [first = "", second = "", , last = ""] = ids;
    await assertSame(`${first.slice(0, 8)}:${both.source}/sub`, `${last}:${both.source}/sub`, "--json");
    await assertSame(`${second}:${both.source}/sub/`, `${last}:${both.source}/new`);
  });

  it("quiet: the sums alone", async () => {
    const [first = "", , , last = ""] = ids;
    await assertSame(first, last, "--quiet", "--json");
  });

  it("refuses one snapshot, unknown ones, and folders that are not there", async () => {
    const [first = ""] = ids;
    for (const words of [[first], [first, "ffff"], [first, `${first}:/none`]]) {
      const [theirs, ours] = await both.run(["diff", ...words]);
      assert.equal(theirs.code, 1);
      assert.equal(ours.code, 1, ours.stderr);
    }
  });

  it("takes `latest`, too", async () => {
    const [, ours] = await both.run(["diff", "latest", ids[0] ?? "", "--json"]);
    assert.equal(ours.code, 0);
    assert.equal(ours.messages.at(-1)?.source_snapshot, "latest");
  });
});
