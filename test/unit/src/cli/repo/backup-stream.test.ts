import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import { refuseSharedInput, type StreamFlags, sourceStream } from "../../../../../src/cli/repo/backup-stream.ts";

const never = new AbortController().signal;

function streamOf(flags: StreamFlags, words: readonly string[] = [], complaints: string[] = []) {
  const onComplaint = (line: string): void => void complaints.push(line);
  return sourceStream(flags, { words, stdin: Readable.from([Buffer.from("typed")]), onComplaint });
}

async function textOf(flags: StreamFlags, words: readonly string[] = [], complaints: string[] = []): Promise<string> {
  const stream = streamOf(flags, words, complaints);
  assert.ok(stream !== undefined);
  return Buffer.concat(await Array.fromAsync(stream.open(never))).toString();
}

describe("sourceStream", () => {
  it("is nothing without its flags, and names the file from the root on", () => {
    assert.equal(streamOf({ stdinFilename: "x" }, ["/etc"]), undefined);
    assert.equal(streamOf({ stdin: true })?.path, "/stdin");
    assert.equal(streamOf({ stdin: true, stdinFilename: "a/../b/c.sql" })?.path, "/b/c.sql");
  });

  it("refuses names that are none, paths, lists, and no command", () => {
    for (const stdinFilename of ["", "..", "a/", "/"])
      assert.throws(() => streamOf({ stdin: true, stdinFilename }), /no name of a file/);
    assert.throws(() => streamOf({ stdin: true }, ["/etc"]), /excludes files and directories/);
    assert.throws(() => streamOf({ stdin: true, filesFromRaw: ["x"] }), /--stdin and --files-from-raw/);
    assert.throws(() => streamOf({ stdinFromCommand: true }), /no command is named/);
  });

  it("reads standard input, or what a command prints, and passes its complaints on", async () => {
    assert.equal(await textOf({ stdin: true }), "typed");
    const complaints: string[] = [];
    const script = "printf one; echo oh >&2; printf two";
    assert.equal(await textOf({ stdinFromCommand: true }, ["sh", "-c", script], complaints), "onetwo");
    assert.deepEqual(complaints, ["sh: oh"]);
  });

  it("fails with a command that fails, is killed or does not exist, however much it has printed", async () => {
    for (const [script, words] of [
      ["printf much; exit 3", /the command sh failed: exit status 3/],
      ["printf much; kill -9 $$", /signal SIGKILL/],
    ] as const) {
      const failure = textOf({ stdinFromCommand: true }, ["sh", "-c", script]);
      await assert.rejects(failure, (error: unknown) => {
        assert.match((error as Error).message, words);
        return RepositoryError.is(error, "source-failed");
      });
    }
    await assert.rejects(textOf({ stdinFromCommand: true }, ["/no/such/program"]), /cannot be run/);
  });

  it("ends with the signal, also while a child of the command holds on to its output", {
    timeout: 10_000,
  }, async () => {
    const controller = new AbortController();
    const typed = sourceStream({ stdin: true }, { words: [], stdin: new PassThrough(), onComplaint: () => {} });
    const command = streamOf({ stdinFromCommand: true }, ["sh", "-c", "echo x; sleep 20 & wait"]);
    const printed = command?.open(controller.signal)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    assert.equal(Buffer.from((await printed.next()).value).toString(), "x\n");
    const reading = [printed.next(), typed?.open(controller.signal)[Symbol.asyncIterator]().next() as Promise<unknown>];
    controller.abort();
    for (const one of reading) await assert.rejects(one);
  });
});

describe("refuseSharedInput", () => {
  const none = { file: undefined, command: undefined, value: undefined, allowEmpty: false };

  it("keeps standard input for one thing", () => {
    for (const flags of [{ stdin: true }, { filesFrom: ["-"] }, { filesFromRaw: ["a", "-"] }]) {
      assert.throws(() => refuseSharedInput(flags, none), /both the password and what to store/);
      refuseSharedInput(flags, { ...none, value: "secret" });
      refuseSharedInput(flags, { ...none, allowEmpty: true });
    }
    refuseSharedInput({ filesFrom: ["list"], stdinFromCommand: true }, none);
  });
});
