// The filters of a Backup: two families that exclude each other, "*" that stands alone, selectors that can be evaluated.
import type { BackupSpec } from "../../api/backup.ts";
import type { LabelSelector } from "../../api/kube-object.ts";
import { matchesLabels } from "../../api/label-selector.ts";

type Names = readonly string[] | null | undefined;
type ListField = {
  [field in keyof BackupSpec]-?: readonly string[] extends BackupSpec[field] ? field : never;
}[keyof BackupSpec];

/** Velero's first filters, and those of 1.11 that tell the two scopes apart. */
const families = {
  first: ["includedResources", "excludedResources", "includeClusterResources"],
  scoped: [
    "includedClusterScopedResources",
    "excludedClusterScopedResources",
    "includedNamespaceScopedResources",
    "excludedNamespaceScopedResources",
  ],
} as const satisfies Record<string, readonly (keyof BackupSpec)[]>;

interface ListPair {
  readonly included: ListField;
  readonly excluded: ListField;
  /** "*" among the excluded ones means: nothing of that scope. */
  readonly mayExcludeAll: boolean;
}

const pairs: readonly ListPair[] = [
  { included: "includedResources", excluded: "excludedResources", mayExcludeAll: false },
  {
    included: "includedClusterScopedResources",
    excluded: "excludedClusterScopedResources",
    mayExcludeAll: true,
  },
  {
    included: "includedNamespaceScopedResources",
    excluded: "excludedNamespaceScopedResources",
    mayExcludeAll: true,
  },
];

/** RFC 1123 label, as the API server demands of a namespace's name. */
const namespaceName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Sentences for `status.validationErrors`. */
export function filterProblems(spec: BackupSpec): string[] {
  return [
    ...namespaceProblems(spec),
    ...familyProblems(spec),
    ...pairs.flatMap((pair) => pairProblems(spec, pair)),
    ...selectorProblems(spec),
  ];
}

function namespaceProblems(spec: BackupSpec): string[] {
  const included = spec.includedNamespaces ?? [];
  const excluded = spec.excludedNamespaces ?? [];
  const problems = inBoth(included, excluded).map((name) => `namespace ${name} is both included and excluded`);
  if (excluded.includes("*")) problems.push('spec.excludedNamespaces must not hold "*"');
  if (included.length > 1 && included.includes("*")) problems.push('"*" in spec.includedNamespaces must stand alone');
  for (const name of new Set([...included, ...excluded])) {
    if (name === "*" || namespaceName.test(name)) continue;
    const hint = /[*?[\]{}]/.test(name) ? "; patterns are not supported by this server yet" : "";
    problems.push(`${JSON.stringify(name)} is not the name of a namespace${hint}`);
  }
  return problems;
}

function familyProblems(spec: BackupSpec): string[] {
  const used = (fields: readonly (keyof BackupSpec)[]): string[] => fields.filter((field) => isSet(spec[field]));
  const [first, scoped] = [used(families.first), used(families.scoped)];
  if (first.length === 0 || scoped.length === 0) return [];
  const name = (fields: readonly string[]): string => fields.map((field) => `spec.${field}`).join(", ");
  return [`${name(first)} cannot be used together with ${name(scoped)}; keep one family of filters`];
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
}

function pairProblems(spec: BackupSpec, { included, excluded, mayExcludeAll }: ListPair): string[] {
  const [wanted, unwanted] = [listOf(spec[included]), listOf(spec[excluded])];
  const problems = inBoth(wanted, unwanted).map((name) => `${name} is both in spec.${included} and spec.${excluded}`);
  if (wanted.length > 1 && wanted.includes("*")) problems.push(`"*" in spec.${included} must stand alone`);
  if (!unwanted.includes("*")) return problems;
  if (!mayExcludeAll) problems.push(`spec.${excluded} must not hold "*"`);
  else if (unwanted.length > 1) problems.push(`"*" in spec.${excluded} must stand alone`);
  else if (wanted.length > 0) problems.push(`spec.${excluded} holds "*", so spec.${included} must be empty`);
  return problems;
}

function listOf(names: Names): readonly string[] {
  return names ?? [];
}

function inBoth(included: readonly string[], excluded: readonly string[]): string[] {
  return included.filter((name) => name !== "*" && excluded.includes(name));
}

function selectorProblems(spec: BackupSpec): string[] {
  const alternatives = spec.orLabelSelectors ?? [];
  const hasOne = !isEmptySelector(spec.labelSelector);
  const problems =
    hasOne && alternatives.length > 0
      ? ["spec.labelSelector cannot be used together with spec.orLabelSelectors; put it among them"]
      : [];
  if (hasOne && isInvalid(spec.labelSelector)) problems.push("spec.labelSelector is not a valid selector");
  for (const [index, selector] of alternatives.entries()) {
    if (isInvalid(selector)) problems.push(`spec.orLabelSelectors[${index}] is not a valid selector`);
  }
  return problems;
}

function isEmptySelector(selector: LabelSelector | null | undefined): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

function isInvalid(selector: LabelSelector | null | undefined): boolean {
  // The labels decide nothing here: only whether the expressions can be evaluated at all.
  const { matchExpressions = [] } = selector ?? {};
  return matchesLabels({ matchExpressions }, {}) === undefined;
}
