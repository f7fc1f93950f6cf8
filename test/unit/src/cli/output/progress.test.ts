import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Output } from "../../../../../src/cli/output/output.ts";
import {
  ProgressReporter,
  type ProgressState,
  progressLines,
  StepReporter,
  secondsRemaining,
  shareDone,
} from "../../../../../src/cli/output/progress.ts";

const state: ProgressState = {
  secondsElapsed: 10,
  bytesDone: 1024 ** 2,
  totalBytes: 4 * 1024 ** 2,
  filesDone: 1,
  totalFiles: 4,
  isTotalKnown: true,
  errorCount: 0,
  currentFiles: ["/a", "/b", "/c"],
};

describe("shareDone and secondsRemaining", () => {
  it("say nothing while the total is unknown", () => {
    assert.equal(shareDone({ bytesDone: 5, totalBytes: 0 }), 0);
    assert.equal(secondsRemaining({ ...state, totalBytes: 0 }, 5), undefined);
    assert.equal(secondsRemaining(state, 0), undefined);
  });

  it("extrapolate the rate and never pass the end", () => {
    assert.equal(secondsRemaining(state, state.bytesDone / 10), 30);
    assert.equal(shareDone({ bytesDone: 9, totalBytes: 3 }), 1);
  });
});

describe("progressLines", () => {
  it("show percent, counts, rate, remaining time and at most two files", () => {
    assert.deepEqual(progressLines(state, state.bytesDone / 10), [
      "[0:10]  25.00%  1 / 4 files  1.000 MiB / 4.000 MiB  102.400 KiB/s  ETA 0:30",
      "/a",
      "/b",
    ]);
  });

  it("show neither percent nor remaining time while the totals still grow", () => {
    assert.equal(
      progressLines({ ...state, isTotalKnown: false, errorCount: 1 }, 0)[0],
      "[0:10]  1 / 4+ files  1.000 MiB / 4.000 MiB+  1 error",
    );
  });
});

describe("ProgressReporter", () => {
  function report(json: boolean, framesPerSecond: number | undefined, times: readonly number[]): string {
    let text = "";
    const write = (chunk: string | Uint8Array): boolean => {
      text += String(chunk);
      return true;
    };
    const sink = { write };
    const output = new Output({ stdout: sink, stderr: sink });
    output.configure({ json, quiet: false, verbosity: 0 });
    let now = 0;
    const reporter = new ProgressReporter({
      output,
      framesPerSecond,
      clock: () => now,
      toMessage: ({ bytesDone }) => ({ bytes_done: bytesDone }),
    });
    for (now of times) reporter.update(state);
    return text;
  }

  it("sends at most ten JSON messages a second", () => {
    const lines = report(true, undefined, [1000, 1050, 1099, 1100, 1150, 1200]).trim().split("\n");
    assert.deepEqual(
      lines,
      Array.from({ length: 3 }, () => '{"message_type":"status","bytes_done":1048576}'),
    );
  });

  it("is silent on a pipe without --json, unless a rate is asked for", () => {
    assert.equal(report(false, undefined, [1000, 2000]), "");
    assert.equal(report(false, 1, [1000, 1500, 2000]).trim().split("\n").length, 2);
  });
});

describe("StepReporter", () => {
  function report(choices: { json?: boolean; quiet?: boolean; isTTY?: boolean; framesPerSecond?: number }): string {
    let text = "";
    const write = (chunk: string | Uint8Array): boolean => {
      text += String(chunk);
      return true;
    };
    const { json = false, quiet = false, isTTY = false, framesPerSecond } = choices;
    const output = new Output({ stdout: { write, isTTY }, stderr: { write } });
    output.configure({ json, quiet, verbosity: 0 });
    let now = 0;
    const reporter = new StepReporter({ output, framesPerSecond, clock: () => now });
    reporter.update({ step: "index files", done: 0, total: 2 });
    now = 4000;
    reporter.update({ step: "packs", done: 0, total: 10 });
    now = 6000;
    reporter.update({ step: "packs", done: 5, total: 10 });
    return text;
  }

  it("shows percent, count and the time that the step still takes at its own rate", () => {
    assert.deepEqual(report({ framesPerSecond: 1 }).trim().split("\n"), [
      "[0:00]  0.00%  index files: 0 / 2",
      "[0:04]  0.00%  packs: 0 / 10",
      "[0:06]  50.00%  packs: 5 / 10  ETA 0:02",
    ]);
    assert.match(report({ isTTY: true }), /50\.00% {2}packs: 5 \/ 10/);
  });

  it("is silent on a pipe, with --quiet and with --json", () => {
    assert.equal(report({}), "");
    assert.equal(report({ isTTY: true, quiet: true }), "");
    assert.equal(report({ json: true, framesPerSecond: 60 }), "");
  });
});
