import assert from "node:assert/strict";
import { test } from "node:test";
import { isBackupEnded, podVolumePhase, podVolumeStage, podVolumeStages } from "../../../../src/api/phases.ts";

test("an absent status, an absent phase and an empty phase all mean New", () => {
  for (const object of [{}, { status: {} }, { status: { phase: "" as const } }]) {
    assert.equal(podVolumePhase(object), "New");
    assert.equal(podVolumeStage(object), "unclaimed");
  }
});

test("only the three end phases are never touched again", () => {
  const ended = Object.entries(podVolumeStages).filter(([, stage]) => stage === "ended");
  assert.deepEqual(ended.map(([phase]) => phase).sort(), ["Canceled", "Completed", "Failed"]);
});

test("a phase that this program does not know counts as somebody else's work", () => {
  assert.equal(podVolumeStage({ status: { phase: "Strange" as "New" } }), "claimed");
});

test("isBackupEnded knows the four ends", () => {
  for (const phase of ["Completed", "PartiallyFailed", "Failed", "FailedValidation"]) {
    assert.equal(isBackupEnded({ status: { phase } }), true);
  }
  assert.equal(isBackupEnded({ status: { phase: "Finalizing" } }), false);
  assert.equal(isBackupEnded({}), false);
});
