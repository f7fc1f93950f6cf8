// A Backup that is under way while this process does not run it: the server was restarted, another server began it, or the
// last try failed with something that may pass. It is carried out anew, from the start.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { formatTimestamp } from "../../platform/clock.ts";
import type { BackupContext } from "./backup-context.ts";
import { endBackup, patchBackup } from "./end-backup.ts";
import { type BegunBackup, inSlot } from "./run/begun-backup.ts";
import { attemptsOf, claimAnnotations, claimantOf, maxAttempts } from "./run/run-claim.ts";
import { unsupportedFields } from "./validate-backup.ts";

export async function resumeBackup(
  backup: Backup,
  context: BackupContext,
  signal: AbortSignal,
): Promise<ReconcileResult | BegunBackup> {
  const claimant = claimantOf(backup);
  if (claimant !== undefined && claimant !== context.process) {
    const remainingMs = context.claims.remainingMs(backup);
    if (remainingMs > 0) return { requeueAfterMs: remainingMs };
  }
  const location = await locationOf(backup, context, signal);
  const problems = problemsOf(backup, location);
  if (location === undefined || problems.length > 0) {
    await endBackup(backup, context, { phase: "Failed", failureReason: problems.join("; "), errors: 1 });
    return {};
  }
  return await inSlot(context, signal, async () => {
    const claimed = await patchBackup(backup, context, {
      metadata: { annotations: claimAnnotations(backup, context.process, context.clock.now()) },
      status: {
        phase: "InProgress",
        // What another server began may lack it; the volumes' time is counted from it.
        ...(backup.status?.startTimestamp ? {} : { startTimestamp: formatTimestamp(context.clock.now()) }),
      },
    });
    context.claims.forget(backup.metadata.uid ?? "");
    context.log.info("a backup is carried out anew", { backup: backup.metadata.name, attempt: attemptsOf(claimed) });
    return { backup: claimed, location };
  });
}

/** Our own server has looked before it began; a Backup that another one began may hold anything. */
function problemsOf(backup: Backup, location: BackupStorageLocation | undefined): string[] {
  const problems = unsupportedFields(backup.spec);
  if (location === undefined)
    problems.push(`BackupStorageLocation ${backup.spec.storageLocation} does not exist any more`);
  if (attemptsOf(backup) >= maxAttempts)
    problems.push(
      `it was begun ${attemptsOf(backup)} times (annotation ${annotations.attempts}) and never came to its end`,
    );
  return problems;
}

async function locationOf(
  backup: Backup,
  { client, namespace }: BackupContext,
  signal: AbortSignal,
): Promise<BackupStorageLocation | undefined> {
  const name = backup.spec.storageLocation ?? "";
  return name === "" ? undefined : await client.find(backupStorageLocations, { namespace, name }, { signal });
}
