import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Output, type TextSink } from "../../../../../src/cli/output/output.ts";

class Recorder implements TextSink {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 40;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string | Uint8Array, done?: (error?: Error | null) => void): boolean {
    this.text += Buffer.from(text as string).toString();
    done?.();
    return true;
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

  it("flushes", async () => {
    await make().output.flush();
  });
});
