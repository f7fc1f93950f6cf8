import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupRepository, BackupRepositoryStatus } from "../../../../../src/api/backup-repository.ts";
import { InstalledCrd } from "../../../../../src/kube/crd-lookup.ts";
import { maintenancePatch, pruneDueInMs } from "../../../../../src/server/backup-repository/maintenance-status.ts";

const nowMs = Date.UTC(2026, 0, 2);
const run = { startMs: nowMs, endMs: nowMs + 5000, failure: undefined };
const newCrd = new InstalledCrd({ properties: { status: { properties: { recentMaintenance: {} } } } });
const oldCrd = new InstalledCrd({ properties: { status: { properties: {} } } });

function repository(status: BackupRepositoryStatus = {}, annotations: Record<string, string> = {}): BackupRepository {
  const spec = { volumeNamespace: "shop", backupStorageLocation: "default", maintenanceFrequency: "1h" };
  return { metadata: { name: "r", annotations }, spec, status };
}

describe("pruneDueInMs", () => {
  it("is one period after the last maintenance", () => {
    const hourMs = 3_600_000;
    assert.equal(pruneDueInMs(repository({ lastMaintenanceTime: "2026-01-01T23:30:00Z" }), hourMs, nowMs), hourMs / 2);
    assert.ok(pruneDueInMs(repository({ lastMaintenanceTime: "2025-01-01T00:00:00Z" }), hourMs, nowMs) < 0);
    assert.equal(pruneDueInMs(repository(), hourMs, nowMs), hourMs, "never before: a period from now");
  });
});

describe("maintenancePatch", () => {
  it("moves the time of the last maintenance only when it succeeded", () => {
    const success = maintenancePatch(repository(), newCrd, run);
    assert.deepEqual(success, {
      metadata: { annotations: {} },
      status: {
        lastMaintenanceTime: "2026-01-02T00:00:05Z",
        recentMaintenance: [
          { result: "Succeeded", startTimestamp: "2026-01-02T00:00:00Z", completeTimestamp: "2026-01-02T00:00:05Z" },
        ],
      },
    });
    const { status } = maintenancePatch(repository(), newCrd, { ...run, failure: "locked" });
    assert.equal("lastMaintenanceTime" in status, false);
    assert.match(JSON.stringify(status), /"result":"Failed".*"message":"locked"/);
  });

  it("keeps the newest three results", () => {
    const recentMaintenance = ["a", "b", "c"].map((message) => ({ result: "Failed" as const, message }));
    const { status } = maintenancePatch(repository({ recentMaintenance }), newCrd, run);
    const kept = (status as BackupRepositoryStatus).recentMaintenance;
    assert.deepEqual(
      kept?.map(({ result, message }) => message ?? result),
      ["b", "c", "Succeeded"],
    );
  });

  it("keeps them as an annotation where the installed CRD has no such list, and reads that again", () => {
    const first = maintenancePatch(repository(), oldCrd, { ...run, failure: "locked" });
    const { annotations } = first.metadata as { annotations: Record<string, string> };
    assert.deepEqual(Object.keys(annotations), ["stowage.dev/recent-maintenance"]);
    const second = maintenancePatch(repository({}, annotations), oldCrd, run);
    const text = Object.values((second.metadata as { annotations: Record<string, string> }).annotations).join();
    assert.match(text, /locked.*Succeeded/);
    assert.deepEqual(second.status, { lastMaintenanceTime: "2026-01-02T00:00:05Z" });
  });

  it("takes a damaged annotation for none", () => {
    const { status } = maintenancePatch(repository({}, { "stowage.dev/recent-maintenance": "{" }), newCrd, run);
    assert.equal((status as BackupRepositoryStatus).recentMaintenance?.length, 1);
  });
});
