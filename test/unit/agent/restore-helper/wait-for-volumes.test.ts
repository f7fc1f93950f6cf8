import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { waitForVolumes } from "../../../../agent/restore-helper/wait-for-volumes.ts";
import type { Clock } from "../../../../src/platform/clock.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** Every pause is a step of the test's script; time passes only there. */
function setUp(t: TestContext, volumes: string[], steps: (() => void)[], timeoutMs?: number) {
  const restoresDir = join(temporaryDirectory(t), "restores");
  const terminationLog = join(restoresDir, "..", "termination-log");
  for (const volume of volumes) mkdirSync(join(restoresDir, volume), { recursive: true });
  const controller = new AbortController();
  const lines: string[] = [];
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after: () => () => undefined,
    sleep: async (ms) => {
      nowMs += ms;
      const step = steps.shift();
      if (step === undefined) controller.abort(new Error("the script has ended"));
      controller.signal.throwIfAborted();
      step?.();
    },
  };
  const marker = (volume: string, name: string, content = "") => {
    mkdirSync(join(restoresDir, volume, ".velero"), { recursive: true });
    writeFileSync(join(restoresDir, volume, ".velero", name), content);
  };
  const wait = () =>
    waitForVolumes({
      ...{ restoreUid: "uid", restoresDir, terminationLog, clock, signal: controller.signal },
      timeoutMs,
      say: (line) => void lines.push(line),
    });
  return { restoresDir, terminationLog, lines, marker, wait, controller };
}

test("it waits for every directory, ignores files, removes .velero and ends with 0", async (t) => {
  const steps: (() => void)[] = [];
  const rig = setUp(t, ["data", "logs"], steps);
  writeFileSync(join(rig.restoresDir, "no-volume"), "");
  steps.push(
    () => rig.marker("data", "uid"),
    () => rig.marker("logs", "another"),
    () => rig.marker("logs", "uid"),
  );
  assert.equal(await rig.wait(), 0);
  assert.deepEqual(steps, []);
  assert.equal(existsSync(join(rig.restoresDir, "data", ".velero")), false);
  assert.equal(existsSync(join(rig.restoresDir, "logs", ".velero")), false);
});

test("without any volume there is nothing to wait for", async (t) => {
  const rig = setUp(t, [], []);
  mkdirSync(rig.restoresDir);
  assert.equal(await rig.wait(), 0);
});

test("a directory that cannot be listed is looked at again", async (t) => {
  const steps: (() => void)[] = [];
  const rig = setUp(t, [], steps);
  steps.push(() => {
    mkdirSync(join(rig.restoresDir, "data"), { recursive: true });
    rig.marker("data", "uid");
  });
  assert.equal(await rig.wait(), 0);
});

test("a failed volume ends it with 1; the reason is printed and goes into the termination log", async (t) => {
  const steps: (() => void)[] = [];
  const rig = setUp(t, ["data", "logs"], steps);
  writeFileSync(rig.terminationLog, "");
  steps.push(() => rig.marker("logs", "uid.failed", "pack 12 is gone\n"));
  assert.equal(await rig.wait(), 1);
  assert.match(rig.lines.at(-1) ?? "", /^restore failed: volume logs: pack 12 is gone$/);
  assert.equal(readFileSync(rig.terminationLog, "utf8"), "restore failed: volume logs: pack 12 is gone");
});

test("without a termination log none is made", async (t) => {
  const rig = setUp(t, ["data"], []);
  rig.marker("data", "uid.failed", "why");
  assert.equal(await rig.wait(), 1);
  assert.equal(existsSync(rig.terminationLog), false);
});

test("percent, rate and time left come from the progress file", async (t) => {
  const steps: (() => void)[] = [];
  const rig = setUp(t, ["data"], steps);
  const mebibyte = 1024 * 1024;
  const progress = (done: number) =>
    rig.marker("data", "uid.progress", JSON.stringify({ bytesDone: done * mebibyte, totalBytes: 10 * mebibyte }));
  steps.push(
    () => progress(2),
    () => progress(4),
    () => rig.marker("data", "uid"),
  );
  assert.equal(await rig.wait(), 0);
  assert.deepEqual(rig.lines.slice(0, 3), [
    "data: waiting for the agent",
    "data: 20 %, 2.0 MiB of 10.0 MiB",
    "data: 40 %, 4.0 MiB of 10.0 MiB, 2.0 MiB/s, 3 s left",
  ]);
});

test("a progress file with nonsense, or a huge one, is ignored", async (t) => {
  const steps: (() => void)[] = [];
  const rig = setUp(t, ["data"], steps);
  steps.push(
    () => rig.marker("data", "uid.progress", "{"),
    () => rig.marker("data", "uid.progress", "x".repeat(100_000)),
    () => rig.marker("data", "uid"),
  );
  assert.equal(await rig.wait(), 0);
  assert.deepEqual(rig.lines.slice(0, -1), ["data: waiting for the agent"]);
});

test("--timeout ends it with 1 and names what is missing", async (t) => {
  const rig = setUp(
    t,
    ["data", "logs"],
    Array(10).fill(() => undefined),
    3000,
  );
  rig.marker("data", "uid");
  assert.equal(await rig.wait(), 1);
  assert.match(rig.lines.at(-1) ?? "", /not restored within 3 s: logs/);
});

test("a signal ends it with 1", async (t) => {
  const rig = setUp(t, ["data"], []);
  assert.equal(await rig.wait(), 1);
  rmSync(rig.restoresDir, { recursive: true });
});
