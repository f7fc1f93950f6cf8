import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryLimit } from "../../../../agent/doctor/memory-limit.ts";
import { findingOf, patientWith } from "../../../support/doctor-patient.ts";

test("256 MiB are enough, less is a warning, and no limit is fine", async () => {
  const judge = async (memoryLimitBytes: number | undefined) =>
    (await findingOf(memoryLimit, patientWith({ memoryLimitBytes }))).outcome;
  assert.equal(await judge(undefined), "ok");
  assert.equal(await judge(256 * 1024 ** 2), "ok");
  assert.equal(await judge(255 * 1024 ** 2), "warning");
});
