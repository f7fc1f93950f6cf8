// The labels that a Backup asks for, as queries of the API server, so that only what is wanted crosses the network.
import type { BackupSpec } from "../../../api/backup.ts";
import type { LabelSelector, LabelSelectorRequirement } from "../../../api/kube-object.ts";
import { matchesLabels } from "../../../api/label-selector.ts";

type Selectors = Pick<BackupSpec, "labelSelector" | "orLabelSelectors">;

const notExcluded = "velero.io/exclude-from-backup!=true";

/** The objects of a kind are what these queries give together; several may give the same object. */
export function labelQueries(spec: Selectors): readonly string[] {
  const selectors = selectorsOf(spec);
  if (selectors.length === 0) return [notExcluded];
  return selectors.map((selector) => [...requirementsOf(selector), notExcluded].join(","));
}

/** True when the Backup takes only some of the objects of a kind. */
export function hasSelectors(spec: Selectors): boolean {
  return selectorsOf(spec).some((selector) => requirementsOf(selector).length > 0);
}

export function matchesSelectors(spec: Selectors, labels: Readonly<Record<string, string>> | undefined): boolean {
  const selectors = selectorsOf(spec);
  return selectors.length === 0 || selectors.some((selector) => matchesLabels(selector, labels) === true);
}

function selectorsOf({ labelSelector, orLabelSelectors }: Selectors): readonly LabelSelector[] {
  const several = orLabelSelectors ?? [];
  if (several.length > 0) return several;
  return labelSelector ? [labelSelector] : [];
}

function requirementsOf({ matchLabels, matchExpressions }: LabelSelector): readonly string[] {
  const equal = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...(matchExpressions ?? []).map(queryOf)];
}

function queryOf({ key, operator, values = [] }: LabelSelectorRequirement): string {
  switch (operator) {
    case "In":
      return `${key} in (${values.join(",")})`;
    case "NotIn":
      return `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
  }
}
