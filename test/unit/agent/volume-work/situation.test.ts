import assert from "node:assert/strict";
import { test } from "node:test";
import { situationOf } from "../../../../agent/volume-work/situation.ts";
import type { PodVolumePhase } from "../../../../src/api/phases.ts";

function object(phase: PodVolumePhase | "", change: { cancel?: boolean; uid?: string } = {}) {
  const { cancel = false, uid = "u1" } = change;
  return { metadata: { name: "x", uid }, spec: { cancel, pod: {}, volume: "v" }, status: { phase } };
}
const nothing = { object: undefined, transfer: undefined, isDue: false, isRefused: false, isOrphan: false };
const running = { uid: "u1", outcome: undefined };
const ended = { uid: "u1", outcome: { isSuccess: true } };

test("without a transfer of ours the phase decides", () => {
  const cases = [
    [nothing, "idle"],
    [{ ...nothing, object: object("") }, "idle"],
    [{ ...nothing, object: object(""), isDue: true }, "due"],
    [{ ...nothing, object: object("New"), isDue: true }, "due"],
    [{ ...nothing, object: object("New"), isDue: true, isRefused: true }, "refused"],
    [{ ...nothing, object: object("New"), isRefused: true }, "refused"],
    [{ ...nothing, object: object("InProgress"), isDue: true }, "idle"],
    [{ ...nothing, object: object("InProgress"), isOrphan: true }, "orphaned"],
    [{ ...nothing, object: object("Accepted"), isOrphan: true }, "orphaned"],
  ] as const;
  for (const [facts, expected] of cases) assert.equal(situationOf(facts), expected, JSON.stringify(facts));
});

test("what has ended is never touched again, whatever else is true", () => {
  for (const phase of ["Completed", "Failed", "Canceled"] as const) {
    const facts = { ...nothing, object: object(phase, { cancel: true }), isDue: true, isRefused: true, isOrphan: true };
    assert.equal(situationOf(facts), "idle");
  }
});

test("a transfer of ours counts more than the phase, which may be old news", () => {
  for (const phase of ["", "New", "InProgress"] as const) {
    assert.equal(situationOf({ ...nothing, object: object(phase), transfer: running, isDue: true }), "running");
    assert.equal(situationOf({ ...nothing, object: object(phase), transfer: ended, isDue: true }), "settled");
  }
});

test("cancelling reaches a running transfer, and comes too late for one that has ended", () => {
  const cancelled = object("InProgress", { cancel: true });
  assert.equal(situationOf({ ...nothing, object: cancelled, transfer: running }), "cancelled");
  assert.equal(situationOf({ ...nothing, object: cancelled, transfer: ended }), "settled");
});

test("an end that somebody else has written stops a running transfer", () => {
  for (const phase of ["Completed", "Failed", "Canceled"] as const) {
    assert.equal(situationOf({ ...nothing, object: object(phase), transfer: running }), "cancelled");
    assert.equal(situationOf({ ...nothing, object: object(phase), transfer: ended }), "settled");
  }
});

test("an object that is being deleted counts as gone", () => {
  const deleted = { ...object("New"), metadata: { name: "x", uid: "u1", deletionTimestamp: "2024-01-01T00:00:00Z" } };
  assert.equal(situationOf({ ...nothing, object: deleted, isDue: true, isRefused: true }), "idle");
  assert.equal(situationOf({ ...nothing, object: deleted, transfer: running }), "abandoned");
});

test("a transfer whose object is gone, or is another one of the same name, is abandoned", () => {
  assert.equal(situationOf({ ...nothing, transfer: running }), "abandoned");
  assert.equal(situationOf({ ...nothing, object: object("New", { uid: "u2" }), transfer: running }), "abandoned");
});
