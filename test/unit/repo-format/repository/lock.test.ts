import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { LockId } from "../../../../repo-format/format/id.ts";
import { decodeLockFile, encodeLockFile, type LockFile } from "../../../../repo-format/format/lock-file.ts";
import { formatTime } from "../../../../repo-format/format/time.ts";
import { type LockOptions, removeStaleLocks, withLock } from "../../../../repo-format/repository/lock.ts";
import { listLocks } from "../../../../repo-format/repository/lock-files.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../../../repo-format/storage/object-storage.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { ManualClock, settle } from "../../../support/manual-clock.ts";
import { collect, createTestRepository, reopen, storedKeys, testIdentity } from "../../../support/memory-repository.ts";

const second: number = 1000;
const minute = 60 * second;

interface Setup {
  readonly storage: FaultyStorage;
  readonly clock: ManualClock;
  readonly repo: Repository;
  /** The repository as another process sees it. */
  readonly other: Repository;
}

async function setUp(inner: ObjectStorage = new InMemoryStorage()): Promise<Setup> {
  const storage = new FaultyStorage(inner);
  const clock = new ManualClock();
  const repo = await createTestRepository({ storage, clock: clock.now });
  const identity = { ...testIdentity, hostname: "host-2", pid: 77 };
  const other = await reopen(storage, { clock: clock.now, identity });
  storage.calls.length = 0;
  return { storage, clock, repo, other };
}

/** A lock that a test holds until it lets go. */
class Holder {
  readonly done: Promise<string>;
  signal: AbortSignal | undefined;
  readonly #taken = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<string>();

