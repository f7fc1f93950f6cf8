import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { decodeLockFile, encodeLockFile } from "../../../../repo-format/format/lock-file.ts";

const lock = {
  time: "2024-01-02T03:04:05.678+01:00",
  exclusive: true,
  hostname: "node-1",
  username: "root",
  pid: 4711,
  uid: 1000,
  gid: 100,
} as const;

test("a lock survives both ways, with restic's keys in restic's order", () => {
  assert.equal(
    encodeLockFile(lock).toString(),
    '{"time":"2024-01-02T03:04:05.678+01:00","exclusive":true,"hostname":"node-1","username":"root","pid":4711,"uid":1000,"gid":100}',
  );
  assert.deepEqual(decodeLockFile(encodeLockFile(lock)), lock);
});

test("uid and gid are left out for root", () => {
  const rootLock = { ...lock, exclusive: false, uid: 0, gid: 0 };
  assert.match(encodeLockFile(rootLock).toString(), /"exclusive":false,.*"pid":4711}$/);
  assert.deepEqual(decodeLockFile(encodeLockFile(rootLock)), rootLock);
});

test("further texts are kept for people, other values ignored", () => {
  const marked = { ...lock, extra: { pod: "node-agent-x", program: "stowage <1>" } };
  assert.deepEqual(decodeLockFile(encodeLockFile(marked)), marked);
  const foreign = encodeLockFile(lock).toString().replace("}", ',"since":5}');
  assert.deepEqual(decodeLockFile(Buffer.from(foreign)), lock);
});

test("a damaged lock is refused", () => {
  for (const text of [
    "",
    "null",
    "{}",
    '{"time":"x"}',
    '{"time":"2024-01-02T03:04:05Z","pid":"1"}',
    '{"time":"2024-01-02T03:04:05Z","exclusive":1}',
  ]) {
    assert.throws(
      () => decodeLockFile(Buffer.from(text)),
      (error) => RepositoryError.is(error, "lock-malformed"),
      text,
    );
  }
});
