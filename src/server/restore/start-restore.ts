// The first step of a Restore: accepts or refuses it.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { Restore } from "../../api/restore.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { endRestore, patchRestore, tellAboutRestore } from "./end-restore.ts";
import { readRestoreRules } from "./objects/restore-rules.ts";
import { readPluginConfig } from "./objects/rules/plugin-config.ts";
import type { RestoreContext } from "./restore-context.ts";
import { findSource, scheduleNameLabel } from "./restore-source.ts";
import { validateRestore } from "./validate-restore.ts";
import { restoreWaitPlugin } from "./volumes/restore-wait-settings.ts";

/** Holds a Restore until what it left in its location is removed; Velero's own name for it. */
export const restoreFinalizer = "restores.velero.io/external-resources-finalizer";

/** A location that was just made is validated within a moment. */
const validationPollMs = 500;

export async function startRestore(
  restore: Restore,
  context: RestoreContext,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const specProblems = validateRestore(restore);
  const { backup, location, problems } =
    specProblems.length > 0 ? { problems: [] } : await findSource(restore, context, signal);
  if (location !== undefined && mayStillBeValidated(restore, location, context))
    return { requeueAfterMs: validationPollMs };
  const schedule = backup?.metadata.labels?.[scheduleNameLabel] ?? restore.spec.scheduleName ?? "";
  const validationErrors = [...specProblems, ...problems, ...(await configProblems(restore, context, signal))];
  if (validationErrors.length > 0 || backup === undefined) {
    const end = { phase: "FailedValidation", validationErrors } as const;
    await endRestore(restore, context, { end, schedule });
    context.metrics.countAttempt(schedule);
    return {};
  }
  const { finalizers = [], name } = restore.metadata;
  const backupName = backup.metadata.name;
  const started = await patchRestore(
    restore,
    context,
    {
      metadata: { finalizers: [...new Set([...finalizers, restoreFinalizer])] },
      spec: { backupName },
      status: { phase: "InProgress", startTimestamp: formatTimestamp(context.clock.now()) },
    },
    {
      isSame: true,
      conditions: [
        { type: "Accepted", status: "True", reason: "Valid", message: "" },
        { type: "Succeeded", status: "Unknown", reason: "Running", message: "" },
      ],
    },
  );
  context.metrics.countAttempt(schedule);
  context.log.info("a restore started", { restore: name, backup: backupName });
  tellAboutRestore(started, context, { type: "Normal", reason: "RestoreStarted", message: `restoring ${backupName}` });
  return { requeueAfterMs: 0 };
}

function mayStillBeValidated(restore: Restore, location: BackupStorageLocation, context: RestoreContext): boolean {
  if ((location.status?.phase ?? "") !== "") return false;
  const waitedMs = context.clock.now() - (parseTimestamp(restore.metadata.creationTimestamp) ?? 0);
  return waitedMs < context.settings.resourceTimeoutMs;
}

/** What is wrong in the ConfigMaps that the Restore depends on. */
async function configProblems(
  restore: Restore,
  { client, namespace }: RestoreContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { problems } = await readRestoreRules({ client, namespace, restore, signal });
  const { problem } = await readPluginConfig(restoreWaitPlugin, { client, namespace, signal });
  return problem === undefined ? problems : [...problems, problem];
}