  constructor(repo: Repository, clock: ManualClock, options: Partial<LockOptions> = {}) {
    const all = { exclusive: false, sleep: clock.sleep, ...options };
    this.done = withLock(repo, all, (signal) => {
      this.signal = signal;
      this.#taken.resolve();
      return this.#end.promise;
    });
    this.done.catch((error: unknown) => this.#taken.reject(error));
    this.#taken.promise.catch(() => undefined);
  }

  get taken(): Promise<void> {
    return this.#taken.promise;
  }

  release(): Promise<string> {
    this.#end.resolve("done");
    return this.done;
  }

  fail(error: Error): void {
    this.#end.reject(error);
  }
}

async function hold(repo: Repository, clock: ManualClock, options: Partial<LockOptions> = {}): Promise<Holder> {
  const holder = new Holder(repo, clock, options);
  await clock.advance(200);
  await holder.taken;
  return holder;
}

async function lockIds(repo: Repository): Promise<LockId[]> {
  return (await collect(repo.list("lock"))).map(({ id }) => id as LockId);
}

async function putLock(repo: Repository, fields: Partial<LockFile>): Promise<LockId> {
  const lock: LockFile = {
    time: formatTime(BigInt(repo.options.clock()) * 1_000_000n),
    exclusive: false,
    hostname: "elsewhere",
    username: "ann",
    pid: 4,
    uid: 0,
    gid: 0,
    ...fields,
  };
  return (await repo.saveUnpacked("lock", encodeLockFile(lock))) as LockId;
}

test("withLock looks, creates its lock, waits 200 ms, looks again, and removes the lock at the end", async () => {
  const { storage, clock, repo } = await setUp();
  const holder = new Holder(repo, clock);
  await clock.advance(199);
  assert.deepEqual(
    storage.calls.map(({ method }) => method),
    ["list", "put"],
  );
  await clock.advance(1);
  await holder.taken;
  assert.deepEqual(["list", "put", "list"], ["list", "put", "list"]);
  const [id] = await lockIds(repo);
  const lock = decodeLockFile(await repo.loadUnpacked("lock", id as LockId));
  assert.equal(lock.hostname, "host-1");
  assert.equal(lock.pid, process.pid);
  assert.equal(await holder.release(), "done");
  assert.deepEqual(await lockIds(repo), []);
});

test("a first look that was taken while the repository was opened is not taken again, unless it saw a lock", async () => {
  const { storage, clock, repo } = await setUp();
  const methodsOf = async (opened: Repository): Promise<string[]> => {
    storage.calls.length = 0;
    const holder = await hold(opened, clock);
    await holder.release();
    return storage.calls.filter(({ key }) => key.startsWith("locks/")).map(({ method }) => method);
  };
  const opened = await reopen(storage, { clock: clock.now, locksNext: true });
  assert.deepEqual(storage.keysOf("list").toSorted(), ["keys/", "locks/"]);
  assert.deepEqual(await methodsOf(opened), ["put", "list", "delete"]);
  assert.deepEqual(await methodsOf(opened), ["list", "put", "list", "delete"], "it is old by then");
  await putLock(repo, { exclusive: false });
  const second = await reopen(storage, { clock: clock.now, locksNext: true });
  assert.deepEqual((await methodsOf(second)).slice(0, 3), ["list", "get", "put"]);
  storage.plan = ({ method, key, number }) => {
    if (method === "list" && key === "locks/" && number < 4) throw unavailable({ method, key });
    return undefined;
  };
  storage.calls.length = 0;
  const third = await reopen(storage, { clock: clock.now, locksNext: true });
  storage.plan = () => undefined;
  assert.deepEqual((await methodsOf(third)).slice(0, 2), ["list", "get"], "a look that failed does not count");
});

test("a lock that came after the first look, while the key was derived, is seen by the second", async () => {
  const { storage, clock, repo } = await setUp();
  const opened = await reopen(storage, { clock: clock.now, locksNext: true });
  await putLock(repo, { exclusive: true });
  const holder = new Holder(opened, clock, { retryLockMs: 0 });
  await clock.advance(200);
  await assert.rejects(holder.done, { code: "lock-held" });
  assert.equal((await lockIds(repo)).length, 1, "ours is gone again");
});

test("what may be read while the lock settles begins when its file is stored, and ends when the lock is not got", async () => {
  const { storage, clock, repo, other } = await setUp();
  const begun: AbortSignal[] = [];
  const whileSettling = (signal: AbortSignal): Promise<void> => {
    assert.deepEqual(storage.keysOf("list"), ["locks/"]);
    begun.push(signal);
    return Promise.reject(new Error("nobody hears of it"));
  };
  const holder = await hold(repo, clock, { whileSettling });
  assert.deepEqual([begun.length, begun[0]?.aborted], [1, false]);
  await holder.release();
  storage.calls.length = 0;
  const barred = new Holder(repo, clock, { retryLockMs: 0, whileSettling });
  await clock.advance(100);
  await putLock(other, { exclusive: true });
  await clock.advance(100);
  await assert.rejects(barred.done, { code: "lock-held" });
  assert.deepEqual([begun.length, begun[1]?.aborted], [2, true]);
});

test("where listings show everything at once the second look follows at once", async () => {
  class ListingAtOnce extends InMemoryStorage {
    override readonly listsAtOnce: boolean = true;
  }
  const { storage, clock, repo } = await setUp(new ListingAtOnce());
  const holder = new Holder(repo, clock);
  await holder.taken;
  assert.deepEqual(
    storage.calls.map(({ method }) => method),
    ["list", "put", "list"],
  );
  assert.equal(await holder.release(), "done");
});

test("the lock is removed when the work fails, and when it was cancelled", async () => {
  const { clock, repo } = await setUp();
  const failing = await hold(repo, clock);
  failing.fail(new Error("broken"));
  await assert.rejects(failing.done, /broken/);
  const controller = new AbortController();
  const cancelled = await hold(repo, clock, { signal: controller.signal });
  controller.abort();
  assert.equal(cancelled.signal?.aborted, true);
  await cancelled.release();
  assert.deepEqual(await lockIds(repo), []);
});

test("shared locks of two processes stand together; an exclusive one excludes and is excluded", async () => {
  const { clock, repo, other } = await setUp();
  const [mine, theirs] = [await hold(repo, clock), await hold(other, clock)];
  for (const process of [repo, other]) {
    const attempt = withLock(process, { exclusive: true, retryLockMs: 0, sleep: clock.sleep }, async () => "taken");
    await assert.rejects(attempt, { code: "lock-held" });
  }
  await mine.release();
  await theirs.release();
  const exclusive = await hold(repo, clock, { exclusive: true });
  const shared = withLock(other, { exclusive: false, retryLockMs: 0, sleep: clock.sleep }, async () => "taken");
  await assert.rejects(shared, (error: Error & { code: string }) => {
    assert.match(error.message, /exclusively by process \d+ of tester on host-1/);
    return error.code === "lock-held";
  });
  await exclusive.release();
  assert.deepEqual(await lockIds(repo), []);
});

test("of two processes that take an exclusive lock at the same moment never both have it", async () => {
  for (let round = 0; round < 12; round++) {
    const { storage, clock, repo, other } = await setUp();
    storage.plan = ({ number }) =>
      (number + round) % 3 === 0 ? clock.sleep((number * 37 + round * 11) % 90) : undefined;
    let holders = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++holders);
      await clock.sleep(500);
      holders--;
    };
    const options = { exclusive: true, retryLockMs: 0, sleep: clock.sleep };
    const results = Promise.allSettled([withLock(repo, options, work), withLock(other, options, work)]);
    await clock.advance(10 * second);
    await results;
    storage.plan = () => undefined;
    assert.ok(most <= 1);
    assert.deepEqual(await lockIds(repo), []);
  }
});

