import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "../../../../repo-format/errors.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { ForwardingStorage } from "../../../../repo-format/storage/forwarding-storage.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import type { ListOptions, ObjectInfo, ObjectStorage } from "../../../../repo-format/storage/object-storage.ts";
import type { RetryEvent, RetryOptions } from "../../../../repo-format/storage/with-retry.ts";
import { withRetry } from "../../../../repo-format/storage/with-retry.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";

const x = Buffer.from("x");

function failing(code: ErrorCode): Promise<void> {
  return Promise.reject(new RepositoryError(code, `the test says ${code}`));
}

interface Patient {
  readonly store: FaultyStorage;
  readonly storage: ObjectStorage;
  readonly sleeps: number[];
  readonly events: RetryEvent[];
}

/** A clock that only sleeping moves, and no jitter. */
function patient(options: RetryOptions = {}, inner: ObjectStorage = new InMemoryStorage()): Patient {
  const store = new FaultyStorage(inner);
  const sleeps: number[] = [];
  const events: RetryEvent[] = [];
  let nowMs = 0;
  const storage = withRetry(store, {
    sleep: async (ms) => {
      sleeps.push(ms);
      nowMs += ms;
    },
    monotonicClock: () => nowMs,
    random: () => 0.5,
    onRetry: (event) => events.push(event),
    ...options,
  });
  return { store, storage, sleeps, events };
}

describe("withRetry", () => {
  it("repeats a request no more often than maxRetries says, and says how often it tried", async () => {
    const { store, storage, sleeps } = patient({ maxRetries: 2 });
    store.plan = ({ method }) => (method === "get" ? failing("storage-unavailable") : undefined);
    await storage.put("config", x);
    await assert.rejects(storage.get("config"), /tried 3 times in 3 s/);
    assert.deepEqual(sleeps, [1000, 2000]);
    await assert.rejects(storage.get("config"), /tried 3 times/, "each request has its own");
  });

  it("tries again after 1, 2, 4 … seconds until the store answers, and reports each pause", async () => {
    const { store, storage, sleeps, events } = patient();
    store.plan = ({ number }) => (number <= 4 ? failing("storage-unavailable") : undefined);
    await storage.put("config", x);
    assert.deepEqual(sleeps, [1000, 2000, 4000, 8000]);
    assert.deepEqual(
      events.map(({ action, attempts, delayMs }) => [action, attempts, delayMs]),
      [
        ["put config", 1, 1000],
        ["put config", 2, 2000],
        ["put config", 3, 4000],
        ["put config", 4, 8000],
      ],
    );
    assert.equal((await storage.get("config")).toString(), "x");
  });

  it("spreads the pauses between half and one and a half, and bounds them", async () => {
    for (const [random, expected] of [
      [0, [500, 1000, 1500]],
      [0.999, [1499, 2998, 4497]],
    ] as const) {
      const { store, storage, sleeps } = patient({ random: () => random, maxDelayMs: 3000 });
      store.plan = ({ number }) => (number <= 3 ? failing("storage-unavailable") : undefined);
      await storage.put("config", x);
      assert.deepEqual(sleeps.map(Math.floor), expected);
    }
  });

  it("gives up when the time is over, with the last reason and the number of attempts", async () => {
    const { store, storage, sleeps } = patient({ maxElapsedMs: 60_000 });
    store.plan = () => failing("storage-unavailable");
    await assert.rejects(storage.get("config"), {
      code: "storage-unavailable",
      message: "the test says storage-unavailable (tried 6 times in 31 s)",
      details: { attempts: 6, elapsedSeconds: 31 },
    });
    assert.deepEqual(sleeps, [1000, 2000, 4000, 8000, 16_000]);
  });

  it("tries a second time however long the first one took", async () => {
    let nowMs = 0;
    const monotonicClock = (): number => {
      nowMs += 60_000;
      return nowMs;
    };
    const { store, storage } = patient({ maxElapsedMs: 1000, monotonicClock });
    store.plan = ({ number }) => (number === 1 ? failing("storage-unavailable") : undefined);
    await storage.put("config", x);
    assert.equal(store.calls.length, 2);
  });

  it("tries every method again", async () => {
    const { store, storage, sleeps } = patient();
    store.plan = ({ number }) => (number % 2 === 1 ? failing("storage-unavailable") : undefined);
    await storage.put("config", x);
    await storage.putFile("config", import.meta.filename);
    await storage.get("config");
    await storage.getRange("config", 0, 1);
    await storage.stat("config");
    await storage.delete("config");
    for await (const _ of storage.list("")) assert.ok(true);
    assert.equal(sleeps.length, 7);
  });

  const permanent: ErrorCode[] = [
    "object-missing",
    "object-exists",
    "object-refused",
    "range-invalid",
    "storage-denied",
    "storage-full",
    "storage-misconfigured",
    "argument-invalid",
    "cancelled",
  ];
  for (const code of permanent) {
    it(`${code} goes straight to the caller`, async () => {
      const { store, storage, sleeps } = patient();
      store.plan = () => failing(code);
      await assert.rejects(storage.get("config"), { code, message: `the test says ${code}` });
      await assert.rejects(storage.put("config", x), { code });
      assert.deepEqual([sleeps.length, store.calls.length], [0, 2]);
    });
  }

  it("a truncated object is read again; a mistake of ours is not repeated", async () => {
    const { store, storage } = patient();
    await storage.put("config", x);
    store.plan = ({ number }) => (number === 2 ? failing("object-truncated") : undefined);
    assert.equal((await storage.get("config")).toString(), "x");
    store.plan = () => Promise.reject(new TypeError("bug: x is undefined"));
    await assert.rejects(storage.get("config"), TypeError);
  });
});

