import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import { surplusDefaults } from "../../../../../src/server/storage-location/surplus-defaults.ts";

interface Write {
  readonly time: string;
  readonly field: "f:spec" | "f:status";
}

function location(name: string, isDefault: boolean, writes: readonly Write[] = []): BackupStorageLocation {
  const managedFields = writes.map(({ time, field }) => ({ time, fieldsV1: { [field]: { "f:default": {} } } }));
  const metadata = { name, creationTimestamp: "2026-01-01T00:00:00Z", managedFields };
  return { metadata, spec: { provider: "aws", objectStorage: { bucket: "b" }, default: isDefault } };
}

const namesOf = (...locations: BackupStorageLocation[]): string[] =>
  surplusDefaults(locations).map(({ metadata }) => metadata.name);

describe("surplusDefaults", () => {
  it("finds none where at most one location is the default", () => {
    assert.deepEqual(namesOf(), []);
    assert.deepEqual(namesOf(location("a", true), location("b", false)), []);
  });

  it("keeps the location that was made the default last", () => {
    const early = location("a", true, [{ time: "2026-02-01T00:00:00Z", field: "f:spec" }]);
    const late = location("b", true, [{ time: "2026-03-01T00:00:00Z", field: "f:spec" }]);
    assert.deepEqual(namesOf(early, late), ["a"]);
    assert.deepEqual(namesOf(late, early), ["a"]);
  });

  it("looks at writes of the default only, not at those of the status", () => {
    const validated = location("a", true, [{ time: "2026-09-01T00:00:00Z", field: "f:status" }]);
    const late = location("b", true, [{ time: "2026-03-01T00:00:00Z", field: "f:spec" }]);
    assert.deepEqual(namesOf(validated, late), ["a"]);
  });

  it("decides by name between those of the same moment, so that every server decides alike", () => {
    assert.deepEqual(namesOf(location("c", true), location("a", true), location("b", true)), ["b", "c"]);
  });
});