test("a conflict that shows only at the second look removes the own lock again", async () => {
  const { clock, repo, other } = await setUp();
  const attempt = new Holder(repo, clock, { retryLockMs: 0 });
  await clock.advance(100);
  const foreign = await putLock(other, { exclusive: true });
  await clock.advance(100);
  await assert.rejects(attempt.done, { code: "lock-held" });
  assert.deepEqual(await lockIds(repo), [foreign]);
});

test("a held repository is tried again after 5 s, 10 s, 20 s … up to 60 s, and once more when the time is up", async () => {
  const { storage, clock, repo, other } = await setUp();
  await putLock(other, { exclusive: true });
  const waits: number[] = [];
  const holders: string[] = [];
  storage.calls.length = 0;
  const attempt = withLock(
    repo,
    {
      exclusive: false,
      retryLockMs: 3 * minute,
      sleep: clock.sleep,
      onWait: (holder, waitedMs) => {
        holders.push(holder);
        waits.push(waitedMs);
      },
    },
    async () => "taken",
  );
  attempt.catch(() => undefined);
  await clock.advance(10 * minute);
  await assert.rejects(attempt, { code: "lock-held" });
  assert.deepEqual(
    waits.map((wait) => wait / second),
    [0, 5, 15, 35, 75, 135],
  );
  assert.match(holders[0] ?? "", /process 4 of ann on elsewhere/);
  assert.equal(storage.keysOf("list").length, 7);
  assert.equal(storage.keysOf("get").length, 1, "a lock file is read once");
});

test("a repository that becomes free while we wait is taken", async () => {
  const { clock, repo, other } = await setUp();
  const foreign = await putLock(other, { exclusive: true });
  const holder = new Holder(repo, clock);
  await clock.advance(20 * second);
  await other.remove("lock", foreign);
  await clock.advance(30 * second);
  await holder.taken;
  await holder.release();
});

test("a cancel ends the waiting", async () => {
  const { clock, repo, other } = await setUp();
  await putLock(other, { exclusive: true });
  const controller = new AbortController();
  const holder = new Holder(repo, clock, { signal: controller.signal });
  await clock.advance(2 * second);
  controller.abort();
  await assert.rejects(holder.done, { code: "cancelled" });
  assert.equal((await lockIds(repo)).length, 1);
});

test("a stale lock of another process is respected while taking one", async () => {
  const { clock, repo, other } = await setUp();
  const old = formatTime(BigInt(clock.now() - 3 * 60 * minute) * 1_000_000n);
  await putLock(other, { exclusive: true, time: old });
  const attempt = withLock(repo, { exclusive: false, retryLockMs: 0, sleep: clock.sleep }, async () => "taken");
  await assert.rejects(attempt, { code: "lock-held" });
});

test("a lock that cannot be read is looked at four times with pauses of 5, 10 and 20 s, then named", async () => {
  const { storage, clock, repo } = await setUp();
  const key = `locks/${"a".repeat(64)}`;
  await storage.put(key, Buffer.from("being written"));
  storage.calls.length = 0;
  const holder = new Holder(repo, clock);
  await clock.advance(34_999);
  assert.equal(storage.keysOf("list").length, 3);
  await clock.advance(1);
  await assert.rejects(holder.done, (error: Error & { code: string }) => {
    assert.match(error.message, /a{64}/);
    return error.code === "lock-malformed";
  });
});

