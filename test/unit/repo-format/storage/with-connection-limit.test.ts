import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../../../repo-format/storage/object-storage.ts";
import { withConnectionLimit } from "../../../../repo-format/storage/with-connection-limit.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { settle } from "../../../support/manual-clock.ts";

/** A store whose calls all wait until they are let go, one by one in the order of their arrival. */
function gated(limit: number): { store: FaultyStorage; storage: ObjectStorage; letGo: () => Promise<void> } {
  const store = new FaultyStorage(new InMemoryStorage());
  const waiting: (() => void)[] = [];
  store.plan = () => new Promise((resolve) => waiting.push(resolve));
  const letGo = async (): Promise<void> => {
    waiting.shift()?.();
    await settle();
  };
  return { store, storage: withConnectionLimit(store, limit), letGo };
}

const x = Buffer.from("x");

describe("withConnectionLimit", () => {
  it("lets so many requests run at a time and the next when one ends, in order", async () => {
    const { store, storage, letGo } = gated(2);
    const puts = ["1", "2", "3", "4"].map((name) => storage.put(`data/ab/${name}`, x));
    await settle();
    assert.deepEqual(store.keysOf("put"), ["data/ab/1", "data/ab/2"]);
    await letGo();
    assert.deepEqual(store.keysOf("put"), ["data/ab/1", "data/ab/2", "data/ab/3"]);
    for (let left = 3; left > 0; left -= 1) await letGo();
    await Promise.all(puts);
    assert.equal(store.keysOf("put").length, 4);
  });

  it("a file that is sent takes a place, too", async () => {
    const { store, storage, letGo } = gated(1);
    const file = storage.putFile("data/ab/1", import.meta.filename);
    const stat = assert.rejects(storage.stat("none"), { code: "object-missing" });
    await settle();
    assert.deepEqual(
      store.calls.map(({ method }) => method),
      ["put"],
    );
    await letGo();
    await file;
    await settle();
    assert.equal(store.calls.length, 2);
    await letGo();
    await stat;
  });

  it("counts every kind of request together, and a failed one gives its place back", async () => {
    const store = new FaultyStorage(new InMemoryStorage());
    const storage = withConnectionLimit(store, 1);
    for (let round = 0; round < 3; round += 1) {
      await assert.rejects(storage.get("none"), { code: "object-missing" });
      await assert.rejects(storage.getRange("none", 0, 1), { code: "object-missing" });
      await assert.rejects(storage.stat("none"), { code: "object-missing" });
      await storage.delete("none");
    }
    await storage.put("config", x);
  });

  it("lock files never wait", async () => {
    const { store, storage, letGo } = gated(1);
    const pack = storage.put("data/ab/x", x);
    const lock = storage.put("locks/x", x);
    await settle();
    assert.deepEqual(store.keysOf("put").sort(), ["data/ab/x", "locks/x"]);
    await letGo();
    await letGo();
    await Promise.all([pack, lock]);
  });

  it("a request that is cancelled while it waits leaves the queue, and costs nobody a place", async () => {
    const { store, storage, letGo } = gated(1);
    const controller = new AbortController();
    const first = storage.get("data/ab/1").catch(() => undefined);
    const second = storage.get("data/ab/2", { signal: controller.signal });
    const third = storage.get("data/ab/3").catch(() => undefined);
    await settle();
    controller.abort();
    await assert.rejects(second, { code: "cancelled" });
    await letGo();
    await letGo();
    await Promise.all([first, third]);
    assert.deepEqual(store.keysOf("get"), ["data/ab/1", "data/ab/3"]);
    const fourth = storage.get("data/ab/4").catch(() => undefined);
    await settle();
    await letGo();
    await fourth;
  });

  it("a listing leaves room for requests about its items", async () => {
    const memory = new InMemoryStorage();
    for (const name of ["1", "2"]) await memory.put(`index/${name}`, Buffer.from(name));
    const storage = withConnectionLimit(memory, 1);
    const contents: string[] = [];
    for await (const { key } of storage.list("index/")) contents.push((await storage.get(key)).toString());
    assert.deepEqual(contents, ["1", "2"]);
  });

  it("refuses a limit that would let nothing through", () => {
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => withConnectionLimit(new InMemoryStorage(), limit), { code: "argument-invalid" });
    }
  });
});
