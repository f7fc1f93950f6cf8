import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ClaimLost,
  DataPathManager,
  type Progress,
  type TransferControl,
} from "../../../../agent/data-path/data-path-manager.ts";
import { Slots } from "../../../../agent/data-path/slots.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function setUp(slotCount = 1) {
  const clock = new FakeClock();
  const slots = new Slots(slotCount);
  const settled: string[] = [];
  const manager = new DataPathManager<string>({
    ...{ slots, clock, log: silentLogger },
    onSettled: (name) => settled.push(name),
  });
  return { clock, slots, settled, manager };
}

/** A transfer that ends when the test says so, or with the signal. */
function controlled(saveProgress: (progress: Progress) => Promise<void> = async () => undefined) {
  const end = Promise.withResolvers<string>();
  const control = Promise.withResolvers<TransferControl>();
  const transfer = {
    uid: "u1",
    saveProgress,
    run: (given: TransferControl) => {
      control.resolve(given);
      given.signal.addEventListener("abort", () => end.reject(new Error("aborted")));
      return end.promise;
    },
  };
  return { claim: async () => transfer, end, control: control.promise };
}

test("a result is kept until it is forgotten, and its slot is free at once", async () => {
  const { clock, slots, settled, manager } = setUp();
  const transfer = controlled();
  assert.equal(await manager.start("a", transfer.claim), true);
  assert.equal(manager.find("a")?.outcome, undefined);
  transfer.end.resolve("done");
  await clock.advance(0);
  assert.deepEqual(manager.find("a")?.outcome, { isSuccess: true, result: "done" });
  assert.equal(slots.used, 0);
  assert.deepEqual(settled, ["a"]);
  manager.forget("a");
  assert.equal(manager.find("a"), undefined);
});

test("without a slot nothing is claimed, and whoever waits is called when one is free", async () => {
  const { clock, settled, manager } = setUp();
  const first = controlled();
  await manager.start("a", first.claim);
  let claims = 0;
  const second = async () => {
    claims++;
    return await controlled().claim();
  };
  assert.equal(await manager.start("b", second), false);
  assert.equal(claims, 0);
  first.end.resolve("done");
  await clock.advance(0);
  assert.deepEqual(settled.sort(), ["a", "b"]);
});

test("a claim that fails gives the slot back", async () => {
  const { slots, manager } = setUp();
  await assert.rejects(
    manager.start("a", () => Promise.reject(new Error("conflict"))),
    /conflict/,
  );
  assert.equal(slots.used, 0);
  assert.equal(manager.find("a"), undefined);
});

test("cancelling makes the reason the outcome, whatever the engine throws", async () => {
  const { clock, manager } = setUp();
  await manager.start("a", controlled().claim);
  const reason = new Error("enough");
  manager.cancel("a", reason);
  await clock.advance(0);
  assert.deepEqual(manager.find("a")?.outcome, { isSuccess: false, error: reason });
});

test("progress is saved every ten seconds, only when it has changed, and not while it is zero", async () => {
  const saved: number[] = [];
  const { clock, manager } = setUp();
  const transfer = controlled(async ({ bytesDone }) => void saved.push(bytesDone));
  await manager.start("a", transfer.claim);
  const { report } = await transfer.control;
  await clock.advance(10_000);
  report({ bytesDone: 5, totalBytes: 9 });
  await clock.advance(9_000);
  assert.deepEqual(saved, []);
  await clock.advance(1_000);
  await clock.advance(20_000);
  report({ bytesDone: 9, totalBytes: 9 });
  await clock.advance(10_000);
  assert.deepEqual(saved, [5, 9]);
  transfer.end.resolve("done");
  await clock.advance(0);
  assert.equal(clock.pending, 0);
});

test("progress that cannot be saved is no failure, but a lost claim stops the transfer", async () => {
  const { clock, manager } = setUp();
  const errors = [new Error("unavailable"), new ClaimLost()];
  const transfer = controlled(() => Promise.reject(errors.shift()));
  await manager.start("a", transfer.claim);
  const { report, signal } = await transfer.control;
  report({ bytesDone: 1, totalBytes: 9 });
  await clock.advance(10_000);
  assert.equal(signal.aborted, false);
  report({ bytesDone: 2, totalBytes: 9 });
  await clock.advance(10_000);
  const outcome = manager.find("a")?.outcome;
  assert.ok(outcome?.isSuccess === false && outcome.error instanceof ClaimLost);
});

test("stop ends everything, waits for it, and starts nothing more", async () => {
  const { manager } = setUp(2);
  await manager.start("a", controlled().claim);
  await manager.stop(new Error("ending"));
  assert.equal(manager.find("a")?.outcome?.isSuccess, false);
  assert.deepEqual(manager.names(), ["a"]);
  assert.equal(await manager.start("b", controlled().claim), false);
});

test("a volume that only waits for the store makes room for the next one, and its own end frees nothing more", async () => {
  const { clock, slots, settled, manager } = setUp();
  const [first, second, third] = [controlled(), controlled(), controlled()];
  await manager.start("a", first.claim);
  assert.equal(await manager.start("b", second.claim), false);
  const { allButStored, hasNext } = await first.control;
  assert.equal(hasNext(), true);
  allButStored();
  assert.deepEqual([slots.used, settled], [0, ["b"]]);
  assert.equal(await manager.start("b", second.claim), true);
  assert.equal(hasNext(), true, "the one that has begun needs the lock as well");
  // As many as there are slots may be at their end: the store is slow, and more would only pile up before it.
  (await second.control).allButStored();
  assert.equal(slots.used, 1);
  assert.equal(await manager.start("c", third.claim), false);
  first.end.resolve("done");
  await clock.advance(0);
  assert.equal(slots.used, 1);
  second.end.resolve("done");
  await clock.advance(0);
  assert.equal(slots.used, 0);
  assert.equal(hasNext(), true, "one was told that a slot is free and has not come yet");
  const begun = Promise.withResolvers<Awaited<ReturnType<typeof third.claim>>>();
  const starting = manager.start("c", () => begun.promise);
  assert.equal(hasNext(), true, "it is being claimed");
  begun.resolve(await third.claim());
  await starting;
  assert.equal(hasNext(), true);
  assert.equal((await third.control).hasNext(), false);
});

test("a volume that is being claimed counts as the next one: the lock is kept for it", async () => {
  const { manager } = setUp();
  const first = controlled();
  await manager.start("a", first.claim);
  const { allButStored, hasNext } = await first.control;
  allButStored();
  assert.equal(hasNext(), false);
  const claim = Promise.withResolvers<never>();
  const starting = manager.start("b", () => claim.promise);
  assert.equal(hasNext(), true);
  claim.reject(new Error("conflict"));
  await assert.rejects(starting, /conflict/);
  assert.equal(hasNext(), false);
});
