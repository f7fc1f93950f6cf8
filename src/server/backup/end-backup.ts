// Writing a Backup: patches that fail when somebody else has changed it, and its end with event, metrics and log line.
import type { Backup, BackupPhase, BackupStatus } from "../../api/backup.ts";
import { annotations } from "../../api/names.ts";
import { backups } from "../../api/resources.ts";
import { type EventText, involvedObject } from "../../kube/events.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { type ConditionUpdate, conditionPatch } from "../status/conditions.ts";
import type { BackupContext } from "./backup-context.ts";

export interface BackupPatch {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    /** null removes one. */
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
  readonly spec?: Partial<Backup["spec"]>;
  readonly status?: BackupStatus;
  readonly conditions?: readonly ConditionUpdate[];
}

export interface BackupEnd extends BackupStatus {
  readonly phase: Extract<BackupPhase, "Completed" | "PartiallyFailed" | "Failed" | "FailedValidation">;
}

/** @returns the Backup as it is now. @throws KubeError "conflict" when it is not the one that was read. */
export async function patchBackup(
  backup: Backup,
  context: Pick<BackupContext, "client" | "namespace" | "crds" | "clock">,
  patch: BackupPatch,
): Promise<Backup> {
  const address = { namespace: context.namespace, name: backup.metadata.name };
  const { conditions, ...rest } = patch;
  const { metadata, status } = await conditionParts(backup, context, patch);
  return await context.client.mergePatch(backups, address, {
    ...rest,
    metadata: {
      resourceVersion: backup.metadata.resourceVersion,
      ...rest.metadata,
      annotations: { ...rest.metadata?.annotations, ...metadata.annotations },
    },
    ...(rest.status === undefined && status.conditions === undefined ? {} : { status: { ...rest.status, ...status } }),
  });
}

async function conditionParts(
  backup: Backup,
  { crds, clock }: Pick<BackupContext, "crds" | "clock">,
  { conditions, status }: Pick<BackupPatch, "conditions" | "status">,
): Promise<ReturnType<typeof conditionPatch>> {
  if (conditions === undefined) return { metadata: { annotations: {} }, status: {} };
  // One end has one time, in the location's file as in the cluster.
  const nowMs = parseTimestamp(status?.completionTimestamp) ?? clock.now();
  return conditionPatch(backup, conditions, { crd: await crds.find(backups), nowMs });
}

/** The Backup as it will be after a patch, for its file in the location. */
export async function afterPatch(
  backup: Backup,
  patch: BackupPatch,
  context: Pick<BackupContext, "crds" | "clock">,
): Promise<Backup> {
  const { metadata, status } = await conditionParts(backup, context, patch);
  const changed = { ...backup.metadata.annotations, ...patch.metadata?.annotations, ...metadata.annotations };
  const kept = Object.entries(changed).filter((entry): entry is [string, string] => entry[1] !== null);
  return {
    ...backup,
    metadata: { ...backup.metadata, annotations: Object.fromEntries(kept) },
    status: { ...backup.status, ...patch.status, ...status },
  };
}

/** What is patched at the end, whoever patches it. */
export function endPatch(end: BackupEnd, { clock }: Pick<BackupContext, "clock">): BackupPatch {
  const wasBegun = end.phase !== "FailedValidation";
  const completion = wasBegun ? { completionTimestamp: formatTimestamp(clock.now()) } : {};
  return {
    metadata: { annotations: { [annotations.claimedBy]: null, [annotations.openHooks]: null } },
    status: { ...completion, ...end },
    conditions: endConditions(end),
  };
}

function endConditions(end: BackupEnd): ConditionUpdate[] {
  const message = reasonOf(end);
  if (end.phase === "Completed") return [{ type: "Succeeded", status: "True", reason: "Completed", message }];
  if (end.phase !== "FailedValidation") return [{ type: "Succeeded", status: "False", reason: end.phase, message }];
  return [
    { type: "Accepted", status: "False", reason: "Invalid", message },
    { type: "Succeeded", status: "False", reason: "Invalid", message },
  ];
}

/** Writes an end phase of a Backup that has not run; after that it is never touched again. */
export async function endBackup(backup: Backup, context: BackupContext, end: BackupEnd): Promise<void> {
  tellEnd(await patchBackup(backup, context, endPatch(end, context)), context);
}

/** Event, metrics and log line, once for each Backup. */
export function tellEnd(ended: Backup, context: BackupContext): void {
  context.metrics.countEnd(ended);
  const { phase, errors = 0, warnings = 0 } = ended.status ?? {};
  const reason = reasonOf(ended.status ?? {});
  const facts = { backup: ended.metadata.name, phase, errors, warnings, ...(reason === "" ? {} : { reason }) };
  context.log[phase === "Completed" ? "info" : "warn"]("a backup ended", facts);
  tellAboutBackup(ended, context, {
    type: phase === "Completed" ? "Normal" : "Warning",
    reason: `Backup${phase}`,
    message: reason === "" ? summaryOf(ended.status ?? {}) : reason,
  });
}

function reasonOf({ failureReason, validationErrors }: BackupStatus): string {
  return failureReason ?? validationErrors?.join("; ") ?? "";
}

function summaryOf({ progress, warnings = 0 }: BackupStatus): string {
  const items = `${progress?.itemsBackedUp ?? 0} objects are backed up`;
  return warnings === 0 ? items : `${items}, with warnings: ${warnings}`;
}

/** An event that `kubectl describe backup` shows. */
export function tellAboutBackup(backup: Backup, context: Pick<BackupContext, "events">, text: EventText): void {
  context.events.record(involvedObject(backups, backup), text);
}
