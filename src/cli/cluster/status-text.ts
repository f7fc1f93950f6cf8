// What a resource's status says in words: its phase, why it failed, its conditions.
import type { Condition } from "../../api/conditions.ts";
import type { KubeObject } from "../../api/kube-object.ts";
import { prunedFieldPrefix } from "../../api/names.ts";
import type { Outline } from "../output/outline.ts";
import { formatTime } from "./times.ts";

interface WithStatus extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly failureReason?: string;
    readonly validationErrors?: readonly string[] | null;
    readonly conditions?: readonly Condition[];
  };
}

/** "New" before anybody has looked at it, "Deleting" once it is going away. */
export function phaseOf({ metadata, status }: WithStatus): string {
  if (metadata.deletionTimestamp !== undefined) return "Deleting";
  return status?.phase === undefined || status.phase === "" ? "New" : status.phase;
}

/** Why it is not as it should be, on one line; "" when nothing is known. */
export function failureReasonOf(object: WithStatus): string {
  const { failureReason, validationErrors } = object.status ?? {};
  if (validationErrors !== undefined && validationErrors !== null && validationErrors.length > 0) {
    return validationErrors.join("; ");
  }
  if (failureReason !== undefined && failureReason !== "") return failureReason;
  const failed = conditionsOf(object).find(({ type, status }) => type === "Succeeded" && status === "False");
  return failed?.message ?? "";
}

/** From the status or, where the installed CRD does not keep them there, from the annotation that stands in for it. */
export function conditionsOf({ metadata, status }: WithStatus): readonly Condition[] {
  if (status?.conditions !== undefined) return status.conditions;
  try {
    const kept: unknown = JSON.parse(metadata.annotations?.[`${prunedFieldPrefix}conditions`] ?? "[]");
    return Array.isArray(kept) ? (kept as Condition[]) : [];
  } catch {
    return [];
  }
}

/** A section with one line for each condition; nothing where there is none. */
export function describeConditions(outline: Outline, object: WithStatus): void {
  const conditions = conditionsOf(object);
  if (conditions.length === 0) return;
  outline.gap().section("Conditions", () => {
    for (const { type, status, reason, message, lastTransitionTime } of conditions) {
      const since = formatTime(lastTransitionTime, "");
      outline.line(`${type}=${status} (${reason}${since === "" ? "" : `, since ${since}`}): ${message}`);
    }
  });
}

/** Name, namespace, labels and annotations, at the head of every description. */
export function describeMetadata(outline: Outline, { metadata }: KubeObject): void {
  outline.field("Name", metadata.name).field("Namespace", metadata.namespace ?? "");
  describeMap(outline, "Labels", metadata.labels);
  // kubectl's copy of the whole object is shown by nobody.
  const { [lastApplied]: _, ...annotations } = metadata.annotations ?? {};
  describeMap(outline, "Annotations", annotations);
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

export function describeMap(
  outline: Outline,
  label: string,
  record: Readonly<Record<string, string>> | null | undefined,
): void {
  const entries = Object.entries(record ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  outline.field(label, entries.length === 0 ? "<none>" : entries.map(([key, value]) => `${key}=${value}`).join("\n"));
}

/** Why the server refused to begin, if it did. */
export function describeValidationErrors(outline: Outline, errors: readonly string[] | null | undefined): void {
  if (errors !== null && errors !== undefined && errors.length > 0) outline.gap().list("Validation errors", errors);
}
