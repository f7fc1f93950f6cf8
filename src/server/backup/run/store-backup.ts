// The second half of a Backup's run: what came of it is counted, stored in the location and written on the Backup.
import type { BackupPhase, BackupStatus } from "../../../api/backup.ts";
import { backups } from "../../../api/resources.ts";
import type { HookCounts } from "../../hooks/exec-hook.ts";
import type { LocationStore } from "../../location-store/location-store.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import { backupTimeout } from "../backup-timeout.ts";
import { afterPatch, type BackupEnd, endPatch, tellEnd } from "../end-backup.ts";
import type { RunParts, SavedCluster } from "./save-cluster.ts";
import { timeOverText } from "./supervise-volumes.ts";
import { tellVolumes } from "./tell-volumes.ts";
import { untilStored } from "./until-stored.ts";
import { uploadBackup } from "./upload-backup.ts";

/** How many errors the Backup itself names; the results have all. */
const shownReasons = 5;

/** For a Backup whose volumes have all ended. */
export async function storeBackup(
  parts: RunParts,
  { items, volumes }: SavedCluster,
  { hooks, store }: { readonly hooks: HookCounts; readonly store: LocationStore },
): Promise<void> {
  const { context, record, log, run, tarball } = parts;
  const timeOver = backupTimeout(record.backup, context).isOver ? timeOverText(record, context) : undefined;
  const counts = tellVolumes(run.results, log, timeOver);
  const volumeInfo = await volumes.infos();
  const { path, sizeBytes } = await tarball.finish();
  const end = endOf(log, items.progress, hooks);
  await record.patch({ status: { ...end, phase: await finalizingPhase(end, context) } });
  const patch = endPatch(end, context);
  log.log.info("the backup has ended", { phase: end.phase, errors: end.errors, warnings: end.warnings });
  await untilStored(parts, async () => {
    const backup = await afterPatch(record.backup, patch, context);
    const volumeBackups = [...run.results.finished, ...run.results.lost];
    const { resourceList } = items;
    await uploadBackup(store, { backup, tarball: path, volumeBackups, volumeInfo, resourceList, log }, parts.signal);
  });
  tellEnd(await record.patch(patch), context);
  context.metrics.setTarballSize(record.backup, sizeBytes);
  context.metrics.countVolumes("completed", counts.completed);
  context.metrics.countVolumes("failed", counts.failed);
}

const finalizingPhases = {
  Completed: "Finalizing",
  PartiallyFailed: "FinalizingPartiallyFailed",
} as const satisfies Partial<Record<BackupPhase, BackupPhase>>;

interface RunEnd extends BackupEnd {
  readonly phase: keyof typeof finalizingPhases;
}

/** Velero knows the phase since 1.11; older CRDs refuse it. */
async function finalizingPhase(end: RunEnd, { crds }: RunParts["context"]): Promise<BackupPhase> {
  const phase = finalizingPhases[end.phase];
  const known = (await crds.find(backups))?.enumValues("status.phase");
  return known === undefined || known.includes(phase) ? phase : "InProgress";
}

function endOf(log: RunLog, progress: NonNullable<BackupStatus["progress"]>, hooks: HookCounts): RunEnd {
  const { warningCount, errorCount } = log;
  const reason = summarise(log);
  return {
    phase: errorCount > 0 ? "PartiallyFailed" : "Completed",
    errors: errorCount,
    warnings: warningCount,
    progress,
    ...(reason === "" ? {} : { failureReason: reason }),
    ...(hooks.attempted === 0 ? {} : { hookStatus: { hooksAttempted: hooks.attempted, hooksFailed: hooks.failed } }),
  };
}

/** The first errors: those of the whole Backup before those of single namespaces. */
function summarise({ errorCount, results }: RunLog): string {
  const { velero = [], cluster = [], namespaces = {} } = results.errors;
  const shown = [...velero, ...cluster, ...Object.values(namespaces).flat()].slice(0, shownReasons);
  const hidden = errorCount - shown.length;
  return [...shown, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join("; ");
}
