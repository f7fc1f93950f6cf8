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

/** Sentences about what the API server would not take as a selector; empty when all is well. */
export function labelSelectorProblems({ matchLabels, matchExpressions }: LabelSelector): string[] {
  const equal = Object.entries(matchLabels ?? {}).flatMap(([key, value]) => nameProblems(key, [value]));
  const requirements = (matchExpressions ?? []).flatMap((requirement) => {
    const { key, operator, values } = requirement;
    if (isMet(requirement, {}) !== undefined) return nameProblems(key, values ?? []);
    if (operator === "In" || operator === "NotIn") return [`${key} ${operator} needs values`];
    if (operator === "Exists" || operator === "DoesNotExist") return [`${key} ${operator} takes no values`];
    return [`${key} has the unknown operator ${String(operator)}`];
  });
  return [...equal, ...requirements];
}

const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const keyPrefix = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function nameProblems(key: string, values: readonly string[]): string[] {
  const slash = key.indexOf("/");
  const isKey = labelName.test(key.slice(slash + 1)) && (slash < 0 || keyPrefix.test(key.slice(0, slash)));
  const wrong = values.filter((value) => value !== "" && !labelName.test(value));
  return [
    ...(isKey ? [] : [`${JSON.stringify(key)} cannot be the key of a label`]),
    ...wrong.map((value) => `${key}: ${JSON.stringify(value)} cannot be the value of a label`),
  ];
}
