// Numbers about resources as they are now, counted when somebody asks.
import type { BackupRepository } from "../../api/backup-repository.ts";
import { podVolumePhase, podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../api/pod-volume-restore.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import type { Metrics, Sample } from "../../platform/metrics.ts";

type Listed<T> = { readonly list: () => readonly T[] };

export interface StateSources {
  readonly repositories: Listed<BackupRepository>;
  readonly volumeBackups: Listed<PodVolumeBackup>;
  readonly volumeRestores: Listed<PodVolumeRestore>;
}

type VolumeObject = PodVolumeBackup | PodVolumeRestore;

export function serveStates(metrics: Metrics, sources: StateSources): void {
  const { repositories, volumeBackups, volumeRestores } = sources;
  const byDirection: readonly (readonly [string, Listed<VolumeObject>])[] = [
    ["backup", volumeBackups],
    ["restore", volumeRestores],
  ];
  const objects = "PodVolumeBackups and PodVolumeRestores that exist, by phase";
  metrics.sampledGauge("stowage_volume_objects", objects, ["direction", "phase"], () =>
    byDirection.flatMap(([direction, listed]) => countByPhase(direction, listed.list())),
  );
  const unclaimed = "When the oldest resource was made that no agent has begun; absent while there is none";
  metrics.sampledGauge("stowage_volume_objects_unclaimed_since_timestamp_seconds", unclaimed, ["direction"], () =>
    byDirection.flatMap(([direction, listed]) => oldestUnclaimed(direction, listed.list())),
  );
  metrics.sampledGauge("stowage_repository_ready", "1 when the repository is Ready, else 0", ["repository"], () =>
    repositories.list().map(({ metadata, status }) => ({
      labels: { repository: metadata.name },
      value: status?.phase === "Ready" ? 1 : 0,
    })),
  );
  const maintained = "When a repository was last pruned, or first found ready";
  metrics.sampledGauge("stowage_repository_last_maintenance_timestamp_seconds", maintained, ["repository"], () =>
    repositories.list().flatMap(({ metadata, status }) => {
      const ms = parseTimestamp(status?.lastMaintenanceTime);
      return ms === undefined ? [] : [{ labels: { repository: metadata.name }, value: ms / 1000 }];
    }),
  );
}

function countByPhase(direction: string, objects: readonly VolumeObject[]): Sample[] {
  const phases = Map.groupBy(objects, (object) => podVolumePhase(object));
  return [...phases].map(([phase, { length }]) => ({ labels: { direction, phase }, value: length }));
}

function oldestUnclaimed(direction: string, objects: readonly VolumeObject[]): Sample[] {
  const waiting = objects.filter((object) => podVolumeStage(object) === "unclaimed");
  const times = waiting.flatMap(({ metadata }) => parseTimestamp(metadata.creationTimestamp) ?? []);
  return times.length === 0 ? [] : [{ labels: { direction }, value: Math.min(...times) / 1000 }];
}
