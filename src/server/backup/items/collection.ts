// What the steps of collecting share: the options, the kinds that are looked for, and the door through which every object goes.
import type { BackupSpec } from "../../../api/backup.ts";
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import { type AnyKubeObject, keyOfObject } from "../../../kube/kube-object.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import { excludeFromBackup } from "../choose-namespaces.ts";
import { chooseKinds } from "./choose-kinds.ts";
import type { CollectedItems } from "./collected-items.ts";
import { hasSelectors } from "./label-queries.ts";
import { relatedItems } from "./related-items.ts";
import { RelatedQueue } from "./related-queue.ts";
import { createResourceFilter } from "./resource-filter.ts";

export interface CollectOptions {
  readonly client: Pick<TypedClient, "listPages" | "find">;
  readonly discovery: Discovery;
  readonly spec: BackupSpec;
  readonly namespaces: readonly string[];
  readonly log: RunLog;
  readonly items: CollectedItems;
  /** After each page. */
  readonly onFound: () => void;
  readonly signal: AbortSignal;
}

/** What the steps share. */
export interface Collection extends CollectOptions {
  readonly kinds: readonly DiscoveredResource[];
  readonly chosen: ReadonlySet<string>;
  readonly related: RelatedQueue;
  /** Takes an object, unless something in itself keeps it out. @returns its size in bytes when it was taken. */
  take(resource: DiscoveredResource, object: AnyKubeObject): Promise<number | undefined>;
}

export function beginCollection(options: CollectOptions): Collection {
  const { spec, discovery, items, log } = options;
  const filter = createResourceFilter(spec, discovery);
  for (const warning of filter.warnings) log.warning("velero", warning);
  for (const { group, reason } of discovery.failures)
    log.warning("cluster", `nothing of the API group ${group} is backed up: ${reason}`);
  const chosen = new Set(options.namespaces);
  const kinds = chooseKinds(discovery, filter);
  const shared = { discovery, filter, kinds, items };
  const related = new RelatedQueue({ ...shared, hasSelectors: hasSelectors(spec) });
  const take: Collection["take"] = async (resource, object) => {
    const { namespace = "", deletionTimestamp } = object.metadata;
    if (resource.isNamespaced && !chosen.has(namespace)) return undefined;
    const what = `${groupResourceOf(resource)} ${keyOfObject(object)}`;
    if (excludeFromBackup(object)) {
      log.log.info(`${what} is left out: it is labelled velero.io/exclude-from-backup`);
      return undefined;
    }
    if (deletionTimestamp !== undefined) {
      log.log.info(`${what} is left out: it is being deleted`);
      return undefined;
    }
    const size = await items.add(resource, object);
    if (size !== undefined) for (const item of relatedItems(resource, object)) related.note(item);
    return size;
  };
  return { ...options, kinds, chosen, related, take };
}
