// Writing a Backup: patches that fail when somebody else has changed it, and its end with event, metrics and log line.
import type { Backup, BackupPhase, BackupStatus } from "../../api/backup.ts";
import { backups } from "../../api/resources.ts";
import { type EventText, involvedObject } from "../../kube/events.ts";
import { formatTimestamp } from "../../platform/clock.ts";
import type { BackupContext } from "./backup-context.ts";

export interface BackupPatch {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Partial<Backup["spec"]>;
  readonly status?: BackupStatus;
}

export interface BackupEnd extends BackupStatus {
  readonly phase: Extract<BackupPhase, "Completed" | "PartiallyFailed" | "Failed" | "FailedValidation">;
}

/** @returns the Backup as it is now. @throws KubeError "conflict" when it is not the one that was read. */
export async function patchBackup(backup: Backup, context: BackupContext, patch: BackupPatch): Promise<Backup> {
  const address = { namespace: context.namespace, name: backup.metadata.name };
  const metadata = { resourceVersion: backup.metadata.resourceVersion, ...patch.metadata };
  return await context.client.mergePatch(backups, address, { ...patch, metadata });
}

/** Writes an end phase; after that the Backup is never touched again. */
export async function endBackup(backup: Backup, context: BackupContext, end: BackupEnd): Promise<void> {
  const wasBegun = end.phase !== "FailedValidation";
  const completion = wasBegun ? { completionTimestamp: formatTimestamp(context.clock.now()) } : {};
  const ended = await patchBackup(backup, context, { status: { ...completion, ...end } });
  context.metrics.countEnd(ended);
  const { phase, errors = 0, warnings = 0 } = end;
  const reason = end.failureReason ?? end.validationErrors?.join("; ") ?? "";
  const facts = { backup: backup.metadata.name, phase, errors, warnings, ...(reason === "" ? {} : { reason }) };
  context.log[phase === "Completed" ? "info" : "warn"]("a backup ended", facts);
  tellAboutBackup(ended, context, {
    type: phase === "Completed" ? "Normal" : "Warning",
    reason: `Backup${phase}`,
    message: reason === "" ? summaryOf(end) : reason,
  });
}

function summaryOf({ progress, warnings = 0 }: BackupEnd): string {
  const volumes = `${progress?.itemsBackedUp ?? 0} volumes are backed up`;
  return warnings === 0 ? volumes : `${volumes}, with warnings: ${warnings}`;
}

/** An event that `kubectl describe backup` shows. */
export function tellAboutBackup(backup: Backup, context: BackupContext, text: EventText): void {
  context.events.record(involvedObject(backups, backup), text);
}
