import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import {
  type ExclusiveLockOptions,
  refuseWithoutLock,
  underExclusiveLock,
} from "../../../../repo-format/maintenance/exclusive-lock.ts";
import { createTestRepository, storedKeys } from "../../../support/memory-repository.ts";

const lockTimings = { settleMs: 0 };

test("underExclusiveLock holds one lock file while the work runs and passes its signal on", async () => {
  const repo = await createTestRepository();
  const options: ExclusiveLockOptions = { lockTimings };
  const held = await underExclusiveLock(repo, options, async ({ signal }) => {
    assert.ok(signal !== undefined && !signal.aborted);
    return (await storedKeys(repo.storage, "locks/")).length;
  });
  assert.equal(held, 1);
  assert.deepEqual(await storedKeys(repo.storage, "locks/"), []);
});

test("underExclusiveLock takes none when it is told so", async () => {
  const repo = await createTestRepository();
  assert.deepEqual(await underExclusiveLock(repo, { lock: false }, () => storedKeys(repo.storage, "locks/")), []);
});

test("refuseWithoutLock lets dry runs do without a lock, nothing else", () => {
  refuseWithoutLock({ lock: false, dryRun: true });
  refuseWithoutLock({});
  assert.throws(
    () => refuseWithoutLock({ lock: false }),
    (error) => RepositoryError.is(error, "argument-invalid"),
  );
});
