// Objects that others need and that the filters alone may not bring: remembered while kinds are listed, to be read afterwards.
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import { canBeSaved } from "./choose-kinds.ts";
import type { CollectedItems } from "./collected-items.ts";
import type { RelatedItem } from "./related-items.ts";
import type { ResourceFilter } from "./resource-filter.ts";

export interface RelatedQueueOptions {
  readonly discovery: Discovery;
  readonly filter: ResourceFilter;
  /** The kinds that are listed. */
  readonly kinds: readonly DiscoveredResource[];
  /** Of the listed kinds only some objects are taken. */
  readonly hasSelectors: boolean;
  readonly items: CollectedItems;
}

export interface WantedItem {
  readonly resource: DiscoveredResource;
  readonly namespace: string;
  readonly name: string;
}

export class RelatedQueue {
  readonly #options: RelatedQueueOptions;
  readonly #waiting = new Map<string, WantedItem>();

  constructor(options: RelatedQueueOptions) {
    this.#options = options;
  }

  /** The kind when its objects may have to be added one by one: admitted, and not listed whole anyway. */
  kindToAdd(group: string, kind: string): DiscoveredResource | undefined {
    const { discovery, filter, kinds, hasSelectors } = this.#options;
    const resource = discovery.ofKind(group, kind);
    if (resource === undefined || !canBeSaved(resource) || !filter.admits(resource)) return undefined;
    const name = groupResourceOf(resource);
    const isListed = kinds.some((listed) => groupResourceOf(listed) === name);
    return isListed && !hasSelectors ? undefined : resource;
  }

  note({ group, kind, namespace = "", name }: RelatedItem): void {
    const resource = this.kindToAdd(group, kind);
    if (resource === undefined) return;
    this.#waiting.set(`${groupResourceOf(resource)} ${namespace}/${name}`, { resource, namespace, name });
  }

  /** Those that were not found meanwhile; they are not given again. */
  takeMissing(): readonly WantedItem[] {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const { items } = this.#options;
    return waiting.filter(
      ({ resource, namespace, name }) => !items.has(resource, namespace === "" ? name : `${namespace}/${name}`),
    );
  }
}
