import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hostPods } from "../../../../agent/doctor/host-pods.ts";
import { findingOf, patientWith } from "../../../support/doctor-patient.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("a folder is counted", async (t) => {
  const hostPodsDir = temporaryDirectory(t);
  mkdirSync(join(hostPodsDir, "uid"));
  const { outcome, message } = await findingOf(hostPods, patientWith({ hostPodsDir }));
  assert.deepEqual([outcome, message], ["ok", `${hostPodsDir} is there, with 1 entry`]);
});

test("one that is not there, or is a file, stops all work", async (t) => {
  const missing = await findingOf(hostPods, patientWith());
  assert.deepEqual([missing.outcome, missing.stopsWork], ["failed", true]);
  assert.match(missing.message, /nothing is mounted there/);
  const file = join(temporaryDirectory(t), "file");
  writeFileSync(file, "");
  const { message } = await findingOf(hostPods, patientWith({ hostPodsDir: file }));
  assert.match(message, /cannot be read: ENOTDIR/);
});
