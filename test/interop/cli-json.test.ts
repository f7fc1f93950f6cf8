// Scripts that read restic's exit codes and JSON must be able to read ours: the same command lines through both programs.
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

type Json = Readonly<Record<string, unknown>>;

let both: BothPrograms;

before(async () => {
  both = await BothPrograms.create(makeTemporaryDirectory("cli-json"));
});
after(() => removeDirectory(both.folder));

/** What the clock or chance decides. */
const volatile = new Set([
  ...[
    "backup_start",
    "backup_end",
    "total_duration",
    "duration",
    "seconds_elapsed",
    "created",
    "time",
    "program_version",
  ],
  ...["snapshot_id", "old_snapshot_id", "new_snapshot_id", "go_version", "version"],
]);

function withoutVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVolatile);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, volatile.has(key) ? typeof inner : withoutVolatile(inner)]),
  );
}

function assertSameCode([theirs, ours]: readonly [Answer, Answer], code: number): void {
  assert.equal(theirs.code, code, `restic: ${theirs.stderr}`);
  assert.equal(ours.code, code, `ours: ${ours.stderr}`);
}

const ofType = ({ messages }: Answer, type: string): Json[] => messages.filter((one) => one.message_type === type);

/** restic's answer and ours are the same JSON, but for what the clock decides. */
async function assertSameJson(...args: string[]): Promise<void> {
  const [theirs, ours] = await both.run([...args, "--json"]);
  assertSameCode([theirs, ours], 0);
  assert.ok(theirs.messages.length > 0, "restic says something");
  assert.deepEqual(withoutVolatile(ours.messages), withoutVolatile(theirs.messages));
}

function lastError({ stderr }: Answer): Json {
  return JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as Json;
}

describe("what only looks", () => {
  it("snapshots: all, the newest, in groups, chosen by host, tags and path", async () => {
    await assertSameJson("snapshots");
    await assertSameJson("snapshots", "--latest", "1");
    await assertSameJson("snapshots", "--last");
    await assertSameJson("snapshots", "--latest", "0");
    await assertSameJson("snapshots", "--group-by", "host,paths", "--latest", "1", "--host", "one");
    await assertSameJson("snapshots", "latest", "--host", "one");
    await assertSameJson("snapshots", "--tag", "all,t0", "--tag", "t2");
    await assertSameJson("snapshots", "--path", both.source, "--host", "two");
  });

  it("snapshots: groups by tags come with restic's keys", async () => {
    const [theirs, ours] = await both.run(["snapshots", "--group-by", "tags", "--json"]);
    const inOrder = ({ messages }: Answer): string[] => messages.map((group) => JSON.stringify(group)).sort();
    assert.deepEqual(inOrder(ours), inOrder(theirs));
  });

  it("snapshots: an id that does not exist is passed over, as restic does", async () => {
    const answers = await both.run(["snapshots", "ffffffff", "--json"]);
    assertSameCode(answers, 0);
    assert.equal(answers[1].stdout, "[]\n");
    assert.match(answers[1].stderr, /ffffffff/);
  });

  it("ls: everything, some directories, below them, a folder of a snapshot, in another order", async () => {
    await assertSameJson("ls", "latest");
    await assertSameJson("ls", "latest", both.source);
    await assertSameJson("ls", "latest", `${both.source}/sub`, "--recursive");
    await assertSameJson("ls", `latest:${both.source}/sub`);
    for (const order of ["size", "mtime", "ctime", "extension"]) await assertSameJson("ls", "latest", "--sort", order);
    await assertSameJson("ls", "latest", "--reverse");
  });

  it("ls: a folder that is none, and a directory that is not named from the root, give nothing and 1", async () => {
    for (const words of [["latest:/nope"], [`latest:${both.source}/hello.txt`], ["latest", "relative"]]) {
      const answers = await both.run(["ls", ...words, "--json"]);
      assertSameCode(answers, 1);
      assert.deepEqual([answers[1].stdout, lastError(answers[1]).message_type], [answers[0].stdout, "exit_error"]);
    }
  });

  it("ls: ncdu's format, and the long one line by line", async () => {
    const [theirNcdu, ourNcdu] = await both.run(["ls", "latest", "--ncdu"]);
    const withoutId = (text: string): unknown => (JSON.parse(text) as unknown[]).slice(3);
    assert.deepEqual(withoutId(ourNcdu.stdout), withoutId(theirNcdu.stdout));
    const [theirLong, ourLong] = await both.run(["ls", "latest", "--long", "--quiet"]);
    const squeezed = ({ stdout }: Answer): string => stdout.replace(/ +/g, " ");
    assert.equal(squeezed(ourLong), squeezed(theirLong));
  });

  it("stats in every mode, of all snapshots and of one", async () => {
    for (const mode of ["restore-size", "files-by-contents", "blobs-per-file", "raw-data"]) {
      await assertSameJson("stats", "--mode", mode);
      await assertSameJson("stats", "--mode", mode, "latest");
    }
  });

  it("cat of small files, list of everything, keys", async () => {
    const [{ stdout: ids }] = await both.run(["list", "snapshots"]);
    for (const words of [["config"], ["snapshot", ids.slice(0, 64)], ["masterkey"]]) {
      const [theirs, ours] = await both.run(["cat", ...words]);
      assert.equal(ours.stdout, theirs.stdout);
    }
    for (const kind of ["blobs", "packs", "index", "snapshots", "keys", "locks"]) {
      const [theirs, ours] = await both.run(["list", kind]);
      const lines = ({ stdout }: Answer): string[] => stdout.split("\n").sort();
      assert.deepEqual(lines(ours), lines(theirs), kind);
    }
    await assertSameJson("key", "list");
  });

  it("dump: the bytes of a file, from the root or from a folder", async () => {
    for (const words of [
      ["latest", `${both.source}/sub/b.log`],
      [`latest:${both.source}/sub`, "b.log"],
      [`latest:${both.source}`, "/sub/b.log"],
    ]) {
      const answers = await both.run(["dump", ...words]);
      assertSameCode(answers, 0);
      assert.deepEqual([answers[0].stdout, answers[1].stdout], ["x".repeat(5000), "x".repeat(5000)]);
    }
    assertSameCode(await both.run(["dump", `latest:${both.source}/none`, "b.log"]), 1);
  });

  it("version: restic's keys", async () => {
    const [theirs, ours] = await both.run(["version", "--json"]);
    const keys = Object.keys(theirs.messages[0] ?? {});
    assert.deepEqual(
      keys.filter((key) => !(key in (ours.messages[0] ?? {}))),
      [],
    );
    assert.equal(ours.messages[0]?.go_os, theirs.messages[0]?.go_os);
    assert.equal(ours.messages[0]?.go_arch, theirs.messages[0]?.go_arch);
  });
});

