import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Schedule } from "../../../../../src/api/schedule.ts";
import { makeBackup } from "../../../../../src/server/schedule/make-backup.ts";

const run = { dueMs: Date.UTC(2026, 2, 1, 2, 0, 0), nowMs: Date.UTC(2026, 2, 1, 2, 3, 4, 567) };

function schedule(spec: Partial<Schedule["spec"]> = {}, metadata: Partial<Schedule["metadata"]> = {}): Schedule {
  return {
    metadata: { name: "nightly", namespace: "velero", uid: "u-1", ...metadata },
    spec: { schedule: "@daily", template: { ttl: "1h", includedNamespaces: ["shop"] }, ...spec },
  };
}

describe("makeBackup", () => {
  it("is named by the time at which it is made, in UTC, and has the template's spec", () => {
    const { metadata, spec } = makeBackup(schedule(), run);
    assert.deepEqual([metadata.name, metadata.namespace], ["nightly-20260301020304", "velero"]);
    assert.deepEqual(spec, { ttl: "1h", includedNamespaces: ["shop"] });
    assert.deepEqual(metadata.labels, { "velero.io/schedule-name": "nightly" });
    assert.deepEqual(metadata.annotations, { "stowage.dev/scheduled-for": "2026-03-01T02:00:00Z" });
    assert.equal(metadata.ownerReferences, undefined);
  });

  it("has the schedule's labels, or those of the template instead", () => {
    const labels = { team: "a" };
    assert.equal(makeBackup(schedule({}, { labels }), run).metadata.labels?.team, "a");
    const own = makeBackup(schedule({ template: { metadata: { labels: { tier: "b" } } } }, { labels }), run);
    assert.deepEqual(own.metadata.labels, { tier: "b", "velero.io/schedule-name": "nightly" });
  });

  it("has the schedule's annotations but those that are about the schedule itself", () => {
    const annotations = {
      "velero.io/pod-volume-timeout": "2h",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "stowage.dev/conditions": "[]",
      "stowage.dev/start-jitter": "10m",
    };
    const made = makeBackup(schedule({}, { annotations }), run).metadata.annotations;
    assert.deepEqual(Object.keys(made ?? {}).sort(), ["stowage.dev/scheduled-for", "velero.io/pod-volume-timeout"]);
  });

  it("belongs to the schedule where that is asked for", () => {
    const { ownerReferences } = makeBackup(schedule({ useOwnerReferencesInBackup: true }), run).metadata;
    const owner = { apiVersion: "velero.io/v1", kind: "Schedule", name: "nightly", uid: "u-1", controller: true };
    assert.deepEqual(ownerReferences, [owner]);
  });

  it("cuts a long name for the label, which has room for 63 characters", () => {
    const { metadata } = makeBackup(schedule({}, { name: "n".repeat(100) }), run);
    assert.equal(metadata.labels?.["velero.io/schedule-name"]?.length, 63);
    assert.equal(metadata.name, `${"n".repeat(100)}-20260301020304`);
  });
});
