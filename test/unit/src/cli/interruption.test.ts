import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Interruption } from "../../../../src/cli/interruption.ts";
import { Output } from "../../../../src/cli/output/output.ts";

describe("Interruption", () => {
  let text = "";
  let interruption: Interruption;

  beforeEach(() => {
    text = "";
    const write = (chunk: string | Uint8Array): boolean => {
      text += String(chunk);
      return true;
    };
    interruption = new Interruption(new Output({ stdout: { write }, stderr: { write } }));
  });
  afterEach(() => interruption.stopListening());

  it("turns the first signal into an abort, says so, and leaves the second one to the system", () => {
    const before = process.listenerCount("SIGINT");
    interruption.listen();
    assert.equal(process.listenerCount("SIGINT"), before + 1);
    process.emit("SIGINT", "SIGINT");
    assert.equal(interruption.signal.aborted, true);
    assert.deepEqual(interruption.reason, { kind: "signal", name: "SIGINT" });
    assert.match(text, /^SIGINT: cleaning up; a second one ends at once/);
    assert.deepEqual([process.listenerCount("SIGINT"), process.listenerCount("SIGTERM")], [before, before]);
  });

  it("survives SIGHUP, by which restic asks whether a lock's owner lives", () => {
    interruption.listen();
    process.emit("SIGHUP", "SIGHUP");
    assert.equal(interruption.signal.aborted, false);
  });

  it("keeps the first reason", () => {
    const error = new Error("broken pipe");
    interruption.interrupt({ kind: "output", error });
    interruption.interrupt({ kind: "signal", name: "SIGTERM" });
    assert.deepEqual(interruption.reason, { kind: "output", error });
  });

  it("takes an error that nobody caught for the end, but not the failures of what was cut short", () => {
    interruption.listen();
    const own = process.listeners("unhandledRejection").at(-1) as (error: unknown) => void;
    interruption.interrupt({ kind: "signal", name: "SIGINT" });
    own(Object.assign(new Error("aborted"), { name: "AbortError" }));
    own(Object.assign(new Error("the operation was cancelled"), { code: "cancelled" }));
    assert.equal(interruption.reason?.kind, "signal");
    const other = new Interruption(new Output({ stdout: { write: () => true }, stderr: { write: () => true } }));
    other.listen();
    const bug = new TypeError("x is not a function");
    (process.listeners("unhandledRejection").at(-1) as (error: unknown) => void)(bug);
    assert.deepEqual(other.reason, { kind: "crash", error: bug });
    other.stopListening();
  });
});