describe("backup", () => {
  it("counts what restic counts, and names its numbers alike", async () => {
    const args = ["backup", both.source, "--host", "one", "--exclude", "link", "--json"];
    const answers = await both.run(args, { keep: true });
    assertSameCode(answers, 0);
    const [theirs, { report, ...ours }] = answers.map((answer) => ofType(answer, "summary")[0] as Json) as [Json, Json];
    const { bytes_new: bytesNew, bytes_stored: bytesStored } = report as Json;
    assert.deepEqual([bytesNew, bytesStored], [ours.data_added, ours.data_added_packed], "ours, besides restic's keys");
    // Compression differs by a few bytes, and so does what is stored.
    const numbers = (summary: Json): unknown => withoutVolatile({ ...summary, data_added: 0, data_added_packed: 0 });
    assert.deepEqual(numbers(ours), numbers(theirs));
  });

  it("reports each file and directory with -vv, and its progress, in restic's words", async () => {
    const answers = await both.run(["backup", both.source, "--host", "one", "--json", "-vv"], {
      keep: true,
      env: { RESTIC_PROGRESS_FPS: "60" },
    });
    const items = (answer: Answer): string[] =>
      ofType(answer, "verbose_status")
        .map(({ action, item, ...rest }) => `${action} ${item} ${Object.keys(rest).filter((key) => key !== "size")}`)
        .sort();
    assert.deepEqual(items(answers[1]), items(answers[0]));
    assert.ok(items(answers[1]).some((line) => line.startsWith("scan_finished")));
    const known = ["message_type", "seconds_elapsed", "seconds_remaining", "percent_done", "total_files", "files_done"];
    known.push("total_bytes", "bytes_done", "error_count", "current_files");
    const states = ofType(answers[1], "status");
    assert.ok(states.length > 0);
    for (const state of states)
      assert.deepEqual(
        Object.keys(state).filter((key) => !known.includes(key)),
        [],
      );
    for (const state of states) assert.equal(typeof state.percent_done, "number");
  });

  it("writes nothing with --dry-run, and no snapshot with --skip-if-unchanged when nothing changed", async () => {
    const dry = await both.run(["backup", both.source, "--dry-run", "--json"], { keep: true });
    assertSameCode(dry, 0);
    assert.equal(ofType(dry[1], "summary")[0]?.dry_run, true);
    for (const { repository } of dry) assert.equal(readdirSync(join(repository, "snapshots")).length, 3);
    // Relative, because the directories above the source change all the time.
    const place = { cwd: both.source };
    const first = await both.run(["backup", "."], { ...place, keep: true });
    const skipped = await both.run(["backup", ".", "--skip-if-unchanged", "--json"], { ...place, on: first });
    assertSameCode(skipped, 0);
    for (const answer of skipped) {
      assert.equal("snapshot_id" in (ofType(answer, "summary")[0] as Json), false);
      assert.equal(ofType(answer, "summary")[0]?.files_unmodified, 7);
      assert.equal(readdirSync(join(answer.repository, "snapshots")).length, 4);
    }
  });

  it("ends with 1 when nothing of the source exists, and with 3 when some of it does", async () => {
    const none = await both.run(["backup", "/no/such/place", "--json"]);
    assertSameCode(none, 1);
    const some = await both.run(["backup", "/no/such/place", both.source, "--json"]);
    assertSameCode(some, 3);
    for (const answer of some) {
      assert.equal(ofType(answer, "summary").length, 1);
      assert.deepEqual(Object.keys(lastError(answer)), ["message_type", "code", "message"]);
      assert.equal(lastError(answer).code, 3);
    }
  });

  it("ends with 3 when a file cannot be read, and names it in restic's error message", async () => {
    // Reading the memory of a process from address 0 fails for everybody.
    const answers = await both.run(["backup", "/proc/self/mem", both.source, "--json"]);
    assertSameCode(answers, 3);
    const [theirs, ours] = answers.map(({ stderr }) => JSON.parse(stderr.split("\n")[0] ?? "") as Json);
    assert.deepEqual(Object.keys(ours as Json), Object.keys(theirs as Json));
    assert.equal(ours?.item, theirs?.item);
    assert.equal(ours?.during, theirs?.during);
  });

  it("refuses nothing, nonsense and a parent that does not exist", async () => {
    for (const words of [[], ["--time", "yesterday", both.source], ["--parent", "ffff", both.source], ["--nonsense"]])
      assertSameCode(await both.run(["backup", ...words]), 1);
  });
});

