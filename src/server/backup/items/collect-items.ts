// Finds the objects of a Backup before the first one is saved: page by page into a spool file, so that everything is about as
// old as everything else however long hooks and volumes take later, and so that the total is known.
import type { BackupSpec } from "../../../api/backup.ts";
import type { Namespace } from "../../../api/core.ts";
import { namespaces } from "../../../api/resources.ts";
import { type DiscoveredResource, groupResourceOf } from "../../../kube/discovery.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import { messageOf } from "../../../platform/coded-error.ts";
import type { ResultPlace, RunLog } from "../../run-log/run-log.ts";
import { collectRelated } from "./collect-related.ts";
import type { CollectedItems } from "./collected-items.ts";
import { beginCollection, type Collection, type CollectOptions } from "./collection.ts";
import { hasSelectors, labelQueries, matchesSelectors } from "./label-queries.ts";
import { PageSize } from "./page-size.ts";
import { coversAllNamespaces } from "./resource-filter.ts";
import { workThrough } from "./work-through.ts";

/** One is asked for while another is taken in; more gain nothing and cost memory. */
const listsAtOnce = 2;

/** Up to so many namespaces are always listed one by one. */
const fewNamespaces = 10;

/** @throws KubeError "cancelled", TarballError "scratch-unusable" */
export async function collectItems(options: CollectOptions): Promise<void> {
  const collection = beginCollection(options);
  const { kinds, spec, signal } = collection;
  const existing = await readNamespaces(collection);
  const isClusterWide = covers(options.namespaces.length, existing.total);
  const listed = kinds.filter((resource) => groupResourceOf(resource) !== "namespaces");
  await workThrough(listed, { atOnce: listsAtOnce, signal }, (resource) =>
    collectKind(resource, collection, isClusterWide ? [undefined] : options.namespaces),
  );
  const namespaceKind = kinds.find((resource) => groupResourceOf(resource) === "namespaces");
  if (namespaceKind !== undefined) await takeNamespaces(namespaceKind, existing.chosen, { collection, spec });
  await collectRelated(collection);
  options.onFound();
}

/** One list of the whole cluster is cheaper when it is mostly of what is wanted. */
function covers(chosen: number, total: number): boolean {
  return chosen > fewNamespaces && chosen * 4 >= total;
}

interface ExistingNamespaces {
  readonly chosen: readonly Namespace[];
  readonly total: number;
}

async function readNamespaces({ client, chosen, signal }: Collection): Promise<ExistingNamespaces> {
  const kept: Namespace[] = [];
  let total = 0;
  for await (const { items } of client.listPages<Namespace>(namespaces, { signal })) {
    total += items.length;
    kept.push(...items.filter(({ metadata }) => chosen.has(metadata.name)));
  }
  return { chosen: kept, total };
}

/** With selectors over the whole cluster only the namespaces that match, or in which something did. */
async function takeNamespaces(
  resource: DiscoveredResource,
  found: readonly Namespace[],
  { collection, spec }: { readonly collection: Collection; readonly spec: BackupSpec },
): Promise<void> {
  const isNarrow = hasSelectors(spec) && coversAllNamespaces(spec);
  const inUse = isNarrow ? namespacesInUse(collection.items) : collection.chosen;
  for (const namespace of found) {
    const { name, labels } = namespace.metadata;
    if (inUse.has(name) || matchesSelectors(spec, labels)) await collection.take(resource, namespace);
  }
}

function namespacesInUse(items: CollectedItems): ReadonlySet<string> {
  const inUse = new Set<string>();
  for (const resource of items.resources.filter(({ isNamespaced }) => isNamespaced))
    for (const key of items.keys(resource)) inUse.add(key.slice(0, key.indexOf("/")));
  return inUse;
}

async function collectKind(
  resource: DiscoveredResource,
  collection: Collection,
  scopes: readonly (string | undefined)[],
): Promise<void> {
  const { spec, items, log, signal } = collection;
  const before = items.keys(resource).length;
  for (const namespace of resource.isNamespaced ? scopes : [undefined]) {
    const place = namespace === undefined ? "cluster" : { namespace };
    try {
      for (const labelSelector of labelQueries(spec))
        await collectList(resource, collection, { namespace, labelSelector });
    } catch (error) {
      signal.throwIfAborted();
      if (!KubeError.is(error)) throw error;
      noteFailure(resource, { error, place, log });
    }
  }
  const count = items.keys(resource).length - before;
  if (count > 0) log.log.info(`found ${count} ${groupResourceOf(resource)}`);
}

interface Failure {
  readonly error: KubeError;
  readonly place: ResultPlace;
  readonly log: RunLog;
}

function noteFailure(resource: DiscoveredResource, { error, place, log }: Failure): void {
  const kind = groupResourceOf(resource);
  // Its CRD was deleted a moment ago, and every object with it.
  if (error.code === "no-such-resource") log.log.info(`${kind} are no longer served`);
  else log.error(place, `${kind} are not backed up: ${messageOf(error)}`);
}

interface ListScope {
  readonly namespace: string | undefined;
  readonly labelSelector: string;
}

/** A list that takes longer than the server keeps its state is begun again; what is there already is passed over. */
const maxRestarts = 10;

async function collectList(resource: DiscoveredResource, collection: Collection, scope: ListScope): Promise<void> {
  const { client, signal, take, onFound } = collection;
  const pageSize = new PageSize();
  for (let attempt = 0; ; attempt++) {
    try {
      const pages = client.listPages(resource, { ...scope, pageSize: () => pageSize.next(), signal });
      for await (const { items } of pages) {
        for (const object of items) pageSize.count((await take(resource, object)) ?? 0);
        onFound();
      }
      return;
    } catch (error) {
      if (!KubeError.is(error, "gone") || attempt >= maxRestarts) throw error;
    }
  }
}
