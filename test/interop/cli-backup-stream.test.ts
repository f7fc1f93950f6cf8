// backup --stdin and --stdin-from-command beside restic's: the same tree to the byte, the same messages, the same exit
// codes, and what a command that fails leaves behind.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, type BothOptions, BothPrograms } from "../support/both-programs.ts";
import { seededBytes } from "../support/memory-repository.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

type Json = Readonly<Record<string, unknown>>;

let both: BothPrograms;

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-stream"));
});
after(() => removeDirectory(both.folder));

const time = ["--time", "2026-02-01 10:00:00"];

async function answers(args: readonly string[], code: number, options: BothOptions = {}): Promise<[Answer, Answer]> {
  const [theirs, ours] = await both.run(["backup", ...args, "--json"], { keep: true, ...options });
  assert.equal(theirs.code, code, `restic: ${theirs.stderr}`);
  assert.equal(ours.code, code, `ours: ${ours.stderr}`);
  return [theirs, ours];
}

/** The newest snapshot as it is stored, but for who wrote it, when, and what it weighs. */
async function newestSnapshot({ repository }: Answer): Promise<Json> {
  const { messages } = await resticMust(["snapshots", "latest", "--json"], { repository });
  const { tree, paths, hostname, username, parent } = messages.at(-1) as Json;
  return { tree, paths, hostname, username, parent };
}

const snapshotCount = ({ repository }: Answer): number => readdirSync(join(repository, "snapshots")).length;

/** Keys and values of a message, but for what the clock, chance or compression decides. */
function steady(message: Json | undefined): Json {
  const loose = /duration|^backup_|snapshot_id|^data_added|metadata_size/;
  return Object.fromEntries(
    Object.entries(message ?? {}).map(([key, value]) => [key, loose.test(key) ? typeof value : value]),
  );
}

/** Without `report`, which is ours. */
function summaryOf({ messages }: Answer): Json {
  const { report: _, ...restics } = steady(messages.find((one) => one.message_type === "summary"));
  return restics;
}

const errorsOf = ({ stderr }: Answer): Json[] =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Json);

/** Types of the messages on standard error with their keys; the words are each program's own. */
const errorShapes = (answer: Answer): unknown[] =>
  errorsOf(answer)
    .filter(({ item, message_type }) => item !== undefined || message_type === "exit_error")
    .map(({ message, error, ...rest }) => ({ ...rest, message: typeof message, error: typeof error }));

describe("backup of a stream", () => {
  it("stores standard input as the same tree, excluded or not", async () => {
    const args = ["--stdin", "--stdin-filename", "/a/./b.sql", ...time, "--exclude", "*", "--exclude-larger-than", "1"];
    const [theirs, ours] = await answers(args, 0, { input: "hello" });
    assert.deepEqual(summaryOf(ours), summaryOf(theirs));
    assert.deepEqual(await newestSnapshot(ours), await newestSnapshot(theirs));
  });

  it("tells each item as restic does", async () => {
    const [theirs, ours] = await answers(["--stdin", "--stdin-filename", "d/f", "-vv"], 0, { input: "hello" });
    const items = ({ messages }: Answer): Json[] =>
      messages
        .filter(({ message_type }) => message_type === "verbose_status")
        .map(({ size: _, ...message }) => steady(message))
        .sort((a, b) => (`${a.action}${a.item}` < `${b.action}${b.item}` ? -1 : 1));
    assert.deepEqual(items(ours), items(theirs));
  });

  it("cuts a long stream so that restic gives it back and finds nothing wrong", async () => {
    const data = seededBytes("long", 20 * 1024 * 1024).toString("latin1");
    const [, ours] = await answers(["--stdin"], 0, { input: data });
    const dumped = await resticMust(["dump", "latest", "/stdin"], { repository: ours.repository });
    assert.ok(dumped.stdout === Buffer.from(data).toString());
    await resticMust(["check", "--read-data"], { repository: ours.repository });
  });

  it("stores what a command prints, compares with the parent, and makes no snapshot of what has not changed", async () => {
    const words = ["--stdin-from-command", ...time, "--", "sh", "-c", "printf out"];
    const first = await answers(words, 0);
    assert.deepEqual(summaryOf(first[1]), summaryOf(first[0]));
    const again = await answers(["--skip-if-unchanged", ...words], 0, { on: first });
    assert.deepEqual(summaryOf(again[1]), summaryOf(again[0]));
    assert.equal(snapshotCount(again[1]), 4);
    assert.equal(snapshotCount(again[0]), 4);
  });

  it("leaves no snapshot when the command fails, is killed or does not exist", async () => {
    for (const script of ["printf much; exit 3", "kill -9 $$"]) {
      const [theirs, ours] = await answers(["--stdin-from-command", "--", "sh", "-c", script], 1);
      assert.deepEqual(errorShapes(ours), errorShapes(theirs));
      assert.deepEqual([snapshotCount(ours), snapshotCount(theirs)], [3, 3]);
    }
    for (const words of [["--", "/no/such/program"]]) await answers(["--stdin-from-command", ...words], 1);
  });

  it("makes an empty snapshot and ends with 3 when there is nothing to read", async () => {
    const [theirs, ours] = await answers(["--stdin"], 3, { input: "" });
    assert.deepEqual(errorShapes(ours), errorShapes(theirs));
    assert.deepEqual(summaryOf(ours), summaryOf(theirs));
    assert.deepEqual([snapshotCount(ours), snapshotCount(theirs)], [4, 4]);
  });

  it("stores nothing in a dry run, and refuses what makes no sense", async () => {
    const [theirs, ours] = await answers(["--stdin", "--dry-run"], 0, { input: "hello" });
    const withoutId = ({ snapshot_id: _, ...rest }: Json): Json => rest;
    assert.deepEqual(withoutId(summaryOf(ours)), withoutId(summaryOf(theirs)));
    assert.equal(snapshotCount(ours), 3);
    for (const args of [["/etc"], ["--stdin-filename", ".."]]) await answers(["--stdin", ...args], 1, { input: "x" });
    await answers(["--stdin"], 1, { input: "x", password: "" });
  });
});
