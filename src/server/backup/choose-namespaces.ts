// Which namespaces a Backup covers.
import type { Namespace } from "../../api/core.ts";
import type { KubeObject } from "../../api/kube-object.ts";

export interface NamespaceScope {
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
}

export interface ChosenNamespaces {
  /** In the order of their names. */
  readonly names: readonly string[];
  /** Namespaces that were asked for by name and are left out on purpose. */
  readonly warnings: readonly string[];
  /** Namespaces that were asked for by name and are not there. */
  readonly errors: readonly string[];
}

/** True for objects whose label keeps them out of every Backup. */
export function excludeFromBackup(object: KubeObject): boolean {
  return object.metadata.labels?.["velero.io/exclude-from-backup"] === "true";
}

/** Names in scope that exist, are active and not labelled out. Nothing that was named is dropped without a word. */
export function chooseNamespaces(existing: readonly Namespace[], scope: NamespaceScope): ChosenNamespaces {
  const excluded = new Set(scope.excludedNamespaces ?? []);
  const named = namedNamespaces(scope);
  const inScope = existing
    .filter(({ metadata }) => named === undefined || named.has(metadata.name))
    .filter(({ metadata }) => !excluded.has(metadata.name))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const present = new Set(existing.map(({ metadata }) => metadata.name));
  const missing = [...(named ?? [])].filter((name) => !present.has(name));
  const warnings = named === undefined ? [] : inScope.flatMap((namespace) => reasonToSkip(namespace) ?? []);
  return {
    names: inScope.filter((namespace) => reasonToSkip(namespace) === undefined).map(({ metadata }) => metadata.name),
    warnings,
    errors: missing.map((name) => `namespace ${name} does not exist`),
  };
}

/** Undefined for all of them: an empty list and "*" mean that. */
function namedNamespaces({ includedNamespaces }: NamespaceScope): ReadonlySet<string> | undefined {
  const names = includedNamespaces ?? [];
  return names.length === 0 || names.includes("*") ? undefined : new Set(names);
}

function reasonToSkip(namespace: Namespace): string | undefined {
  const { name } = namespace.metadata;
  const phase = namespace.status?.phase ?? "Active";
  if (phase !== "Active") return `namespace ${name} is skipped: it is ${phase}`;
  if (excludeFromBackup(namespace)) return `namespace ${name} is skipped: it is labelled velero.io/exclude-from-backup`;
  return undefined;
}
