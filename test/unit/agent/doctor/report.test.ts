import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckResult } from "../../../../agent/doctor/finding.ts";
import { isFine, jsonReport, textReport } from "../../../../agent/doctor/report.ts";

const results: readonly CheckResult[] = [
  { check: "clock", outcome: "ok", message: "within 1 s" },
  { check: "storage-location", subject: "default", outcome: "failed", message: "no bucket", remedy: "make it" },
  { check: "host-pods", outcome: "skipped", message: "not seen from here" },
];

test("the text has a line for each finding, what to do below it, and a sum", () => {
  assert.equal(
    textReport(results),
    [
      "ok       clock                     within 1 s",
      "failed   storage-location default  no bucket",
      "                                   to do: make it",
      "skipped  host-pods                 not seen from here",
      "",
      "1 ok, 0 warnings, 1 failed, 1 skipped",
      "",
    ].join("\n"),
  );
});

test("the JSON is one object with everything; warnings and skipped checks are no failure", () => {
  const head = { place: "pod", namespace: "velero", nodeName: "n" } as const;
  assert.deepEqual(JSON.parse(jsonReport(results, head)), { ok: false, ...head, checks: results });
  assert.equal(isFine(results), false);
  assert.equal(isFine(results.filter(({ outcome }) => outcome !== "failed")), true);
});
