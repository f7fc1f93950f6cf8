import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type InProcessResult, runInProcess } from "../../../../support/in-process-cli.ts";

const run = (words: readonly string[], env: Record<string, string> = {}): Promise<InProcessResult> =>
  runInProcess(words, env);

const verbs = ["init", "backup", "restore", "snapshots", "ls", "dump", "stats", "check", "forget", "prune"];
verbs.push("tag", "key", "unlock", "cat", "list");

describe("runRepo", () => {
  it("answers with the help when no verb is given", async () => {
    const { code, stdout, stderr } = await run([]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const verb of verbs) assert.match(stdout, new RegExp(`^ {2}${verb}\\b`, "m"));
    assert.match(stdout, /--retry-lock/);
    assert.match(stdout, /Exit codes: 0 done/);
  });

  it("explains each verb with a paragraph and examples, without the options that all of them take", async () => {
    for (const verb of verbs) {
      const { code, stdout } = await run([verb, "--help"]);
      assert.equal(code, 0);
      assert.match(stdout, /\n\n[A-Z](?:.|\n){80,}?\.\n/, verb);
      assert.ok((stdout.match(new RegExp(`^ {2}.*stowage repo ${verb}`, "gm")) ?? []).length >= 2 || verb === "unlock");
      assert.doesNotMatch(stdout, /^ {2}--password-command/m);
      assert.match(stdout, /Options of every command .*: stowage repo --help/);
    }
  });

  it("explains a verb by `help` before it, too", async () => {
    const { code, stdout } = await run(["help", "backup"]);
    assert.equal(code, 0);
    assert.equal(stdout, (await run(["backup", "--help"])).stdout);
    assert.match((await run(["help"])).stdout, /A first backup and a restore/);
  });

  it("explains the words below key", async () => {
    for (const word of ["list", "add", "remove", "passwd"])
      assert.match((await run(["key", word, "--help"])).stdout, new RegExp(`Usage: stowage repo key ${word}`));
    assert.match((await run(["key"])).stdout, /passwd/);
  });

  it("names an unknown verb or flag with a suggestion and where to read more", async () => {
    const verb = await run(["snapshot"]);
    assert.equal(verb.code, 1);
    assert.match(verb.stderr, /unknown command 'snapshot'\n\(Did you mean snapshots\?\)\n {2}see: stowage repo --help/);
    const flag = await run(["backup", "--excldue", "x", "/etc"]);
    assert.match(flag.stderr, /'--excldue'\n\(Did you mean --exclude\?\)\n {2}see: stowage repo backup --help/);
    assert.match((await run(["ls", "latest", "--pasword-file", "x"])).stderr, /Did you mean --password-file\?/);
    assert.match((await run(["restore"])).stderr, /missing required argument 'snapshot/);
  });

  it("says who can do what it cannot", async () => {
    assert.match(
      (await run(["mount", "/mnt"])).stderr,
      /next: stock restic does it on the same repository: restic mount/,
    );
    assert.match(
      (await run(["snapshots", "--limit-upload", "fast"])).stderr,
      /--limit-upload fast: give a whole number/,
    );
  });

  it("answers a wrong command line in JSON when JSON is asked for", async () => {
    const { stderr, code } = await run(["snapshots", "--nonsense", "--json"]);
    const message = JSON.parse(stderr) as Record<string, unknown>;
    assert.deepEqual([message.message_type, message.code, code], ["exit_error", 1, 1]);
  });

  it("ends with restic's code for a repository that does not exist, and says which variables would name one", async () => {
    assert.equal((await run(["snapshots", "-r", "/no/such/place"], { RESTIC_PASSWORD: "x" })).code, 10);
    const { code, stderr } = await run(["snapshots"]);
    assert.equal(code, 1);
    assert.match(stderr, /give --repo, or set RESTIC_REPOSITORY/);
  });

  it("finds contradictions before it does anything", async () => {
    for (const [words, expected] of [
      [["snapshots", "-q", "-v"], /--quiet and --verbose/],
      [["snapshots", "-r", "a", "--repository-file", "b"], /--repo and --repository-file/],
      [["snapshots", "--retry-lock", "soon"], /--retry-lock: "soon" is not a duration/],
      [["restore", "latest"], /--target DIRECTORY/],
      [["restore", "latest", "--target", "t", "--overwrite", "no"], /always, if-changed, if-newer or never/],
      [["forget", "--keep-last", "few"], /--keep-last few: give a whole number/],
      [["check", "--read-data", "--read-data-subset", "1/2"], /exclude each other/],
      [["ls", "latest", "--sort", "colour"], /--sort colour: choose/],
      [["stats", "--mode", "x"], /--mode x: choose/],
      [["cat", "everything"], /cat everything: choose/],
      [["cat", "snapshot"], /which one\?/],
      [["list", "things"], /list things: choose/],
      [["tag"], /--set, --add or --remove/],
      [["init", "--repository-version", "3"], /choose 1, 2, stable or latest/],
    ] as const) {
      const { code, stderr } = await run(words);
      assert.match(stderr, expected, words.join(" "));
      assert.equal(code, 1);
    }
  });
});
