// Which kinds of objects a Backup asks for: the old family of filters (includedResources, excludedResources,
// includeClusterResources) or the one by scope. velero-contract §9.3.
import type { BackupSpec } from "../../../api/backup.ts";
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import { globPattern, isGlobPattern, type NamePattern } from "../../name-patterns/glob-pattern.ts";

export interface ResourceFilter {
  /** Objects of this kind are looked for. */
  wants(resource: DiscoveredResource): boolean;
  /** An object of this kind is saved when another one that is saved needs it (the PersistentVolume of a claim). */
  admits(resource: DiscoveredResource): boolean;
  /** What was asked for by name and is not there: nothing of it will be saved. */
  readonly warnings: readonly string[];
}

type Filters = Pick<
  BackupSpec,
  | "includedNamespaces"
  | "excludedNamespaces"
  | "includedResources"
  | "excludedResources"
  | "includeClusterResources"
  | "includedClusterScopedResources"
  | "excludedClusterScopedResources"
  | "includedNamespaceScopedResources"
  | "excludedNamespaceScopedResources"
>;

const scopedLists = [
  "includedClusterScopedResources",
  "excludedClusterScopedResources",
  "includedNamespaceScopedResources",
  "excludedNamespaceScopedResources",
] as const;

/** Velero handles these two through snapshots; as plain objects they would promise data that nobody saved. */
const neverWanted: ReadonlySet<string> = new Set([
  "volumesnapshots.snapshot.storage.k8s.io",
  "volumesnapshotcontents.snapshot.storage.k8s.io",
]);

export function createResourceFilter(spec: Filters, discovery: Discovery): ResourceFilter {
  const filter = usesScopedLists(spec) ? filterByScope(spec, discovery) : filterByName(spec, discovery);
  return { ...filter, wants: (resource) => !neverWanted.has(groupResourceOf(resource)) && filter.wants(resource) };
}

export function usesScopedLists(spec: Filters): boolean {
  return scopedLists.some((list) => (spec[list] ?? []).length > 0);
}

/** True when no namespace is left out by name. One that is labelled out does not count. */
export function coversAllNamespaces({ includedNamespaces, excludedNamespaces }: Filters): boolean {
  return isEverything(includedNamespaces) && (excludedNamespaces ?? []).length === 0;
}

function filterByName(spec: Filters, discovery: Discovery): ResourceFilter {
  const included = namedKinds(spec.includedResources, "includedResources", discovery);
  const excluded = namedKinds(spec.excludedResources, "excludedResources", discovery);
  const { includeClusterResources: cluster } = spec;
  const isNamed = (resource: DiscoveredResource): boolean =>
    !excluded.has(resource) && (isEverything(spec.includedResources) || included.has(resource));
  const wantsCluster = cluster ?? coversAllNamespaces(spec);
  return {
    // The Namespace objects of what is backed up belong to it, whatever is said about the rest of the cluster.
    wants: (resource) => isNamed(resource) && (resource.isNamespaced || isNamespaces(resource) || wantsCluster),
    admits: (resource) => {
      if (resource.isNamespaced || cluster === null || cluster === undefined) return isNamed(resource);
      return cluster && !excluded.has(resource);
    },
    warnings: included.warnings,
  };
}

function filterByScope(spec: Filters, discovery: Discovery): ResourceFilter {
  const [includedCluster, excludedCluster, included, excluded] = scopedLists.map((list) =>
    namedKinds(spec[list], list, discovery),
  ) as [NamedKinds, NamedKinds, NamedKinds, NamedKinds];
  const saysNothingOfCluster = includedCluster.isEmpty && excludedCluster.isEmpty;
  const isEverythingElse = isEverything(spec.includedNamespaceScopedResources) && excluded.isEmpty;
  const wholeCluster = saysNothingOfCluster && isEverythingElse && coversAllNamespaces(spec);
  const wantsNamespaced = (resource: DiscoveredResource): boolean =>
    !excluded.has(resource) && (included.isEmpty || included.has(resource));
  const wantsCluster = (resource: DiscoveredResource): boolean =>
    !excludedCluster.has(resource) && (wholeCluster || includedCluster.has(resource) || isNamespaces(resource));
  return {
    wants: (resource) => (resource.isNamespaced ? wantsNamespaced(resource) : wantsCluster(resource)),
    admits: (resource) => (resource.isNamespaced ? wantsNamespaced(resource) : !excludedCluster.has(resource)),
    warnings: [...includedCluster.warnings, ...included.warnings],
  };
}

interface NamedKinds {
  readonly isEmpty: boolean;
  has(resource: DiscoveredResource): boolean;
  readonly warnings: readonly string[];
}

/** Names as users write them, and patterns ("*.example.com") over full names. */
function namedKinds(list: readonly string[] | null | undefined, field: string, discovery: Discovery): NamedKinds {
  const names = new Set<string>();
  const patterns: NamePattern[] = [];
  const warnings: string[] = [];
  for (const entry of list ?? []) {
    const name = entry.trim();
    const resource = discovery.find(name);
    if (isGlobPattern(name)) patterns.push(globPattern(name.toLowerCase()));
    else if (resource !== undefined) names.add(groupResourceOf(resource));
    else warnings.push(`spec.${field} names ${name}, which this cluster does not serve: nothing of it is backed up`);
  }
  const has = (resource: DiscoveredResource): boolean => {
    const name = groupResourceOf(resource);
    return names.has(name) || patterns.some((pattern) => pattern.test(name));
  };
  return { isEmpty: (list ?? []).length === 0, has, warnings };
}

function isEverything(list: readonly string[] | null | undefined): boolean {
  return (list ?? []).length === 0 || (list ?? []).includes("*");
}

function isNamespaces(resource: DiscoveredResource): boolean {
  return groupResourceOf(resource) === "namespaces";
}