describe("restore", () => {
  it("says the same and leaves the same files", async () => {
    const args = ["restore", `latest:${both.source}`, "--target", "@/target", "--json", "-vv"];
    const answers = await both.run(args, { keep: true });
    assertSameCode(answers, 0);
    const [theirs, ours] = answers;
    assert.deepEqual(withoutVolatile(ofType(ours, "summary")), withoutVolatile(ofType(theirs, "summary")));
    const items = (answer: Answer): string[] =>
      ofType(answer, "verbose_status")
        .map((item) => JSON.stringify(item))
        .sort();
    assert.deepEqual(items(ours), items(theirs));
    assert.deepEqual(compareTrees(join(theirs.folder, "target"), join(ours.folder, "target"), { root: false }), []);
  });

  it("counts what is skipped and deleted in a target that is in use", async () => {
    const args = ["restore", `latest:${both.source}`, "--target", "@/target"];
    const first = await both.run(args, { keep: true });
    for (const { folder } of first) {
      writeFileSync(join(folder, "target", "hello.txt"), "other");
      writeFileSync(join(folder, "target", "extra"), "not in the snapshot");
    }
    const again = await both.run([...args, "--delete", "--overwrite", "if-changed", "-vv", "--json"], { on: first });
    assertSameCode(again, 0);
    const deleted = ({ messages, folder }: Answer): Json[] =>
      messages
        .filter(({ action }) => action === "deleted")
        .map((one) => ({ ...one, item: String(one.item).replace(folder, "@") }));
    assert.deepEqual(deleted(again[1]), deleted(again[0]));
    assert.equal(deleted(again[1])[0]?.item, "@/target/extra");
    const [theirs, ours] = again.map((answer) => withoutVolatile(ofType(answer, "summary")));
    assert.deepEqual(ours, theirs);
    for (const { folder } of again) assert.equal(existsSync(join(folder, "target", "extra")), false);
  });

  it("takes include patterns that match nothing, refuses contradictions and unknown snapshots", async () => {
    const nothing = await both.run(["restore", "latest", "--target", "@/t", "--include", "zzz", "--json"], {
      keep: true,
    });
    assertSameCode(nothing, 0);
    assert.deepEqual(withoutVolatile(ofType(nothing[1], "summary")), withoutVolatile(ofType(nothing[0], "summary")));
    for (const words of [
      ["latest"],
      ["ffff", "--target", "@/t"],
      ["latest", "--target", "@/t", "--include", "a", "--exclude", "b"],
      ["latest", "--target", "@/t", "--dry-run", "--verify"],
      ["latest", "--target", "/", "--delete"],
      ["latest", "--target", "@/t", "--overwrite", "sometimes"],
    ])
      assertSameCode(await both.run(["restore", ...words]), 1);
  });
});

