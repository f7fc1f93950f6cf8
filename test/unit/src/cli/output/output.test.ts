import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Output, type TextSink } from "../../../../../src/cli/output/output.ts";

class Recorder implements TextSink {
  text = "";
  hasRoom = true;
  readonly listeners: Record<string, (error: Error) => void> = {};
  readonly isTTY: boolean;
  readonly columns = 40;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string | Uint8Array, done?: (error?: Error | null) => void): boolean {
    this.text += Buffer.from(text as string).toString();
    done?.();
    return this.hasRoom;
  }

  on(event: string, listener: (error: Error) => void): void {
    this.listeners[event] = listener;
  }
}

function make(
  choices = { json: false, quiet: false, verbosity: 0 },
  isTTY = false,
): { output: Output; stdout: Recorder; stderr: Recorder } {
  const stdout = new Recorder(isTTY);
  const stderr = new Recorder();
  const output = new Output({ stdout, stderr });
  output.configure(choices);
  return { output, stdout, stderr };
}

describe("Output", () => {
  it("prints lines for people, and drops them with --json and --quiet", () => {
    for (const [json, quiet, expected] of [
      [false, false, "hello\n"],
      [true, false, ""],
      [false, true, ""],
    ] as const) {
      const { output, stdout } = make({ json, quiet, verbosity: 0 });
      output.print("hello");
      assert.equal(stdout.text, expected);
    }
  });

  it("puts results on stdout whatever the verbosity", () => {
    const { output, stdout } = make({ json: false, quiet: true, verbosity: 0 });
    output.result("answer\n");
    assert.equal(stdout.text, "answer\n");
  });

  it("writes warnings and the last word to stderr, as restic's messages with --json", () => {
    const { output, stdout, stderr } = make({ json: true, quiet: false, verbosity: 0 });
    output.warn("odd");
    output.fatal("broken", 10);
    assert.equal(stdout.text, "");
    assert.deepEqual(
      stderr.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
      [
        { message_type: "error", error: { message: "odd" } },
        { message_type: "exit_error", code: 10, message: "broken" },
      ],
    );
  });

  it("draws live lines on a terminal only, cut to its width, and removes them before anything else", () => {
    const { output, stdout } = make(undefined, true);
    output.status(["x".repeat(100)]);
    output.print("done");
    assert.equal(stdout.text, `${"x".repeat(38)}…\n\x1b[1A\x1b[Jdone\n`);
    const plain = make();
    plain.output.status(["never"]);
    assert.equal(plain.stdout.text, "");
  });

  it("keeps escape sequences of names out of the live lines", () => {
    const { output, stdout } = make(undefined, true);
    output.status(["a\x1b[2Jb"]);
    assert.equal(stdout.text, "a\\x1b[2Jb\n");
  });

  it("drops what comes after the reader has gone, and tells its owner once", () => {
    const { output, stdout } = make();
    const told: Error[] = [];
    output.onClosed = (error) => told.push(error);
    output.result("one\n");
    const broken = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    stdout.listeners.error?.(broken);
    stdout.listeners.error?.(broken);
    output.result("two\n");
    output.message({ three: 3 });
    assert.equal(stdout.text, "one\n");
    assert.deepEqual(told, [broken]);
    assert.equal(output.stdoutError, broken);
  });

  it("lets long answers wait for room, and for a reader that goes away no longer", async () => {
    for (const end of ["drain", "error"]) {
      const { output, stdout } = make();
      await output.ready();
      stdout.hasRoom = false;
      output.result("much\n");
      let isReady = false;
      const waiting = output.ready().then(() => {
        isReady = true;
      });
      await Promise.resolve();
      assert.equal(isReady, false);
      stdout.listeners[end]?.(new Error("write EPIPE"));
      await waiting;
      assert.equal(isReady, true);
    }
  });

  it("flushes", async () => {
    await make().output.flush();
  });
});