test("a lock that cannot be read at first and then is gone, or is empty, does not matter", async () => {
  const { storage, clock, repo } = await setUp();
  await storage.put(`locks/${"b".repeat(64)}`, Buffer.alloc(0));
  const key = `locks/${"a".repeat(64)}`;
  await storage.put(key, Buffer.from("being written"));
  const holder = new Holder(repo, clock);
  await clock.advance(second);
  await storage.delete(key);
  await clock.advance(5 * second);
  await holder.taken;
  await holder.release();
});

test("all shared locks of one open repository use one file, which goes with the last of them", async () => {
  const { clock, repo } = await setUp();
  const first = new Holder(repo, clock);
  const joined = new Holder(repo, clock);
  await clock.advance(200);
  await Promise.all([first.taken, joined.taken]);
  const third = new Holder(repo, clock);
  await third.taken;
  assert.equal((await lockIds(repo)).length, 1);
  await first.release();
  await third.release();
  assert.equal((await lockIds(repo)).length, 1);
  await joined.release();
  assert.equal((await lockIds(repo)).length, 0);
});

test("whoever joins a lock that is being taken begins anew when the first one gives up", async () => {
  const { clock, repo, other } = await setUp();
  const foreign = await putLock(other, { exclusive: true });
  const controller = new AbortController();
  const first = new Holder(repo, clock, { signal: controller.signal });
  const waits: number[] = [];
  const joined = new Holder(repo, clock, { onWait: (_, waitedMs) => waits.push(waitedMs) });
  await clock.advance(10 * second);
  controller.abort();
  await assert.rejects(first.done, { code: "cancelled" });
  await other.remove("lock", foreign);
  await clock.advance(minute);
  await joined.taken;
  assert.ok(waits.length > 0, "who joins hears of the waiting, too");
  await joined.release();
  assert.deepEqual(await lockIds(repo), []);
});

test("the lock is refreshed every five minutes by a new file with a new time, and the old one goes", async () => {
  const { clock, repo } = await setUp();
  const holder = await hold(repo, clock);
  const seen = new Set<string>();
  for (let round = 0; round < 4; round++) {
    const ids = await lockIds(repo);
    assert.equal(ids.length, 1);
    seen.add(ids[0] as string);
    await clock.advance(5 * minute + second);
    const { locks } = await listLocks(repo);
    const age = clock.now() - Date.parse(locks[0]?.lock.time ?? "");
    assert.ok(age <= 5 * second, `${age} ms old`);
  }
  assert.equal(seen.size, 4);
  await holder.release();
  assert.deepEqual(await lockIds(repo), []);
});

test("a refresh that fails is tried again each minute, without harm before the lock expires", async () => {
  const { storage, clock, repo } = await setUp();
  const holder = await hold(repo, clock);
  storage.plan = (call) => {
    if (call.method === "put") throw unavailable(call);
    return undefined;
  };
  storage.calls.length = 0;
  await clock.advance(20 * minute);
  const tries = storage.keysOf("put").length;
  assert.ok(tries >= 12 && tries <= 16, `${tries} tries`);
  storage.plan = () => undefined;
  await clock.advance(2 * minute);
  assert.equal(holder.signal?.aborted, false);
  await repo.storage.put("data/aa/x", Buffer.from("x"));
  await holder.release();
  assert.deepEqual(await lockIds(repo), []);
});

test("when the time is up and the store does not answer, writes fail and the work's signal fires with lock-lost", async () => {
  const { storage, clock, repo } = await setUp();
  const holder = await hold(repo, clock);
  storage.plan = (call) => {
    if (call.key.startsWith("locks/")) throw unavailable(call);
    return undefined;
  };
  await clock.advance(22.4 * minute);
  assert.equal(holder.signal?.aborted, false);
  await clock.advance(minute);
  assert.equal(holder.signal?.aborted, true);
  await assert.rejects(repo.storage.put("data/aa/x", Buffer.from("x")), { code: "lock-lost" });
  await assert.rejects(repo.storage.delete("data/aa/x"), { code: "lock-lost" });
  assert.deepEqual(await storedKeys(storage, "data/"), []);
  holder.fail(holder.signal?.reason as Error);
  await assert.rejects(holder.done, { code: "lock-lost" });
  storage.plan = () => undefined;
  await repo.storage.put("data/aa/x", Buffer.from("x"));
});

