// The kinds whose objects a Backup looks for, in the order in which they are saved.
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import type { ResourceFilter } from "./resource-filter.ts";

/** Without these an object could be listed but never brought back, or the other way round. */
const neededVerbs = ["list", "get", "create", "delete"];

/** One object under two groups: the first group that is served and wanted saves it. */
const cohabitingGroups: Readonly<Record<string, readonly string[]>> = {
  deployments: ["apps", "extensions"],
  daemonsets: ["apps", "extensions"],
  replicasets: ["apps", "extensions"],
  networkpolicies: ["networking.k8s.io", "extensions"],
  events: ["", "events.k8s.io"],
};

/** Pods are first, so that their hooks and volumes begin while the rest is saved; what they stand on comes next. */
const firstKinds = ["pods", "persistentvolumeclaims", "persistentvolumes"];

export function chooseKinds(discovery: Discovery, filter: ResourceFilter): readonly DiscoveredResource[] {
  const wanted = discovery.resources.filter((resource) => canBeSaved(resource) && filter.wants(resource));
  return wanted
    .filter((resource) => isItsOwnGroup(resource, wanted))
    .map((resource) => ({ resource, rank: rankOfKind(resource) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ resource }) => resource);
}

/** A kind in the version in which it is saved, with everything that a restore will need. */
export function canBeSaved({ isPreferred, verbs }: DiscoveredResource): boolean {
  return isPreferred && neededVerbs.every((verb) => verbs.includes(verb));
}

/** Pods, claims, volumes, the rest of the core group, all others. */
export function rankOfKind(resource: DiscoveredResource): number {
  const first = firstKinds.indexOf(groupResourceOf(resource));
  if (first >= 0) return first;
  return firstKinds.length + (resource.group === "" ? 0 : 1);
}

function isItsOwnGroup({ group, plural }: DiscoveredResource, wanted: readonly DiscoveredResource[]): boolean {
  const groups = cohabitingGroups[plural] ?? [];
  if (!groups.includes(group)) return true;
  const chosen = groups.find((candidate) => wanted.some((one) => one.plural === plural && one.group === candidate));
  return chosen === group;
}
