import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VolumeOutcomes } from "../../../../agent/volume-work/volume-outcomes.ts";
import type { Pod, Volume } from "../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../../../src/api/pod-volume-restore.ts";

const time = (hour: number): string => `2026-01-01T${String(hour).padStart(2, "0")}:00:00Z`;
const ms = (hour: number): number => Date.parse(time(hour));

interface Wish {
  readonly pod?: string;
  readonly volume?: string;
  readonly claim?: string;
  readonly phase?: "Completed" | "Failed" | "InProgress";
  readonly hour?: number;
  readonly cancel?: boolean;
  readonly report?: string;
}

function backup({
  pod = "web",
  volume = "data",
  claim,
  phase = "Completed",
  hour = 1,
  ...wish
}: Wish): PodVolumeBackup {
  const annotations = {
    ...(claim === undefined ? {} : { "velero.io/pvc-name": claim }),
    ...(wish.report === undefined ? {} : { "stowage.dev/report": wish.report }),
  };
  return {
    metadata: { name: "b", namespace: "velero", annotations },
    spec: {
      ...{ node: "anywhere", volume, backupStorageLocation: "default", repoIdentifier: "" },
      pod: { kind: "Pod", namespace: "app", name: pod, uid: `uid-${pod}` },
      ...(wish.cancel === undefined ? {} : { cancel: wish.cancel }),
    },
    status: {
      phase,
      startTimestamp: time(hour - 1),
      ...(phase === "InProgress" ? {} : { completionTimestamp: time(hour) }),
      progress: { totalBytes: 70, bytesDone: 70 },
      incrementalBytes: 7,
    },
  };
}

function pod(name: string, volumes: readonly Volume[], status: Pod["status"] = { phase: "Running" }): Pod {
  return { metadata: { name, namespace: "app", uid: `uid-${name}` }, spec: { containers: [], volumes }, status };
}

const data: Volume = { name: "data", emptyDir: {} };
const claimed: Volume = { name: "data", persistentVolumeClaim: { claimName: "notes" } };

function noted(...backups: PodVolumeBackup[]): VolumeOutcomes {
  const outcomes = new VolumeOutcomes();
  for (const one of backups) outcomes.noteBackup(one);
  return outcomes;
}

describe("VolumeOutcomes", () => {
  it("keeps the newest success and the newest failure, in whatever order they are listed", () => {
    const failed = { phase: "Failed" } as const;
    const outcomes = noted(backup({ hour: 3 }), backup({ hour: 1 }), backup({ ...failed, hour: 2 }), backup(failed));
    const [found] = outcomes.of([pod("web", [data])]);
    assert.deepEqual([found?.backup.successMs, found?.backup.failureMs], [ms(3), ms(2)]);
    assert.deepEqual([found?.namespace, found?.pod, found?.volume, found?.claim], ["app", "web", "data", ""]);
  });

  it("finds a claim's backup again in another pod, a pod's own volume only in this pod", () => {
    const outcomes = noted(backup({ pod: "old", claim: "notes" }), backup({ pod: "old", volume: "cache" }));
    const [found, ...others] = outcomes.of([pod("new", [claimed, { name: "cache", emptyDir: {} }])]);
    assert.deepEqual([found?.pod, found?.claim, found?.backup.successMs], ["new", "notes", ms(1)]);
    assert.deepEqual(others, []);
  });

  it("forgets what belongs to a pod that is gone, has ended or is ending", () => {
    const outcomes = noted(backup({}));
    assert.equal(outcomes.of([]).length, 0);
    assert.equal(outcomes.of([pod("web", [data], { phase: "Succeeded" })]).length, 0);
    const ending = pod("web", [data]);
    assert.equal(outcomes.of([{ ...ending, metadata: { ...ending.metadata, deletionTimestamp: time(2) } }]).length, 0);
  });

  it("counts no volume as failed that somebody has called off, and none that goes on", () => {
    const outcomes = noted(backup({ phase: "Failed", cancel: true }), backup({ phase: "InProgress" }));
    assert.equal(outcomes.of([pod("web", [data])]).length, 0);
  });

  it("takes figures from the status and the report of the last success", () => {
    const report = JSON.stringify({ bytesRead: 50, bytesNew: 6, bytesStored: 3, entries: { directories: 1 } });
    const [found] = noted(backup({ report, hour: 2 }), backup({ hour: 1 })).of([pod("web", [data])]);
    const figures = { seconds: 3600, sizeBytes: 70, readBytes: 50, newBytes: 6, storedBytes: 3, files: 0 };
    assert.deepEqual(found?.backup.figures, figures);
  });

  it("does with less where there is no report, or one that cannot be read", () => {
    for (const report of [undefined, "{", "null"]) {
      const [found] = noted(backup(report === undefined ? {} : { report })).of([pod("web", [data])]);
      assert.deepEqual([found?.backup.figures?.newBytes, found?.backup.figures?.files], [7, undefined], report);
    }
  });

  it("shows the restore of a pod's volume beside its backup", () => {
    const outcomes = noted(backup({}));
    const { metadata, spec, status } = backup({ hour: 4, phase: "Failed" });
    outcomes.noteRestore({ metadata, spec, status } as unknown as PodVolumeRestore);
    const [found] = outcomes.of([pod("web", [data])]);
    assert.deepEqual([found?.backup.successMs, found?.restore.failureMs], [ms(1), ms(4)]);
  });

  it("shows at most so many volumes, those that were backed up last, and remembers no more than it may", () => {
    const outcomes = new VolumeOutcomes(10);
    const volumes = Array.from({ length: 20 }, (_, at) => ({ name: `v${at}`, emptyDir: {} }));
    for (const [at, { name }] of volumes.entries()) outcomes.noteBackup(backup({ volume: name, hour: at + 1 }));
    const all = outcomes.of([pod("web", volumes)]).map(({ volume }) => volume);
    assert.ok(all.length <= 11 && all.includes("v19") && !all.includes("v0"), String(all));
    assert.deepEqual(
      outcomes.of([pod("web", volumes)], 2).map(({ volume }) => volume),
      ["v19", "v18"],
    );
  });
});
