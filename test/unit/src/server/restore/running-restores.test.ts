import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RunningRestores } from "../../../../../src/server/restore/running-restores.ts";

/** Ends only with its signal. */
const endless = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

describe("RunningRestores", () => {
  it("gives what the action gives, and passes its failure on", async () => {
    const running = new RunningRestores();
    const { signal } = new AbortController();
    assert.equal(await running.run("u", signal, async () => 7), 7);
    await assert.rejects(
      running.run("u", signal, () => Promise.reject(new Error("x"))),
      /x/,
    );
  });

  it("stops the one that is meant, which then has no result", async () => {
    const running = new RunningRestores();
    const end = new AbortController();
    const [one, other] = [running.run("one", end.signal, endless), running.run("other", end.signal, endless)];
    running.stop("one");
    running.stop("unknown");
    assert.equal(await one, undefined);
    end.abort(new Error("the server ends"));
    await assert.rejects(other, /the server ends/);
  });

  it("remembers how long one has done nothing but fail", () => {
    const running = new RunningRestores();
    assert.equal(running.failingMs("u", 1000), 0);
    assert.equal(running.failingMs("u", 4000), 3000);
    running.forget("u");
    assert.equal(running.failingMs("u", 9000), 0);
  });

  it("begins each once, until it has ended", () => {
    const running = new RunningRestores();
    assert.deepEqual([running.begins("u"), running.begins("u"), running.begins("v")], [true, false, true]);
    running.forget("u");
    assert.equal(running.begins("u"), true);
  });
});
