// Checks the parts of a Restore's spec that choose and change objects, before anything is made.
import { labelSelectorProblems } from "../../../api/label-selector.ts";
import type { RestoreSpec } from "../../../api/restore.ts";
import { patternProblems } from "../../name-patterns/glob-pattern.ts";
import { isNeverRestored } from "./restore-scope.ts";

/** Sentences for status.validationErrors; empty when all is well. */
export function validateRestoredObjects(spec: RestoreSpec): readonly string[] {
  const policy = spec.existingResourcePolicy ?? "";
  const refused = (spec.includedResources ?? []).filter((name) => isNeverRestored(name.toLowerCase()));
  return [
    ...refused.map((name) => `includedResources: ${name} are never restored`),
    ...listProblems("Resources", spec.includedResources, spec.excludedResources),
    ...listProblems("Namespaces", spec.includedNamespaces, spec.excludedNamespaces),
    ...mappingProblems(spec.namespaceMapping ?? {}),
    ...selectorProblems(spec),
    ...(["", "none", "update"].includes(policy)
      ? []
      : [`existingResourcePolicy "${policy}" is unknown: it can be none or update`]),
  ];
}

type Names = readonly string[] | null | undefined;

function listProblems(what: string, included: Names, excluded: Names): readonly string[] {
  const wanted = included ?? [];
  const unwanted = excluded ?? [];
  const both = wanted.filter((name) => unwanted.includes(name));
  return [
    ...(wanted.length > 1 && wanted.includes("*") ? [`included${what}: "*" stands alone or not at all`] : []),
    ...(unwanted.includes("*") ? [`excluded${what}: "*" would leave nothing`] : []),
    ...both.map((name) => `included${what} and excluded${what} both have ${name}`),
    ...patternProblems([...wanted, ...unwanted]).map((problem) => `${what.toLowerCase()}: ${problem}`),
  ];
}

/** RFC 1123, as the API server demands of a namespace. */
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function mappingProblems(mapping: Readonly<Record<string, string>>): readonly string[] {
  const bad = Object.entries(mapping).filter(([, target]) => !namespaceName.test(target));
  return bad.map(([source, target]) => `namespaceMapping: ${source} cannot become "${target}", which is no name`);
}

function selectorProblems({ labelSelector, orLabelSelectors }: RestoreSpec): readonly string[] {
  const one = labelSelector === null || labelSelector === undefined ? [] : [labelSelector];
  const any = orLabelSelectors ?? [];
  return [
    ...(one.length > 0 && any.length > 0 ? ["labelSelector and orLabelSelectors exclude each other"] : []),
    ...one.flatMap(labelSelectorProblems).map((problem) => `labelSelector: ${problem}`),
    ...any.flatMap(labelSelectorProblems).map((problem) => `orLabelSelectors: ${problem}`),
  ];
}
