import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { RestoreProgress, RestoreWarning } from "../../../../repo-format/restorer/restore-options.ts";
import { RestoreReport } from "../../../../repo-format/restorer/restore-report.ts";

test("a report without errors has no failure", () => {
  const report = new RestoreReport({}, () => 0);
  report.note("device", "/dev/x", "left out");
  const result = report.result();
  assert.equal(result.failure, undefined);
  assert.deepEqual([result.warningCount, result.errorCount], [1, 0]);
});

test("the failure is the first error with its code, details and the number of the others", () => {
  const warnings: RestoreWarning[] = [];
  const report = new RestoreReport({ onWarning: (warning) => warnings.push(warning) }, () => 0);
  report.note("metadata", "/a", "noted");
  report.fail("data", "/b", new RepositoryError("pack-missing", "pack p is gone", { details: { pack: "p" } }));
  report.fail("entry", "/c", new Error("second"));
  report.fail("entry", "/d", "third");
  const { failure, errorCount, warningCount } = report.result();
  assert.equal(failure?.code, "pack-missing");
  assert.deepEqual(failure.details, { pack: "p", path: "/b", errors: 3 });
  assert.match(failure.message, /"\/b".*pack p is gone \(and 2 more errors\)/);
  assert.deepEqual([errorCount, warningCount], [3, 4]);
  assert.deepEqual(warnings, report.result().warnings);
});

test("an error that is none of the engine's is about the target", () => {
  const report = new RestoreReport({}, () => 0);
  report.fail("metadata", "/a", "set mode: EIO");
  assert.equal(report.result().failure?.code, "target-unwritable");
});

test("only the first thousand warnings are kept, all are counted", () => {
  const report = new RestoreReport({}, () => 0);
  for (let number = 0; number < 1500; number++) report.note("metadata", `/${number}`, "x");
  assert.equal(report.result().warnings.length, 1000);
  assert.equal(report.result().warningCount, 1500);
});

test("progress has the counts of the moment and the time since the beginning", () => {
  let now = 5000;
  const seen: RestoreProgress[] = [];
  const report = new RestoreReport({ onProgress: (progress) => seen.push(progress) }, () => now);
  report.expect(10);
  report.progress();
  now += 1500;
  report.phase = "data";
  report.addBytes(10);
  report.restored("file restored", () => "/a", 10);
  report.progress();
  assert.deepEqual(
    seen.map(({ phase, bytesRestored, secondsElapsed }) => [phase, bytesRestored, secondsElapsed]),
    [
      ["plan", 0, 0],
      ["data", 10, 1.5],
    ],
  );
});
