import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import { ActiveRuns } from "../../../../../../src/server/backup/run/active-runs.ts";
import { RunLost } from "../../../../../../src/server/backup/run/run-lost.ts";
import { FakeClock } from "../../../../../support/fake-clock.ts";

const backup: Backup = { metadata: { name: "b", namespace: "velero", uid: "b-uid" }, spec: {} };

function volume(name: string, uid: string): PodVolumeBackup {
  const labels = { "velero.io/backup-uid": uid };
  return { metadata: { name, labels }, spec: {} as PodVolumeBackup["spec"], status: { phase: "Completed" } };
}

describe("ActiveRuns", () => {
  it("bring volumes to the Backup that they belong to", async () => {
    const runs = new ActiveRuns(new FakeClock());
    await runs.during(backup, async (run) => {
      runs.volumeChanged({ type: "added", object: volume("mine", "b-uid") });
      runs.volumeChanged({ type: "added", object: volume("other", "another") });
      assert.deepEqual(run.results.names, ["mine"]);
    });
    runs.volumeChanged({ type: "added", object: volume("late", "b-uid") });
  });

  it("end a run whose Backup is deleted, also when it only begins to be", async () => {
    const leaving = { ...backup, metadata: { ...backup.metadata, deletionTimestamp: "2024-05-01T00:00:00Z" } };
    const changes = [
      { type: "deleted", object: backup },
      { type: "updated", object: leaving, previous: backup },
    ] as const;
    for (const change of changes) {
      const runs = new ActiveRuns(new FakeClock());
      await runs.during(backup, async (run) => {
        runs.backupChanged({ type: "updated", object: backup, previous: backup });
        assert.equal(run.lost.aborted, false);
        runs.backupChanged(change);
        assert.ok(run.lost.reason instanceof RunLost && run.lost.reason.why === "deleted");
      });
    }
  });

  it("do not end the run of a new Backup because an old one of its name is gone", async () => {
    const runs = new ActiveRuns(new FakeClock());
    await runs.during(backup, async (run) => {
      runs.backupChanged({ type: "deleted", object: { ...backup, metadata: { ...backup.metadata, uid: "old" } } });
      assert.equal(run.lost.aborted, false);
    });
  });

  it("ring for those that wait for a namespace's repository", async () => {
    const clock = new FakeClock();
    const runs = new ActiveRuns(clock);
    await runs.during(backup, async (run) => {
      const bell = run.bellOf("app");
      const waiting = bell.wait(bell.count, 60_000, new AbortController().signal);
      runs.repositoryChanged("other");
      assert.equal(clock.pending, 1);
      runs.repositoryChanged("app");
      await waiting;
    });
  });
});
