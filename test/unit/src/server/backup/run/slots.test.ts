import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Slots } from "../../../../../../src/server/backup/run/slots.ts";
import { settle } from "../../../../../support/manual-clock.ts";

const { signal } = new AbortController();

describe("Slots", () => {
  it("gives turns in the order in which they were asked for, no more than there are at a time", async () => {
    const slots = new Slots(2);
    const order: string[] = [];
    const take = (name: string): Promise<() => void> =>
      slots.take(signal).then((release) => {
        order.push(name);
        return release;
      });
    const [a, b] = [await take("a"), await take("b")];
    const [c, d] = [take("c"), take("d")];
    await settle();
    assert.deepEqual(order, ["a", "b"]);
    b();
    await c;
    assert.deepEqual(order, ["a", "b", "c"]);
    a();
    await d;
    assert.deepEqual(order, ["a", "b", "c", "d"]);
  });

  it("takes a turn back once only", async () => {
    const slots = new Slots(1);
    const release = await slots.take(signal);
    release();
    release();
    await slots.take(signal);
    let hasTwo = false;
    void slots.take(signal).then(() => {
      hasTwo = true;
    });
    await settle();
    assert.equal(hasTwo, false);
  });

  it("lets nobody wait whose signal fires, and passes the turn to the next", async () => {
    const slots = new Slots(1);
    const release = await slots.take(signal);
    const controller = new AbortController();
    const leaving = slots.take(controller.signal);
    const staying = slots.take(signal);
    controller.abort(new Error("gone"));
    await assert.rejects(leaving, /gone/);
    release();
    await staying;
    await assert.rejects(slots.take(controller.signal), /gone/);
  });
});
