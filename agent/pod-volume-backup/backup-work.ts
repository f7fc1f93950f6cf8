// What the agent has to know about PodVolumeBackups.

import { labels } from "../../src/api/names.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../src/api/resources.ts";
import { parseTimestamp } from "../../src/platform/clock.ts";
import type { AgentContext } from "../agent-context.ts";
import { LatencySeries } from "../agent-metrics.ts";
import type { RepositorySource } from "../data-path/repository-source.ts";
import type { VolumeWork } from "../volume-work/volume-work.ts";
import { countReport } from "./report.ts";
import { type BackupResult, backupRefusal, completedBackup, failedBackup } from "./status.ts";
import { transferBackup } from "./transfer.ts";

export function createBackupWork(
  context: AgentContext,
  repositories: RepositorySource,
): VolumeWork<PodVolumeBackup, BackupResult> {
  const { clock, config } = context;
  const latency = new LatencySeries(context.metrics);
  const isHere = (backup: PodVolumeBackup) => backup.spec.node === config.nodeName;
  return {
    resource: podVolumeBackups,
    direction: "backup",
    isDue: isHere,
    wasBegunHere: isHere,
    refusal: (backup) => (isHere(backup) ? backupRefusal(backup, clock.now()) : undefined),
    // Stored packs are found again, so starting over costs no more than what was not stored yet.
    takeOverProblem: (backup) => backupRefusal(backup, clock.now()),
    transfer: (backup, control) => transferBackup(context, repositories, backup, control),
    completed: (backup, result) => {
      const startMs = parseTimestamp(backup.status?.startTimestamp) ?? clock.now();
      latency.observe(Math.max(0, clock.now() - startMs) / 1000, latencyLabels(backup, config.nodeName));
      return completedBackup(result, clock.now());
    },
    failed: (_, error) => failedBackup(error, clock.now()),
    measure: (_, result) => ({
      bytes: result.totalBytes,
      addedBytes: result.addedBytes,
      files: result.fileCount,
      warnings: result.warningCount,
    }),
    count: (result) => countReport(context.metrics, result.report),
  };
}

/** As Velero fills them. */
function latencyLabels(backup: PodVolumeBackup, node: string) {
  const { name, namespace } = backup.metadata;
  const { backupStorageLocation, pod, uploaderType = "restic" } = backup.spec;
  return {
    node,
    operation: `${name}-${backupStorageLocation}-${pod.namespace ?? ""}-${uploaderType}-backup`,
    backupName: `${namespace}/${backup.metadata.labels?.[labels.backupName] ?? ""}`,
    pod_volume_backup: name,
  };
}
