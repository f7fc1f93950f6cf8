import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import type { InterruptionReason } from "../../../../../src/cli/interruption.ts";
import { Output } from "../../../../../src/cli/output/output.ts";
import { reportFailure } from "../../../../../src/cli/repo/report-failure.ts";
import { UsageError } from "../../../../../src/cli/usage-error.ts";

function report(error: unknown, interruption?: InterruptionReason, verb = "backup"): { code: number; text: string } {
  let text = "";
  const write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  const output = new Output({ stdout: { write }, stderr: { write } });
  return { code: reportFailure(error, { output, interruption, verb }), text };
}

describe("reportFailure", () => {
  it("maps the engine's errors to restic's exit codes and tells the next step", () => {
    for (const [code, expected] of [
      ["repository-missing", 10],
      ["lock-held", 11],
      ["wrong-password", 12],
      ["cancelled", 130],
      ["blob-damaged", 1],
    ] as const)
      assert.equal(report(new RepositoryError(code, "x")).code, expected);
    assert.match(report(new RepositoryError("lock-held", "it is locked")).text, /^Fatal: it is locked\n {2}next: wait/);
  });

  it("says what an interruption left behind, whatever error it caused", () => {
    const signal = { kind: "signal", name: "SIGINT" } as const;
    for (const [verb, expected] of [
      ["backup", /no snapshot was made.*run the same command again/],
      ["restore", /the target is incomplete/],
      ["prune", /nothing that a snapshot needs was removed/],
      ["check", /nothing was changed/],
      ["tag", /run the same command again/],
    ] as const) {
      const { code, text } = report(new Error("some stream was destroyed"), signal, verb);
      assert.equal(code, 130);
      assert.match(text, expected);
    }
  });

  it("is quiet about a reader that went away, and loud about a full disk", () => {
    const broken = { kind: "output", error: Object.assign(new Error("EPIPE"), { code: "EPIPE" }) } as const;
    assert.deepEqual(report(new RepositoryError("cancelled", "x"), broken), { code: 141, text: "" });
    const full = { kind: "output", error: Object.assign(new Error("no space left"), { code: "ENOSPC" }) } as const;
    assert.deepEqual(report(undefined, full), {
      code: 1,
      text: "Fatal: cannot write to standard output: no space left\n",
    });
  });

  it("takes a wrong command line and what the system said for failures, all else for a bug, in one line each", () => {
    assert.deepEqual(report(new UsageError("give a path")), { code: 1, text: "Fatal: give a path\n" });
    const denied = Object.assign(new Error("EACCES: permission denied, open 'x'"), { syscall: "open" });
    assert.deepEqual(report(denied), { code: 1, text: "Fatal: EACCES: permission denied, open 'x'\n" });
    const { code, text } = report(new TypeError("x is not a function"));
    assert.equal(code, 2);
    assert.match(text, /^Fatal: a bug in stowage: TypeError: x is not a function\n {2}next: /);
    assert.equal(report(undefined, { kind: "crash", error: "odd" }).code, 2);
  });
});
