import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../../../src/api/core.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import type { ExecHook } from "../../../../../src/server/hooks/exec-hook.ts";
import { type HookRun, runHooks } from "../../../../../src/server/hooks/run-hooks.ts";
import { playExec } from "../../../../support/played-exec.ts";
import { type RecordedRunLog, recordedRunLog } from "../../../../support/recorded-run-log.ts";

const pod: Pod = {
  metadata: { name: "db-0", namespace: "shop" },
  spec: { initContainers: [{ name: "setup" }], containers: [{ name: "db" }, { name: "side" }] },
};

const hook = (command: string, changes: Partial<ExecHook> = {}): ExecHook => ({
  ...{ name: "quiet", container: "", command: [command], onError: "Fail", timeoutMs: 30_000 },
  ...changes,
});

interface Outcome {
  readonly run: HookRun;
  readonly log: RecordedRunLog;
  readonly commands: readonly string[];
}

async function outcomeOf(hooks: readonly ExecHook[], play?: Parameters<typeof playExec>[0]): Promise<Outcome> {
  const log = recordedRunLog();
  const { exec, commands } = playExec(play);
  const { signal } = new AbortController();
  const run = await runHooks(pod, hooks, { exec, log, kind: "pre hook", consequence: "so it goes", signal });
  return { run, log, commands };
}

describe("runHooks", () => {
  it("runs hooks one after the other, in the first container or in the one that is named", async () => {
    let running = 0;
    const { run, log, commands } = await outcomeOf([hook("a"), hook("b", { container: "side" })], async () => {
      assert.equal(++running, 1);
      await Promise.resolve();
      running--;
      return 0;
    });
    assert.deepEqual(commands, ["shop/db-0/db: a", "shop/db-0/side: b"]);
    assert.deepEqual(run, { attempted: 2, failed: 0 });
    assert.deepEqual([log.warnings, log.errors], [[], []]);
  });

  it("stops at a failure that matters: an error with exit code, last words and what follows from it", async () => {
    const { run, log, commands } = await outcomeOf([hook("a"), hook("b"), hook("c")], ({ command }) =>
      command[0] === "b" ? { exitCode: 3, stdout: "out", stderr: "first\nno space left\n" } : 0,
    );
    assert.deepEqual(commands.length, 2);
    assert.deepEqual([run.attempted, run.failed], [2, 1]);
    const sentence = "pre hook quiet in pod shop/db-0 failed: exit code 3: no space left";
    assert.equal(run.stoppedBy, sentence);
    assert.deepEqual(log.errors, [`namespace shop: ${sentence}; so it goes`]);
  });

  it("goes on after a failure that does not: a warning", async () => {
    const { run, log, commands } = await outcomeOf([hook("a", { onError: "Continue" }), hook("b")], ({ command }) =>
      command[0] === "a" ? { exitCode: 1, stdout: "only this\n", stderr: "" } : 0,
    );
    assert.equal(commands.length, 2);
    assert.deepEqual(run, { attempted: 2, failed: 1 });
    assert.deepEqual(log.warnings, ["namespace shop: pre hook quiet in pod shop/db-0 failed: exit code 1: only this"]);
    assert.deepEqual(log.errors, []);
  });

  it("fails a hook for a container that the pod does not have, and does not take init containers for one", async () => {
    for (const container of ["nobody", "setup"]) {
      const { run, commands } = await outcomeOf([hook("a", { container })]);
      assert.deepEqual(commands, []);
      assert.match(run.stoppedBy ?? "", new RegExp(`the pod has no container "${container}"`));
    }
  });

  it("tells what kept a command from running, with the hint", async () => {
    const { run } = await outcomeOf([hook("a")], () => {
      throw new KubeError("timed-out", "it has not ended within 30s");
    });
    assert.match(run.stoppedBy ?? "", /failed: it has not ended within 30s; give the command more time$/);
  });

  it("throws what the signal says when it fires, and tells nothing", async () => {
    const abort = new AbortController();
    const log = recordedRunLog();
    const { exec, commands } = playExec(() => {
      abort.abort(new Error("the server ends"));
      throw new KubeError("cancelled", "cancelled");
    });
    const options = { exec, log, kind: "pre hook", signal: abort.signal };
    await assert.rejects(runHooks(pod, [hook("a"), hook("b")], options), /the server ends/);
    assert.equal(commands.length, 1);
    assert.deepEqual(log.errors, []);
  });

  it("passes the time-out and the signal on", async () => {
    const { exec, requests } = playExec();
    const { signal } = new AbortController();
    const options = { exec, log: recordedRunLog(), kind: "pre hook", signal };
    await runHooks(pod, [hook("a", { timeoutMs: 1234 })], options);
    assert.deepEqual([requests[0]?.timeoutMs, requests[0]?.signal === signal], [1234, true]);
  });

  it("asks before each hook whether it may run", async () => {
    const { exec, commands } = playExec();
    const options = { exec, log: recordedRunLog(), kind: "post hook", signal: new AbortController().signal };
    const answers = ["ready", { problem: "never came up" }, "ended", "stop"] as const;
    let asked = 0;
    const hooks = [hook("a"), hook("b", { onError: "Continue" }), hook("c"), hook("d")];
    const ended: string[] = [];
    const run = await runHooks(pod, hooks, options, {
      before: async () => answers[asked++] ?? "ready",
      after: async ({ command }, problem) => void ended.push(`${command} ${problem}`),
    });
    assert.deepEqual(run, { attempted: 3, failed: 1 });
    assert.deepEqual([commands, ended], [["shop/db-0/db: a"], ["a undefined"]]);
    assert.deepEqual(options.log.warnings, ["namespace shop: post hook quiet in pod shop/db-0 failed: never came up"]);
  });
});
