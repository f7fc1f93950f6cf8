// The objects that a Backup has found, each once: their names in memory, they themselves in a spool file until their turn.
import { type DiscoveredResource, groupResourceOf } from "../../../kube/discovery.ts";
import { type AnyKubeObject, apiVersionOf, keyOfObject } from "../../../kube/kube-object.ts";
import { parseExactJson } from "../../../platform/exact-json.ts";
import type { SpoolFile } from "../../tarball/spool-file.ts";
import { rankOfKind } from "./choose-kinds.ts";

interface CollectedKind {
  readonly resource: DiscoveredResource;
  /** "namespace/name" → where it lies; in the order in which they were found. */
  readonly places: Map<string, { readonly offset: number; readonly length: number }>;
}

export class CollectedItems {
  readonly #spool: SpoolFile;
  readonly #kinds = new Map<string, CollectedKind>();
  #count = 0;

  constructor(spool: SpoolFile) {
    this.#spool = spool;
  }

  get count(): number {
    return this.#count;
  }

  /** In the order in which they are to be saved. */
  get resources(): readonly DiscoveredResource[] {
    const found = [...this.#kinds.values()].map(({ resource }) => ({ resource, rank: rankOfKind(resource) }));
    return found.sort((a, b) => a.rank - b.rank).map(({ resource }) => resource);
  }

  keys(resource: DiscoveredResource): readonly string[] {
    return [...(this.#kinds.get(groupResourceOf(resource))?.places.keys() ?? [])];
  }

  has(resource: DiscoveredResource, key: string): boolean {
    return this.#kinds.get(groupResourceOf(resource))?.places.has(key) === true;
  }

  /** @returns the size of the object in bytes; undefined when it is there already. */
  async add(resource: DiscoveredResource, object: AnyKubeObject): Promise<number | undefined> {
    const { places } = this.#kindOf(resource);
    const key = keyOfObject(object);
    if (places.has(key)) return undefined;
    // Members of lists lack both.
    const whole = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    const bytes = Buffer.from(JSON.stringify(whole));
    places.set(key, { offset: this.#spool.sizeBytes, length: bytes.length });
    this.#count++;
    await this.#spool.append(bytes);
    return bytes.length;
  }

  async read(resource: DiscoveredResource, key: string): Promise<AnyKubeObject> {
    const place = this.#kinds.get(groupResourceOf(resource))?.places.get(key);
    if (place === undefined) throw new Error(`bug: ${groupResourceOf(resource)} ${key} was not collected`);
    const bytes = await this.#spool.read(place.offset, place.length);
    return parseExactJson(bytes.toString("utf8")) as AnyKubeObject;
  }

  #kindOf(resource: DiscoveredResource): CollectedKind {
    const name = groupResourceOf(resource);
    const kind = this.#kinds.get(name) ?? { resource, places: new Map() };
    this.#kinds.set(name, kind);
    return kind;
  }
}
