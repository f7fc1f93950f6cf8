// Evaluates a LabelSelector against labels, as the API server would.

import type { LabelSelector, LabelSelectorRequirement } from "./kube-object.ts";

/** An empty selector matches everything. Undefined when the selector itself is invalid. */
export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>> = {},
): boolean | undefined {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  let matches = true;
  for (const requirement of selector.matchExpressions ?? []) {
    const met = isMet(requirement, labels);
    if (met === undefined) return undefined;
    matches &&= met;
  }
  return matches;
}

function isMet(requirement: LabelSelectorRequirement, labels: Readonly<Record<string, string>>): boolean | undefined {
  const value = labels[requirement.key];
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case "In":
      return values.length === 0 ? undefined : value !== undefined && values.includes(value);
    case "NotIn":
      return values.length === 0 ? undefined : value === undefined || !values.includes(value);
    case "Exists":
      return values.length > 0 ? undefined : value !== undefined;
    case "DoesNotExist":
      return values.length > 0 ? undefined : value === undefined;
    default:
      return undefined;
  }
}
