import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bell } from "../../../../../../src/server/backup/run/bell.ts";
import { FakeClock } from "../../../../../support/fake-clock.ts";

const { signal } = new AbortController();

describe("Bell", () => {
  it("ends all waits when it rings", async () => {
    const clock = new FakeClock();
    const bell = new Bell(clock);
    const waits = [bell.wait(bell.count, 1000, signal), bell.wait(bell.count, 1000, signal)];
    bell.ring();
    await Promise.all(waits);
    assert.equal(clock.pending, 0, "no timer is left");
  });

  it("does not let one wait who has missed it", async () => {
    const bell = new Bell(new FakeClock());
    const { count } = bell;
    bell.ring();
    await bell.wait(count, 1000, signal);
  });

  it("lets nobody wait for longer than asked, nor beyond the signal", async () => {
    const clock = new FakeClock();
    const bell = new Bell(clock);
    const wait = bell.wait(bell.count, 1000, signal);
    await clock.advance(1000);
    await wait;
    const controller = new AbortController();
    const aborted = bell.wait(bell.count, 1000, controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
  });
});