describe("forget, tag, prune", () => {
  const groupsOf = ({ messages }: Answer): unknown[] =>
    messages.filter((message) => "keep" in message).sort((a, b) => (String(a.host) < String(b.host) ? -1 : 1));

  it("forget: the same groups, decisions and reasons for every rule", async () => {
    for (const policy of [
      ["--keep-last", "1"],
      ["--keep-daily", "1", "--keep-weekly", "unlimited"],
      ["--keep-hourly", "3", "--keep-monthly", "1", "--keep-yearly", "1", "--group-by", "host"],
      ["--keep-within", "1d12h", "--group-by", ""],
      ["--keep-within-daily", "1m", "--keep-last", "1", "--host", "one"],
      ["--keep-tag", "all"],
      ["--host", "two", "--unsafe-allow-remove-all"],
    ]) {
      const answers = await both.run(["forget", ...policy, "--dry-run", "--json"]);
      assertSameCode(answers, 0);
      assert.deepEqual(groupsOf(answers[1]), groupsOf(answers[0]), policy.join(" "));
    }
  });

  it("forget: the same snapshots and blobs stay, with --prune too", async () => {
    const answers = await both.run(["forget", "--keep-last", "1", "--prune", "--max-unused", "0", "--json"], {
      keep: true,
    });
    assertSameCode(answers, 0);
    assert.equal(ofType(answers[1], "summary").length, 1);
    const kept: string[] = [];
    for (const { repository } of answers) {
      await resticMust(["check", "--read-data"], { repository });
      const { stdout: blobs } = await resticMust(["list", "blobs"], { repository });
      kept.push(blobs.split("\n").sort().join("\n") + readdirSync(join(repository, "snapshots")).sort().join("\n"));
    }
    assert.equal(kept[1], kept[0]);
  });

  it("forget: refusals and ids that do not exist", async () => {
    assertSameCode(await both.run(["forget", "--json"]), 1);
    assertSameCode(await both.run(["forget", "--keep-tag", "t2"]), 1);
    assertSameCode(await both.run(["forget", "--unsafe-allow-remove-all"]), 1);
    assertSameCode(await both.run(["forget", "--keep-within", "soon"]), 1);
    assertSameCode(await both.run(["forget", "ffff", "--json"]), 0);
    const one = await both.run(["forget", "latest", "--json"], { keep: true });
    assertSameCode(one, 0);
    for (const { repository, stdout } of one) {
      assert.equal(stdout, "");
      assert.equal(readdirSync(join(repository, "snapshots")).length, 2);
    }
  });

  it("tag: the same messages and the same tags afterwards", async () => {
    const words = [
      ["--add", "new,all"],
      ["--remove", "t0", "--host", "one"],
      ["--set", "only", "latest"],
      ["--add", "all"],
    ];
    for (const change of words) {
      const answers = await both.run(["tag", ...change, "--json"], { keep: true });
      assertSameCode(answers, 0);
      const count = (answer: Answer): unknown[] => answer.messages.map((message) => Object.keys(message));
      assert.deepEqual(count(answers[1]), count(answers[0]));
      assert.deepEqual(ofType(answers[1], "summary"), ofType(answers[0], "summary"));
      const tags: string[] = [];
      for (const { repository } of answers) {
        const { messages } = await resticMust(["snapshots", "--json"], { repository });
        tags.push(JSON.stringify(messages.map((snapshot) => snapshot.tags)));
      }
      assert.equal(tags[1], tags[0]);
    }
    assertSameCode(await both.run(["tag"]), 1);
    assertSameCode(await both.run(["tag", "--set", "a", "--add", "b"]), 1);
  });

  it("prune: restic's counters in one summary", async () => {
    const [, ours] = await both.run(["prune", "--json", "--dry-run"]);
    const [summary] = ofType(ours, "summary");
    assert.deepEqual(Object.keys(summary ?? {}), ["message_type", "blobs", "bytes", "packfiles"]);
    assertSameCode(await both.run(["prune", "--max-unused", "plenty"]), 1);
  });
});

