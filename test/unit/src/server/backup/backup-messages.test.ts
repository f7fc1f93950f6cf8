import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../src/api/backup.ts";
import { planAnnotation, planRecord, readPlanRecord } from "../../../../../src/server/backup/backup-messages.ts";

const withAnnotation = (text: string): Backup => ({
  metadata: { name: "b", annotations: { [planAnnotation]: text } },
  spec: {},
});

describe("planRecord", () => {
  it("is read back from the annotation as it was written", () => {
    const record = planRecord(3, ["careful"], ["wrong", "very wrong"]);
    assert.deepEqual(readPlanRecord(withAnnotation(JSON.stringify(record))), record);
    assert.deepEqual([record.warningCount, record.errorCount], [1, 2]);
  });

  it("counts all messages, keeps the first fifty, and stays far below what annotations may hold", () => {
    const many = Array.from({ length: 5000 }, (_, index) => `${index} ${"x".repeat(5000)}`);
    const record = planRecord(0, many, many);
    assert.deepEqual([record.warningCount, record.warnings.length, record.errors.length], [5000, 50, 50]);
    assert.ok(JSON.stringify(record).length < 128 * 1024);
  });
});

describe("readPlanRecord", () => {
  it("knows nothing without the annotation, or when it was damaged", () => {
    assert.equal(readPlanRecord({ metadata: { name: "b" }, spec: {} }), undefined);
    assert.equal(readPlanRecord(withAnnotation("{")), undefined);
  });

  it("takes parts that are missing for empty", () => {
    assert.deepEqual(readPlanRecord(withAnnotation("{}")), planRecord(0, [], []));
  });
});
