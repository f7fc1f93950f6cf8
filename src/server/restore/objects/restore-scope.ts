// Which kinds, namespaces and labels a Restore takes out of its Backup. Pure: the cluster is asked before.
import type { LabelSelector } from "../../../api/kube-object.ts";
import { matchesLabels } from "../../../api/label-selector.ts";
import { annotations } from "../../../api/names.ts";
import type { Restore, RestoreSpec } from "../../../api/restore.ts";
import { type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import { globPattern, isGlobPattern } from "../../name-patterns/glob-pattern.ts";
import type { ClusterRbacAndWebhooks } from "../../server-config.ts";

/**
 * Kinds that describe this cluster's own state, or that would make a server or an agent act again: a restored
 * DeleteBackupRequest would delete, a restored PodVolumeBackup would back up.
 */
const neverRestored: ReadonlySet<string> = new Set([
  "nodes",
  "events",
  "events.events.k8s.io",
  "csinodes.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
  "backups.velero.io",
  "restores.velero.io",
  "resticrepositories.velero.io",
  "backuprepositories.velero.io",
  "podvolumebackups.velero.io",
  "podvolumerestores.velero.io",
  "datauploads.velero.io",
  "datadownloads.velero.io",
  "deletebackuprequests.velero.io",
  "downloadrequests.velero.io",
  "serverstatusrequests.velero.io",
]);

const rbacAndWebhooks: ReadonlySet<string> = new Set([
  "clusterroles.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
  "mutatingwebhookconfigurations.admissionregistration.k8s.io",
  "validatingwebhookconfigurations.admissionregistration.k8s.io",
]);

export function isNeverRestored(groupResource: string): boolean {
  return neverRestored.has(groupResource);
}

/** What may come back of cluster-scoped kinds: all of them, those that something restored needs, or none. */
export type ClusterScope = "all" | "related" | "none";

export interface RestoreScope {
  readonly clusterScope: ClusterScope;
  /** True when objects have to be read to be chosen. */
  readonly hasSelectors: boolean;
  includesKind(groupResource: string): boolean;
  /** By its name in the Backup. */
  includesNamespace(namespace: string): boolean;
  includesLabels(labels: Readonly<Record<string, string>> | undefined): boolean;
  /** Why a kind that was not excluded is left out all the same; undefined when it is not. */
  reasonToHoldBack(groupResource: string): string | undefined;
}

export interface ScopeOptions {
  readonly restore: Restore;
  /** Resolves what the user calls the kinds; names that it does not know are taken as they are. */
  readonly discovery: Pick<Discovery, "find">;
  readonly clusterRbacAndWebhooks: ClusterRbacAndWebhooks;
}

export function restoreScope({ restore, discovery, clusterRbacAndWebhooks }: ScopeOptions): RestoreScope {
  const { spec } = restore;
  const kinds = inclusion(spec.includedResources, spec.excludedResources, (name) => resolveKind(name, discovery));
  const namespaces = inclusion(spec.includedNamespaces, spec.excludedNamespaces, (name) => name);
  const selectors = selectorsOf(spec);
  const holdBack = reasonAgainstRbac(restore, clusterRbacAndWebhooks);
  return {
    clusterScope: clusterScopeOf(spec, namespaces.isEverything),
    hasSelectors: selectors.length > 0,
    includesKind: (kind) => !neverRestored.has(kind) && kinds.includes(kind),
    includesNamespace: namespaces.includes,
    includesLabels: (labels) =>
      selectors.length === 0 || selectors.some((selector) => matchesLabels(selector, labels ?? {}) === true),
    reasonToHoldBack: (kind) => (rbacAndWebhooks.has(kind) ? holdBack : undefined),
  };
}

/** Of a user's list: "deploy" is "deployments.apps". */
export function resolveKind(name: string, discovery: Pick<Discovery, "find">): string {
  const found = discovery.find(name);
  return found === undefined ? name.toLowerCase() : groupResourceOf(found);
}

interface Inclusion {
  readonly isEverything: boolean;
  includes(name: string): boolean;
}

type Names = readonly string[] | null | undefined;

/** An empty list of included names means all. Excluded names win. Names may be patterns: "app-*". */
export function inclusion(included: Names, excluded: Names, resolve: (name: string) => string): Inclusion {
  const wanted = nameTest(included, resolve);
  const unwanted = nameTest(excluded, resolve);
  const isAll = (included ?? []).length === 0 || (included ?? []).includes("*");
  return {
    isEverything: isAll && (excluded ?? []).length === 0,
    includes: (name) => (isAll || wanted(name)) && !unwanted(name),
  };
}

function nameTest(names: Names, resolve: (name: string) => string): (name: string) => boolean {
  const patterns = (names ?? []).filter(isGlobPattern).map((name) => globPattern(name));
  const plain = new Set((names ?? []).filter((name) => !isGlobPattern(name)).map(resolve));
  return (name) => plain.has(name) || patterns.some((pattern) => pattern.test(name));
}

function clusterScopeOf(spec: RestoreSpec, isEveryNamespace: boolean): ClusterScope {
  if (spec.includeClusterResources === false) return "none";
  return spec.includeClusterResources === true || isEveryNamespace ? "all" : "related";
}

function selectorsOf(spec: RestoreSpec): readonly LabelSelector[] {
  const any = spec.orLabelSelectors ?? [];
  if (any.length > 0) return any;
  return spec.labelSelector === null || spec.labelSelector === undefined ? [] : [spec.labelSelector];
}

function reasonAgainstRbac({ metadata }: Restore, setting: ClusterRbacAndWebhooks): string | undefined {
  if (setting === "false") return "the server runs with --restore-cluster-rbac-and-webhooks=false";
  const asked = metadata.annotations?.[annotations.restoreClusterRbac];
  if (asked === "false") return `the Restore's annotation ${annotations.restoreClusterRbac} says so`;
  if (setting === "true" || asked === "true") return undefined;
  return `the server restores it only for a Restore with the annotation ${annotations.restoreClusterRbac}: "true"`;
}
