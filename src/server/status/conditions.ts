// Writes conditions into a merge patch: into `status.conditions` where the installed CRD keeps that field, into the annotation
// `stowage.dev/conditions` where it would be pruned (Velero's own CRDs).
import type { Condition } from "../../api/conditions.ts";
import type { KubeObject } from "../../api/kube-object.ts";
import { annotations } from "../../api/names.ts";
import type { InstalledCrd } from "../../kube/crd-lookup.ts";
import { formatTimestamp } from "../../platform/clock.ts";

export type ConditionUpdate = Omit<Condition, "lastTransitionTime">;

export interface WithConditions extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Parts of a merge patch; to be merged with what else is patched. */
export interface ConditionPatch {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly status: { readonly conditions?: readonly Condition[] };
}

/** The object's conditions with the updates in place; a time stamp changes only with the status. */
export function conditionPatch(
  object: WithConditions,
  updates: readonly ConditionUpdate[],
  { crd, nowMs }: { readonly crd: InstalledCrd | undefined; readonly nowMs: number },
): ConditionPatch {
  const known = conditionsOf(object);
  const untouched = known.filter(({ type }) => updates.every((update) => update.type !== type));
  const changed = updates.map((update): Condition => {
    const before = known.find(({ type }) => type === update.type);
    const isSame = before?.status === update.status;
    return { ...update, lastTransitionTime: isSame ? before.lastTransitionTime : formatTimestamp(nowMs) };
  });
  const conditions = [...untouched, ...changed];
  if (crd?.hasField("status.conditions") === true) return { metadata: { annotations: {} }, status: { conditions } };
  return { metadata: { annotations: { [annotations.conditions]: JSON.stringify(conditions) } }, status: {} };
}

/** From wherever they were kept; what is not readable counts as absent. */
export function conditionsOf(object: WithConditions): readonly Condition[] {
  if (object.status?.conditions !== undefined) return object.status.conditions;
  try {
    const kept: unknown = JSON.parse(object.metadata.annotations?.[annotations.conditions] ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}
