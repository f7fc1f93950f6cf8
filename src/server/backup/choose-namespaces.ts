// Which namespaces a Backup covers.
import type { Namespace } from "../../api/core.ts";
import type { KubeObject } from "../../api/kube-object.ts";
import { globPattern, isGlobPattern } from "../name-patterns/glob-pattern.ts";

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

/** Names in scope (or patterns: "team-*") that exist, are active and not labelled out. Nothing that was named is dropped without a word. */
export function chooseNamespaces(existing: readonly Namespace[], scope: NamespaceScope): ChosenNamespaces {
  const included = scope.includedNamespaces ?? [];
  const excluded = (scope.excludedNamespaces ?? []).map((name) => globPattern(name));
  const wanted = (included.length === 0 ? ["*"] : included).map((name) => globPattern(name));
  const inScope = existing
    .filter(({ metadata }) => wanted.some((pattern) => pattern.test(metadata.name)))
    .filter(({ metadata }) => !excluded.some((pattern) => pattern.test(metadata.name)))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const named = new Set(included.filter((name) => !isGlobPattern(name)));
  const skipped = inScope.filter(({ metadata }) => named.has(metadata.name));
  return {
    names: inScope.filter((namespace) => reasonToSkip(namespace) === undefined).map(({ metadata }) => metadata.name),
    warnings: [...skipped.flatMap((namespace) => reasonToSkip(namespace) ?? []), ...unmetPatterns(included, existing)],
    errors: missingNames(named, existing).map((name) => `namespace ${name} does not exist`),
  };
}

function missingNames(named: ReadonlySet<string>, existing: readonly Namespace[]): readonly string[] {
  const present = new Set(existing.map(({ metadata }) => metadata.name));
  return [...named].filter((name) => !present.has(name));
}

function unmetPatterns(included: readonly string[], existing: readonly Namespace[]): readonly string[] {
  return included
    .filter(isGlobPattern)
    .filter((pattern) => !existing.some(({ metadata }) => globPattern(pattern).test(metadata.name)))
    .map((pattern) => `no namespace is called ${pattern}`);
}

function reasonToSkip(namespace: Namespace): string | undefined {
  const { name } = namespace.metadata;
  const phase = namespace.status?.phase ?? "Active";
  if (phase !== "Active") return `namespace ${name} is skipped: it is ${phase}`;
  if (excludeFromBackup(namespace)) return `namespace ${name} is skipped: it is labelled velero.io/exclude-from-backup`;
  return undefined;
}
