import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratchFolder } from "../../../../agent/doctor/scratch-folder.ts";
import { findingOf, findingsOf, patientWith } from "../../../support/doctor-patient.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("folders are tried by writing, and nothing is left", async (t) => {
  const scratchDir = temporaryDirectory(t);
  const cacheDirectory = join(scratchDir, "cache");
  const findings = await findingsOf(scratchFolder, patientWith({ scratchDir, cacheDirectory }));
  assert.deepEqual(
    findings.map(({ outcome, subject }) => [outcome, subject]),
    [
      ["ok", scratchDir],
      ["ok", cacheDirectory],
    ],
  );
  assert.deepEqual([readdirSync(scratchDir), readdirSync(cacheDirectory)], [["cache"], []]);
});

test("a place that cannot be written to fails with the reason; without any place there is nothing to try", async (t) => {
  const file = join(temporaryDirectory(t), "file");
  writeFileSync(file, "");
  const { outcome, message, remedy } = await findingOf(scratchFolder, patientWith({ scratchDir: file }));
  assert.equal(outcome, "failed");
  assert.match(message, /nothing can be kept: E/);
  assert.match(remedy ?? "", /emptyDir/);
  assert.equal((await findingOf(scratchFolder, patientWith())).outcome, "skipped");
});
