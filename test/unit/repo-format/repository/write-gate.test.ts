import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { GatedStorage, WriteGate } from "../../../../repo-format/repository/write-gate.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { settle } from "../../../support/manual-clock.ts";

const body = Buffer.from("x");
const lost = new RepositoryError("lock-lost", "lost");

test("writes wait while any barrier is frozen, reads and lock files pass", async () => {
  const gate = new WriteGate();
  const storage = new GatedStorage(new InMemoryStorage(), gate);
  await storage.put("data/aa/1", body);
  const [first, second] = [gate.addBarrier(), gate.addBarrier()];
  first.freeze();
  second.freeze();
  const written: string[] = [];
  const put = storage.put("data/aa/2", body).then(() => written.push("put"));
  const file = storage.putFile("data/aa/3", import.meta.filename).then(() => written.push("file"));
  const deletion = storage.delete("data/aa/1").then(() => written.push("delete"));
  await storage.put("locks/a", body);
  await storage.delete("locks/a");
  await storage.get("data/aa/1");
  first.thaw();
  await settle();
  assert.deepEqual(written, []);
  second.thaw();
  await Promise.all([put, file, deletion]);
});

test("writes fail after a barrier has failed, also those that wait, until it is removed", async () => {
  const gate = new WriteGate();
  const storage = new GatedStorage(new InMemoryStorage(), gate);
  const barrier = gate.addBarrier();
  barrier.freeze();
  const waiting = storage.put("data/aa/1", body);
  barrier.fail(lost);
  await assert.rejects(waiting, { code: "lock-lost" });
  await assert.rejects(storage.putFile("data/aa/1", import.meta.filename), { code: "lock-lost" });
  await assert.rejects(storage.delete("data/aa/1"), { code: "lock-lost" });
  barrier.remove();
  await storage.put("data/aa/1", body);
});

test("a write that waits can be cancelled", async () => {
  const gate = new WriteGate();
  const storage = new GatedStorage(new InMemoryStorage(), gate);
  gate.addBarrier().freeze();
  const controller = new AbortController();
  const waiting = storage.put("data/aa/1", body, { signal: controller.signal });
  await settle();
  controller.abort();
  await assert.rejects(waiting, { code: "cancelled" });
});

test("an append-only repository refuses to delete anything but locks, the hot half of one refuses to be written", async () => {
  const appendOnly = new GatedStorage(new InMemoryStorage(), new WriteGate(), { appendOnly: true });
  await appendOnly.put("data/aa/1", body);
  await assert.rejects(appendOnly.delete("data/aa/1"), { code: "storage-denied" });
  await appendOnly.delete("locks/a");
  const hot = new GatedStorage(new InMemoryStorage(), new WriteGate(), { isHot: true });
  await assert.rejects(hot.put("data/aa/1", body), { code: "repository-unsupported" });
});
