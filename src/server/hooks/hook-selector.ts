// Which pods the hooks in a spec are for.
import type { Pod } from "../../api/core.ts";
import type { LabelSelector } from "../../api/kube-object.ts";
import { matchesLabels } from "../../api/label-selector.ts";
import { globPattern } from "../name-patterns/glob-pattern.ts";

/** The selecting fields of a BackupResourceHook or RestoreResourceHook. */
export interface HookSelector {
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
  readonly includedResources?: readonly string[] | null;
  readonly excludedResources?: readonly string[] | null;
  readonly labelSelector?: LabelSelector | null;
}

/** What users call pods. Commands run nowhere else, so hooks for other resources select nothing. */
const podNames = new Set(["*", "pods", "pod", "po", "pods.v1"]);

/** A selector that is not valid selects nothing; validation has refused it before. */
export function selectsPod(selector: HookSelector, pod: Pod): boolean {
  const { includedNamespaces, excludedNamespaces, includedResources, excludedResources, labelSelector } = selector;
  const namespace = pod.metadata.namespace ?? "";
  const isNamespace = (pattern: string): boolean => globPattern(pattern).test(namespace);
  const isPods = (resource: string): boolean => podNames.has(resource.toLowerCase());
  return (
    (isEmpty(includedNamespaces) || includedNamespaces.some(isNamespace)) &&
    !(excludedNamespaces ?? []).some(isNamespace) &&
    (isEmpty(includedResources) || includedResources.some(isPods)) &&
    !(excludedResources ?? []).some(isPods) &&
    (labelSelector === undefined ||
      labelSelector === null ||
      matchesLabels(labelSelector, pod.metadata.labels) === true)
  );
}

function isEmpty(list: readonly string[] | null | undefined): list is null | undefined | readonly [] {
  return list === undefined || list === null || list.length === 0;
}
