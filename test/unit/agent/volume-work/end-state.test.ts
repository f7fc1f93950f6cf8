import assert from "node:assert/strict";
import { test } from "node:test";
import { Cancellation } from "../../../../agent/data-path/cancellation.ts";
import { TransferFailure } from "../../../../agent/data-path/transfer-failure.ts";
import { describeFailure, failureState, warningList } from "../../../../agent/volume-work/end-state.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";

test("a failure carries what was tried, why it failed and what to do", () => {
  const cause = new RepositoryError("pack-missing", "pack 0a1b is not in the store");
  const failure = new TransferFailure("data path restore failed", cause);
  const { message, reason } = describeFailure(failure, "restore");
  assert.match(message, /^data path restore failed: pack 0a1b is not in the store; run `stowage repo check`/);
  assert.equal(reason, "pack-missing");
});

test("a cancelled transfer is described in Velero's words", () => {
  const error = new Cancellation("requested", "x");
  assert.equal(describeFailure(error, "backup").message, "data path backup canceled: PVB is canceled");
  assert.equal(describeFailure(error, "restore").message, "data path restore canceled: PVR is canceled");
});

test("an error without a code is unexpected", () => {
  assert.deepEqual(describeFailure(new Error("odd"), "backup"), { message: "odd", reason: "unexpected" });
});

test("a failure state has phase, message and completion time", () => {
  assert.deepEqual(failureState("why", "code", Date.UTC(2024, 0, 1)), {
    status: { phase: "Failed", message: "why", completionTimestamp: "2024-01-01T00:00:00Z" },
    reason: "code",
  });
});

test("a list of warnings stays below what an annotation may hold, and is still JSON", () => {
  const warnings = Array.from({ length: 1000 }, (_, index) => ({
    path: `/some/folder/file${index}`,
    kind: "changed",
    message: "it changed while it was read".repeat(5),
  }));
  const text = warningList(warnings);
  assert.ok(text.length < 40_000);
  const kept = JSON.parse(text) as unknown[];
  assert.ok(kept.length > 10 && kept.length < 1000);
  assert.deepEqual(kept[0], warnings[0]);
});