test("the work that ends as cancelled after its lock was lost is reported as lock-lost", async () => {
  const { storage, clock, repo } = await setUp();
  const holder = await hold(repo, clock);
  storage.plan = (call) => {
    if (call.method === "put") throw unavailable(call);
    return undefined;
  };
  await clock.advance(23 * minute);
  holder.fail(new RepositoryError("cancelled", "stopped"));
  await assert.rejects(holder.done, { code: "lock-lost" });
});

test("after a suspend the lock is taken back while its file is still there, and writes wait for that", async () => {
  const { storage, clock, repo } = await setUp();
  const holder = await hold(repo, clock);
  const [before] = await lockIds(repo);
  // While the lock is in doubt: a write that comes now must wait.
  let written = false;
  storage.plan = ({ method, key }) => {
    if (method !== "list" || written) return undefined;
    storage.plan = () => undefined;
    void repo.storage.put("data/aa/x", Buffer.from(key)).then(() => {
      written = true;
    });
    return settle();
  };
  await clock.jump(60 * minute);
  await clock.advance(199);
  assert.equal(written, false);
  await clock.advance(1);
  assert.equal(written, true);
  assert.equal(holder.signal?.aborted, false);
  const ids = await lockIds(repo);
  assert.equal(ids.length, 1);
  assert.notEqual(ids[0], before);
  await holder.release();
  assert.deepEqual(await lockIds(repo), []);
});

test("after a suspend the lock is lost when another process has removed its file", async () => {
  for (const moment of ["before", "meanwhile"] as const) {
    const { clock, repo } = await setUp();
    const holder = await hold(repo, clock);
    const [id] = await lockIds(repo);
    if (moment === "before") await repo.storage.delete(`locks/${id}`);
    await clock.jump(60 * minute);
    if (moment === "meanwhile") await repo.storage.delete(`locks/${id}`);
    await clock.advance(second);
    assert.equal(holder.signal?.aborted, true, moment);
    holder.fail(holder.signal?.reason as Error);
    await assert.rejects(holder.done, { code: "lock-lost" });
    assert.deepEqual(await lockIds(repo), []);
  }
});

test("a store that forbids deleting gives a warning, and the newest file counts", async () => {
  const { storage, clock, repo } = await setUp();
  const warnings: string[] = [];
  const holder = await hold(repo, clock, { onWarning: (message) => warnings.push(message) });
  storage.plan = (call) => {
    if (call.method === "delete") throw unavailable(call);
    return undefined;
  };
  await clock.advance(6 * minute);
  assert.equal(warnings.length, 1);
  assert.equal((await lockIds(repo)).length, 2);
  await clock.advance(30 * minute);
  assert.equal(holder.signal?.aborted, false);
  await holder.release();
});

test("removeStaleLocks removes locks older than 30 minutes and those of dead processes of this host, no others", async () => {
  const { clock, repo } = await setUp();
  const at = (ageMs: number): string => formatTime(BigInt(clock.now() - ageMs) * 1_000_000n);
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  const kept = [
    await putLock(repo, { time: at(29 * minute) }),
    await putLock(repo, { hostname: "host-1", pid: process.pid }),
    await putLock(repo, { hostname: "elsewhere", pid: dead }),
  ];
  await putLock(repo, { time: at(31 * minute) });
  await putLock(repo, { hostname: "host-1", pid: dead });
  assert.equal(await removeStaleLocks(repo), 2);
  assert.deepEqual((await lockIds(repo)).sort(), kept.sort());
  await repo.storage.put(`locks/${"c".repeat(64)}`, Buffer.from("damaged"));
  assert.equal(await removeStaleLocks(repo), 0);
  assert.equal(await removeStaleLocks(repo, { all: true }), 4);
  assert.deepEqual(await lockIds(repo), []);
});

test("removeStaleLocks can also remove what the caller knows to be left behind", async () => {
  const { repo } = await setUp();
  await putLock(repo, { extra: { node: "n1", pod: "old" } });
  const kept = [
    await putLock(repo, { extra: { node: "n2", pod: "old" } }),
    await putLock(repo, { extra: { node: "n1", pod: "new" } }),
    await putLock(repo, {}),
  ];
  const also = ({ extra }: LockFile): boolean => extra?.node === "n1" && extra.pod !== "new";
  assert.equal(await removeStaleLocks(repo, { also }), 1);
  assert.deepEqual((await lockIds(repo)).sort(), kept.sort());
});
