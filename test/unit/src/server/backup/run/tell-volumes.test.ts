import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumeBackup, PodVolumeBackupStatus } from "../../../../../../src/api/pod-volume-backup.ts";
import { tellVolumes } from "../../../../../../src/server/backup/run/tell-volumes.ts";
import { VolumeResults } from "../../../../../../src/server/backup/run/volume-results.ts";
import { ListRunLog } from "../../../../../support/list-run-log.ts";

function volume(name: string, status: PodVolumeBackupStatus, change: object = {}): PodVolumeBackup {
  return {
    metadata: { name, ...(change as { annotations?: Record<string, string> }) },
    spec: {
      ...{ node: "n1", volume: name, backupStorageLocation: "default", repoIdentifier: "r" },
      pod: { namespace: "app", name: "web" },
      ...("cancel" in change ? { cancel: true } : {}),
    },
    status,
  };
}

function told(volumes: readonly PodVolumeBackup[], timeOver?: string): { log: ListRunLog; counts: object } {
  const [results, log] = [new VolumeResults(), new ListRunLog()];
  for (const one of volumes) results.note(one);
  results.noteDeleted("deleted");
  return { log, counts: tellVolumes(results, log, timeOver) };
}

describe("tellVolumes", () => {
  it("makes an error of each volume that failed or was deleted, where its pod is", () => {
    const { log, counts } = told([
      volume("fine", { phase: "Completed" }),
      volume("bad", { phase: "Failed", message: "disk on fire" }),
      volume("silent", { phase: "Canceled" }),
      volume("deleted", { phase: "InProgress" }),
    ]);
    assert.deepEqual(log.errors, [
      "app: volume deleted of pod app/web: its PodVolumeBackup was deleted before it ended",
      "app: volume bad of pod app/web: disk on fire",
      "app: volume silent of pod app/web: no reason is given",
    ]);
    assert.deepEqual(counts, { completed: 1, failed: 3 });
  });

  it("says of those that were stopped that the time was over, once", () => {
    const { log } = told(
      [
        volume("asked", { phase: "Failed", message: "canceled" }, { cancel: true }),
        volume("ended", { phase: "Failed", message: "too late for us" }, { cancel: true }),
        volume("own", { phase: "Failed", message: "disk on fire" }),
      ],
      "too late",
    );
    assert.deepEqual(
      log.errors.map((line) => line.replace(/^.*web: /, "")),
      ["too late (canceled)", "too late for us", "disk on fire"],
    );
  });

  it("warns of files that are not stored as they are", () => {
    const warned = { annotations: { "stowage.dev/warnings": "[]" } };
    const { log } = told([
      volume("data", { phase: "Completed", message: "completed with 2 warnings" }, warned),
      volume("logs", { phase: "Completed" }, warned),
    ]);
    assert.match(log.warnings[0] ?? "", /volume data of pod app\/web: completed with 2 warnings/);
    assert.match(log.warnings[1] ?? "", /volume logs .* some files are not stored/);
    assert.equal(log.errorCount, 0);
  });
});
