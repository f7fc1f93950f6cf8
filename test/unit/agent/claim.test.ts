import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptsOf, claimPatch, isClaimedBy, releasePatch, wasClaimedOn } from "../../../agent/claim.ts";

const nowMs = Date.UTC(2024, 0, 1);
const object = (annotations: Record<string, string>) => ({
  metadata: { name: "x", resourceVersion: "7", annotations },
});

test("a claim is bound to the version that was seen and counts the attempt", () => {
  const patch = claimPatch(object({ "stowage.dev/attempts": "1" }), "n/abc", nowMs);
  assert.deepEqual(patch, {
    metadata: {
      resourceVersion: "7",
      annotations: { "stowage.dev/claimed-by": "n/abc", "stowage.dev/attempts": "2" },
    },
    status: { phase: "InProgress", startTimestamp: "2024-01-01T00:00:00Z", message: null },
  });
});

test("a release that counts keeps the attempt", () => {
  const patch = releasePatch(object({ "stowage.dev/attempts": "2" }), "lock lost", true);
  assert.match(JSON.stringify(patch), /"stowage.dev\/attempts":"2"/);
});

test("a release gives the attempt back and leaves the object as New", () => {
  const patch = releasePatch(object({ "stowage.dev/attempts": "2" }), "stopped", false) as {
    metadata: { annotations: Record<string, unknown> };
    status: { phase: string };
  };
  assert.equal(patch.metadata.annotations["stowage.dev/attempts"], "1");
  assert.equal(patch.metadata.annotations["stowage.dev/claimed-by"], null);
  assert.equal(patch.status.phase, "New");
});

test("attempts that are no number count as none", () => {
  for (const text of ["", "x", "-3", "1.5"]) assert.equal(attemptsOf(object({ "stowage.dev/attempts": text })), 0);
  assert.equal(attemptsOf(object({})), 0);
});

test("a claim tells the process and the node, and no node is taken for another that it begins with", () => {
  const claimed = object({ "stowage.dev/claimed-by": "node-1/abc" });
  assert.equal(isClaimedBy(claimed, "node-1/abc"), true);
  assert.equal(isClaimedBy(claimed, "node-1/def"), false);
  assert.equal(wasClaimedOn(claimed, "node-1"), true);
  assert.equal(wasClaimedOn(claimed, "node"), false);
});
