// Lets one call to the store after the other go wrong, in every way in which a store can fail, and looks at the world
// afterwards: whatever happened, the repository must tell the truth and the next run must succeed.
import assert from "node:assert/strict";
import { RepositoryError } from "../../repo-format/errors.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { removeStaleLocks } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { usedBlobs } from "../../repo-format/repository/walk-trees.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { FaultyStorage, type StorageCall, unavailable } from "./faulty-storage.ts";
import { collect, reopen, storedKeys } from "./memory-repository.ts";

/** What goes wrong at one call. */
export type FaultKind = "refused" | "answer lost" | "broken off" | "cancelled" | "killed";

export const faultKinds: readonly FaultKind[] = ["refused", "answer lost", "broken off", "cancelled", "killed"];

/** No pauses; for everything that takes a lock. */
export const sweepTimings = { settleMs: 0, releaseMs: 1000, unreadablePausesMs: [0] } as const;

export interface SweepAttempt {
  /** A copy of the base, with the fault in it until the operation has ended. */
  readonly storage: FaultyStorage;
  readonly kind: FaultKind;
  /** The call that went wrong; undefined when the operation made fewer calls this time. */
  readonly failed: StorageCall | undefined;
  /** What the operation threw; undefined when it succeeded, or was killed. */
  readonly error: unknown;
  /** True when the operation came to its end without an error. */
  readonly isDone: boolean;
}

export interface Sweep {
  /** The store before the operation. */
  readonly base: ObjectStorage;
  readonly kinds?: readonly FaultKind[];
  /** The operation, by a process of its own. */
  readonly run: (storage: FaultyStorage, signal: AbortSignal) => Promise<unknown>;
  /** Looks at the world; the fault is over. */
  readonly judge: (attempt: SweepAttempt) => Promise<void>;
}

/** @returns how many calls the operation makes when nothing goes wrong. */
export async function sweepFaults(sweep: Sweep): Promise<number> {
  const calm = new FaultyStorage(await copyStore(sweep.base));
  await sweep.run(calm, new AbortController().signal);
  const callCount = calm.calls.length;
  await sweep.judge({ storage: calm, kind: "refused", failed: undefined, error: undefined, isDone: true });
  for (const kind of sweep.kinds ?? faultKinds) {
    for (let number = 1; number <= callCount; number++) await attempt(sweep, kind, number);
  }
  return callCount;
}

async function attempt(sweep: Sweep, kind: FaultKind, number: number): Promise<void> {
  const storage = new FaultyStorage(await copyStore(sweep.base));
  const controller = new AbortController();
  const killed = Promise.withResolvers<void>();
  const dead = Promise.withResolvers<void>();
  dead.promise.catch(() => {});
  storage.plan = (call) => {
    if (call.number < number) return undefined;
    if (kind === "killed") {
      // From this call on nothing of the old process reaches the store any more.
      killed.resolve();
      return dead.promise;
    }
    return call.number === number ? faultOf(kind, call, controller) : undefined;
  };
  let error: unknown;
  let isDone = false;
  const run = sweep.run(storage, controller.signal).then(
    () => {
      isDone = true;
    },
    (reason: unknown) => {
      error = reason;
    },
  );
  await Promise.race([run, killed.promise]);
  const failed = storage.calls[number - 1];
  const place = `${kind} at call ${number}, ${failed?.method} ${failed?.key}`;
  // The killed process keeps the old store: what it still does below is seen by nobody.
  const after = kind === "killed" ? new FaultyStorage(await copyStore(storage.beneath)) : storage;
  after.plan = () => undefined;
  try {
    if (error !== undefined) assert.ok(RepositoryError.is(error), `not an error of the engine: ${error}`);
    await sweep.judge({ storage: after, kind, failed, error, isDone });
  } catch (cause) {
    throw new Error(`${place}: ${(cause as Error).message}`, { cause });
  } finally {
    // Threads and descriptors are those of this process, after all.
    storage.plan = (call) => Promise.reject(unavailable(call));
    dead.reject(unavailable({ method: "put", key: "" }));
    await run;
  }
}

function faultOf(kind: FaultKind, call: StorageCall, controller: AbortController): ReturnType<FaultyStorage["plan"]> {
  if (kind === "cancelled") {
    controller.abort();
    return undefined;
  }
  if (kind === "answer lost" && call.method !== "list") return "after";
  if (kind === "broken off" && call.method === "list") return "midway";
  // Shorter than it should be: a store, or something on the way, that does not keep its contract.
  if (kind === "broken off" && call.method.startsWith("get")) return (bytes) => bytes.subarray(0, bytes.length / 2);
  throw unavailable(call);
}

/** The same objects in a store of its own. */
export async function copyStore(from: Pick<ObjectStorage, "list" | "get">): Promise<InMemoryStorage> {
  const copy = new InMemoryStorage();
  for (const key of await storedKeys(from)) await copy.put(key, await from.get(key));
  return copy;
}

/** What must hold after everything, seen by a process that opens the store afresh. @returns that process's repository */
export async function assertTruthful(storage: ObjectStorage): Promise<Repository> {
  const repo = await reopen(storage);
  const roots = (await collect(repo.snapshots())).map(({ snapshot }) => snapshot.tree);
  await repo.refreshIndex();
  assert.deepEqual((await usedBlobs(repo, roots)).missing, [], "a snapshot refers to a blob that is not there");
  const result = await check(repo, { lock: false, readData: { kind: "all" } });
  assert.deepEqual(
    result.findings.filter(({ severity }) => severity === "error"),
    [],
  );
  return repo;
}

/** As a user does after a crash. */
export async function unlock(storage: ObjectStorage): Promise<Repository> {
  const repo = await reopen(storage);
  await removeStaleLocks(repo, { all: true });
  return repo;
}
