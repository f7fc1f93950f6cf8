// Checks the parts of a Backup's spec that choose its objects, before anything is read.
import type { BackupSpec } from "../../../api/backup.ts";
import type { LabelSelector } from "../../../api/kube-object.ts";
import { labelSelectorProblems } from "../../../api/label-selector.ts";
import { patternProblems } from "../../name-patterns/glob-pattern.ts";
import { usesScopedLists } from "./resource-filter.ts";

/** Sentences for status.validationErrors; empty when all is well. Namespaces are not looked at. */
export function validateItemFilters(spec: BackupSpec): readonly string[] {
  return [
    ...familyProblems(spec),
    ...listProblems(spec, "includedResources", "excludedResources"),
    ...listProblems(spec, "includedClusterScopedResources", "excludedClusterScopedResources"),
    ...listProblems(spec, "includedNamespaceScopedResources", "excludedNamespaceScopedResources"),
    ...selectorProblems(spec),
  ];
}

function familyProblems(spec: BackupSpec): readonly string[] {
  const usesOldFamily =
    (spec.includedResources ?? []).length > 0 ||
    (spec.excludedResources ?? []).length > 0 ||
    (spec.includeClusterResources ?? undefined) !== undefined;
  if (!usesOldFamily || !usesScopedLists(spec)) return [];
  return [
    "spec.includedResources, spec.excludedResources and spec.includeClusterResources cannot be used together with the " +
      "lists for cluster-scoped and namespace-scoped resources: use one of the two families",
  ];
}

type ListName = keyof BackupSpec & `${string}Resources`;

function listProblems(spec: BackupSpec, includedName: ListName, excludedName: ListName): readonly string[] {
  const included = (spec[includedName] ?? []) as readonly string[];
  const excluded = (spec[excludedName] ?? []) as readonly string[];
  const problems = included
    .filter((name) => excluded.includes(name))
    .map((name) => `${name} is in spec.${includedName} and in spec.${excludedName}`);
  for (const [field, list] of [[includedName, included] as const, [excludedName, excluded] as const]) {
    if (list.length > 1 && list.includes("*")) problems.push(`"*" in spec.${field} must stand alone`);
    if (list.some((name) => name.trim() === "")) problems.push(`spec.${field} has an empty name`);
    problems.push(...patternProblems(list).map((problem) => `spec.${field}: ${problem}`));
  }
  if (excludedName === "excludedResources" && excluded.includes("*"))
    problems.push('spec.excludedResources must not hold "*"');
  else if (excluded.includes("*") && included.length > 0)
    problems.push(`spec.${excludedName} holds "*", so spec.${includedName} must be empty`);
  return problems;
}

function selectorProblems({ labelSelector, orLabelSelectors }: BackupSpec): readonly string[] {
  const several = orLabelSelectors ?? [];
  const problems = several.flatMap((selector, index) => problemsOf(selector, `spec.orLabelSelectors[${index}]`));
  if (labelSelector) problems.push(...problemsOf(labelSelector, "spec.labelSelector"));
  if (labelSelector && several.length > 0)
    problems.push("spec.labelSelector and spec.orLabelSelectors cannot be used together");
  return problems;
}

function problemsOf(selector: LabelSelector, field: string): string[] {
  return labelSelectorProblems(selector).map((problem) => `${field}: ${problem}`);
}