describe("withRetry, writing", () => {
  it("a put with ifAbsent whose answer got lost has won when its own bytes are there", async () => {
    const { store, storage } = patient();
    store.plan = ({ number }) => (number === 1 ? "after" : undefined);
    await storage.put("config", [Buffer.from("ou"), Buffer.from("rs")], { ifAbsent: true });
    assert.equal((await storage.get("config")).toString(), "ours");
  });

  it("a put with ifAbsent that another won in between is object-exists", async () => {
    const memory = new InMemoryStorage();
    const { store, storage } = patient({}, memory);
    store.plan = ({ number }) => {
      if (number !== 1) return undefined;
      return memory.put("config", Buffer.from("theirs")).then(() => failing("storage-unavailable"));
    };
    await assert.rejects(storage.put("config", Buffer.from("ours"), { ifAbsent: true }), { code: "object-exists" });
    assert.equal((await storage.get("config")).toString(), "theirs");
  });

  it("the rest of a failed upload is removed first where the store may keep a part", async () => {
    const { store, storage } = patient({}, new PartialStorage(new InMemoryStorage()));
    store.plan = ({ method, number }) =>
      method === "put" && number === 1 ? failing("storage-unavailable") : undefined;
    await storage.put("data/ab/x", x);
    assert.deepEqual(
      store.calls.map(({ method }) => method),
      ["put", "delete", "put"],
    );
  });

  it("nothing is removed where a failed upload leaves nothing or everything", async () => {
    const { store, storage } = patient();
    store.plan = ({ number }) => (number === 1 ? failing("storage-unavailable") : undefined);
    await storage.put("data/ab/x", x);
    assert.deepEqual(
      store.calls.map(({ method }) => method),
      ["put", "put"],
    );
  });
});

describe("withRetry, listing and cancelling", () => {
  it("a listing that breaks off goes on where it was and repeats nothing", async () => {
    const memory = new InMemoryStorage();
    const keys = Array.from({ length: 10 }, (_, number) => `index/${number}`);
    for (const key of keys) await memory.put(key, x);
    const { storage, sleeps } = patient({}, new BrokenListing(memory, 3));
    const listed: string[] = [];
    for await (const { key } of storage.list("index/")) listed.push(key);
    assert.deepEqual(listed, keys);
    assert.deepEqual(sleeps, [1000, 1000, 1000], "each piece of progress starts the pauses anew");
  });

  it("a listing that makes no progress is given up in time", async () => {
    const { store, storage, sleeps } = patient({ maxElapsedMs: 10_000 });
    store.plan = () => failing("storage-unavailable");
    await assert.rejects(Array.fromAsync(storage.list("")), { code: "storage-unavailable" });
    assert.deepEqual(sleeps, [1000, 2000, 4000]);
  });

  it("cancelling ends the pause at once", async () => {
    const controller = new AbortController();
    const store = new FaultyStorage(new InMemoryStorage());
    store.plan = () => failing("storage-unavailable");
    const storage = withRetry(store, { onRetry: () => setImmediate(() => controller.abort()) });
    await assert.rejects(storage.get("config", { signal: controller.signal }), { code: "cancelled" });
    assert.equal(store.calls.length, 1);
  });

  it("nothing is asked of the store with a signal that has fired", async () => {
    const { store, storage } = patient();
    await assert.rejects(storage.put("config", x, { signal: AbortSignal.abort() }), { code: "cancelled" });
    assert.equal(store.calls.length, 0);
  });
});

/** Breaks off every listing after so many keys. */
class BrokenListing extends ForwardingStorage {
  readonly #keys: number;

  constructor(inner: ObjectStorage, keys: number) {
    super(inner);
    this.#keys = keys;
  }

  override async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    let left = this.#keys;
    for await (const info of this.inner.list(prefix, options)) {
      if (left === 0) throw new RepositoryError("storage-unavailable", "the connection broke");
      left -= 1;
      yield info;
    }
  }
}

class PartialStorage extends ForwardingStorage {
  override get atomicReplace(): boolean {
    return false;
  }
}
