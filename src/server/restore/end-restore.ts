// Writing a Restore: patches that reach only the Restore that was read, and its end with event, metrics and log line.
import type { ConditionReason } from "../../api/conditions.ts";
import { restores } from "../../api/resources.ts";
import type { Restore, RestoreStatus } from "../../api/restore.ts";
import { type EventText, involvedObject } from "../../kube/events.ts";
import { formatTimestamp } from "../../platform/clock.ts";
import { type ConditionPatch, type ConditionUpdate, conditionPatch } from "../status/conditions.ts";
import type { RestoreContext } from "./restore-context.ts";
import type { RestoreEndPhase } from "./restore-metrics.ts";

export interface RestorePatch {
  readonly metadata?: {
    readonly finalizers?: readonly string[];
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Partial<Restore["spec"]>;
  readonly status?: RestoreStatus;
}

export interface RestoreEnd extends RestoreStatus {
  readonly phase: RestoreEndPhase;
}

/** `isSame`: fails with "conflict" when anybody has changed the Restore since it was read. */
export interface PatchOptions {
  readonly conditions?: readonly ConditionUpdate[];
  readonly isSame?: boolean;
}

/** @returns the Restore as it is now. @throws KubeError when it is another Restore of the same name. */
export async function patchRestore(
  restore: Restore,
  context: RestoreContext,
  patch: RestorePatch,
  { conditions = [], isSame = false }: PatchOptions = {},
): Promise<Restore> {
  const { name, uid, resourceVersion } = restore.metadata;
  const noted = conditions.length === 0 ? undefined : await notedConditions(restore, context, conditions);
  const metadata = { uid, ...(isSame ? { resourceVersion } : {}), ...patch.metadata };
  return await context.client.mergePatch(
    restores,
    { namespace: context.namespace, name },
    {
      ...patch,
      metadata: { ...metadata, annotations: { ...noted?.metadata.annotations, ...patch.metadata?.annotations } },
      status: { ...noted?.status, ...patch.status },
    },
  );
}

async function notedConditions(
  restore: Restore,
  { crds, clock }: RestoreContext,
  conditions: readonly ConditionUpdate[],
): Promise<ConditionPatch> {
  return conditionPatch(restore, conditions, { crd: await crds.find(restores), nowMs: clock.now() });
}

/** Writes an end phase; after that the Restore is left alone until it is deleted. */
export async function endRestore(
  restore: Restore,
  context: RestoreContext,
  { end, schedule }: { readonly end: RestoreEnd; readonly schedule: string },
): Promise<void> {
  const { phase, errors = 0, warnings = 0, failureReason, validationErrors } = end;
  const wasBegun = phase !== "FailedValidation";
  const message = failureReason ?? validationErrors?.join("; ") ?? "";
  const completion = wasBegun ? { completionTimestamp: formatTimestamp(context.clock.now()) } : {};
  const conditions: readonly ConditionUpdate[] = wasBegun
    ? [succeeded(phase, message)]
    : [{ type: "Accepted", status: "False", reason: "Invalid", message }, succeeded("Failed", message)];
  const ended = await patchRestore(restore, context, { status: { ...completion, ...end } }, { conditions });
  context.metrics.countEnd(phase, schedule);
  const facts = {
    restore: restore.metadata.name,
    phase,
    errors,
    warnings,
    ...(message === "" ? {} : { reason: message }),
  };
  context.log[phase === "Completed" ? "info" : "warn"]("a restore ended", facts);
  tellAboutRestore(ended, context, {
    type: phase === "Completed" ? "Normal" : "Warning",
    reason: `Restore${phase}`,
    message: message === "" ? summaryOf(end) : message,
  });
}

function succeeded(reason: ConditionReason & RestoreEndPhase, message: string): ConditionUpdate {
  return { type: "Succeeded", status: reason === "Completed" ? "True" : "False", reason, message };
}

function summaryOf({ progress, warnings = 0 }: RestoreEnd): string {
  const objects = `${progress?.itemsRestored ?? 0} objects are restored`;
  return warnings === 0 ? objects : `${objects}, with warnings: ${warnings}`;
}

/** An event that `kubectl describe restore` shows. */
export function tellAboutRestore(restore: Restore, context: RestoreContext, text: EventText): void {
  context.events.record(involvedObject(restores, restore), text);
}