describe("init, check, keys", () => {
  it("init: restic's message; a second time is refused", async () => {
    for (const version of ["1", "2"]) {
      const args = ["init", "--repo", "@/fresh", "--repository-version", version, "--json"];
      const answers = await both.run(args, { keep: true });
      assertSameCode(answers, 0);
      const [theirs, ours] = answers.map(({ messages }) => messages[0] as Json) as [Json, Json];
      assert.deepEqual(Object.keys(ours), Object.keys(theirs));
      assert.equal(ours.message_type, "initialized");
      assert.match(String(ours.id), /^[0-9a-f]{64}$/);
    }
    assertSameCode(await both.run(["init"]), 1);
    assertSameCode(await both.run(["init", "--repo", "@/fresh", "--repository-version", "3"]), 1);
  });

  it("check: a sound repository, parts of its data, and one that lacks a pack", async () => {
    await assertSameJson("check");
    await assertSameJson("check", "--read-data");
    await assertSameJson("check", "--read-data-subset", "1/2");
    assertSameCode(await both.run(["check", "--read-data-subset", "3/2"]), 1);
    const [theirs, ours] = await both.run(["check", "--json"], { password: "wrong" });
    assertSameCode([theirs, ours], 12);
    assert.deepEqual(ours.messages, theirs.messages, "the summary has one error");
    const damaged = await both.run(["snapshots"], { keep: true });
    for (const { repository } of damaged) {
      const names = readdirSync(join(repository, "data"), { recursive: true, encoding: "utf8" });
      const packs = names.filter((name) => /[0-9a-f]{64}$/.test(name)).sort();
      rmSync(join(repository, "data", packs[0] ?? ""));
    }
    const answers = await both.run(["check", "--json"], { on: damaged });
    assertSameCode(answers, 1);
    for (const answer of answers) {
      const [summary] = ofType(answer, "summary");
      assert.deepEqual(Object.keys(summary ?? {}), [
        ...["message_type", "num_errors", "broken_packs", "suggest_repair_index", "suggest_prune"],
      ]);
      assert.ok(Number(summary?.num_errors) > 0);
      assert.equal(lastError(answer).message_type, "exit_error");
    }
  });

  it("key add, passwd and remove: what restic and ours add opens for both", async () => {
    const secret = join(both.folder, "second-password");
    writeFileSync(secret, "second\n");
    const added = await both.run(["key", "add", "--new-password-file", secret, "--user", "u", "--host", "h"], {
      keep: true,
    });
    assertSameCode(added, 0);
    const [theirs, ours] = added;
    // Each program opens what the other one has added.
    const listed = await both.run(["key", "list", "--json"], { on: [ours, theirs], password: "second" });
    assertSameCode(listed, 0);
    for (const [index, { stdout }] of [ours, theirs].entries()) {
      assert.match(stdout, /^saved new key with ID [0-9a-f]{64}\n$/);
      const used = listed[index]?.messages.find((key) => key.current);
      assert.equal(used?.id, /[0-9a-f]{64}/.exec(stdout)?.[0]);
      assert.deepEqual([used?.userName, used?.hostName], ["u", "h"]);
    }
    const removed = await both.run(["key", "remove", "ffff"]);
    assertSameCode(removed, 1);
    const owner = ["--user", "u2", "--host", "h2"];
    const changed = await both.run(["key", "passwd", "--new-password-file", secret, ...owner], { keep: true });
    assertSameCode(changed, 0);
    for (const { repository } of changed) assert.equal(readdirSync(join(repository, "keys")).length, 1);
    assertSameCode(await both.run(["snapshots"], { on: changed }), 12);
    const swapped = [changed[1], changed[0]] as const;
    const own = await both.run(["key", "list", "--json"], { on: swapped, password: "second" });
    assertSameCode(own, 0);
    for (const { messages } of own) assert.deepEqual([messages[0]?.userName, messages[0]?.hostName], ["u2", "h2"]);
  });
});
