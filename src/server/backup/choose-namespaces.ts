// Which namespaces a Backup covers.
import type { Namespace } from "../../api/core.ts";

const excludeLabel = "velero.io/exclude-from-backup";

export interface NamespaceScope {
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
}

/** An empty list and "*" mean all. */
function isAll(names: readonly string[] | null | undefined): boolean {
  return names === undefined || names === null || names.length === 0 || names.includes("*");
}

/** Names in scope that exist, are active and not labelled out; in the order of their names. */
export function chooseNamespaces(existing: readonly Namespace[], scope: NamespaceScope): string[] {
  const excluded = new Set(scope.excludedNamespaces ?? []);
  return existing
    .filter(
      (namespace) => isAll(scope.includedNamespaces) || scope.includedNamespaces?.includes(namespace.metadata.name),
    )
    .filter((namespace) => !excluded.has(namespace.metadata.name))
    .filter((namespace) => (namespace.status?.phase ?? "Active") === "Active")
    .filter((namespace) => namespace.metadata.labels?.[excludeLabel] !== "true")
    .map((namespace) => namespace.metadata.name)
    .sort();
}

/** Namespaces that are named but do not exist. */
export function missingNamespaces(existing: readonly Namespace[], scope: NamespaceScope): string[] {
  if (isAll(scope.includedNamespaces)) return [];
  const names = new Set(existing.map((namespace) => namespace.metadata.name));
  return (scope.includedNamespaces ?? []).filter((name) => !names.has(name));
}
