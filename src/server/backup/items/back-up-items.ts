// Saves the objects of a Backup into its tarball: chosen by the Backup's filters, each once, pods first. Volumes and hooks are
// not its affair: every object is handed out before it is saved.
import type { BackupSpec } from "../../../api/backup.ts";
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import { type AnyKubeObject, apiVersionOf, splitKey } from "../../../kube/kube-object.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import { SpoolFile } from "../../tarball/spool-file.ts";
import type { TarballWriter } from "../../tarball/tarball-writer.ts";
import { collectItems } from "./collect-items.ts";
import { CollectedItems } from "./collected-items.ts";
import { savedForm } from "./saved-form.ts";
import { SideLane } from "./side-lane.ts";

export interface BackUpItemsOptions {
  readonly client: Pick<TypedClient, "listPages" | "find">;
  /** Of this run: read it anew for each, so that a CRD made a moment ago is seen. */
  readonly discovery: Discovery;
  readonly spec: BackupSpec;
  /** The namespaces that the Backup covers: chooseNamespaces() gives them. */
  readonly namespaces: readonly string[];
  readonly log: RunLog;
  readonly tarball: TarballWriter;
  /** Objects that wait for their turn are kept in a file of this folder. */
  readonly scratchDirectory: string;
  /**
   * Before an object is saved; false leaves it out. Everything was listed before the first call, so it may take its time: pre
   * hooks of a pod. The object has apiVersion and kind.
   */
  readonly onItem?: (resource: DiscoveredResource, object: AnyKubeObject) => Promise<boolean>;
  /** After it was saved, before the next one's turn: volumes and post hooks of a pod. */
  readonly onSaved?: (resource: DiscoveredResource, object: AnyKubeObject) => Promise<void>;
  /**
   * Objects for which those two may take long (pods with hooks): `longItemsAtOnce` of them at a time, beside all the others,
   * which do not wait for them. Only what the Backup's orderedResources names is handled strictly one after another.
   */
  readonly mayTakeLong?: (resource: DiscoveredResource, object: AnyKubeObject) => boolean;
  /** 1 when absent. */
  readonly longItemsAtOnce?: number;
  /** After each object and whenever the total changes: often. */
  readonly onProgress?: (progress: ItemsProgress) => void;
  readonly signal: AbortSignal;
}

/** As in `status.progress` of a Backup. */
export interface ItemsProgress {
  readonly totalItems: number;
  readonly itemsBackedUp: number;
}

export interface ItemsOutcome {
  /** As in `<b>-resource-list.json.gz`: "v1/Pod" → "ns/name", sorted. */
  readonly resourceList: Readonly<Record<string, readonly string[]>>;
  readonly progress: ItemsProgress;
}

/**
 * Kinds that cannot be listed and related objects that cannot be read are errors in the log; they never end the run. The tarball
 * is left open for the caller to finish.
 * @throws KubeError "cancelled", TarballError "scratch-unusable", and whatever onItem and onSaved throw
 */
export async function backUpItems(options: BackUpItemsOptions): Promise<ItemsOutcome> {
  const spool = await SpoolFile.create(options.scratchDirectory);
  try {
    const items = new CollectedItems(spool);
    const onFound = (): void => options.onProgress?.({ totalItems: items.count, itemsBackedUp: 0 });
    await collectItems({ ...options, items, onFound });
    return await new ItemSaver(items, options).run();
  } finally {
    await spool.close();
  }
}

class ItemSaver {
  readonly #items: CollectedItems;
  readonly #options: BackUpItemsOptions;
  readonly #lane: SideLane;
  /** "v1/Pod" → names. */
  readonly #saved = new Map<string, string[]>();
  #savedCount = 0;

  constructor(items: CollectedItems, options: BackUpItemsOptions) {
    this.#items = items;
    this.#options = options;
    this.#lane = new SideLane(options.longItemsAtOnce ?? 1);
  }

  async run(): Promise<ItemsOutcome> {
    const { spec, discovery, log } = this.#options;
    const order = orderOfItems(spec.orderedResources ?? {}, discovery, log);
    try {
      for (const resource of this.#items.resources) await this.#saveKind(resource, order(resource));
    } catch (error) {
      await this.#lane.cancel();
      throw error;
    }
    await this.#lane.end();
    return { resourceList: this.#resourceList(), progress: this.#progress() };
  }

  /** What has an order goes first, each object after the end of the one before. */
  async #saveKind(resource: DiscoveredResource, order: readonly string[]): Promise<void> {
    const first = new Set<string>();
    for (const key of order) {
      if (this.#items.has(resource, key)) first.add(key);
      else this.#noteAbsent(resource, key);
    }
    for (const key of first) await this.#save(resource, key);
    for (const key of this.#items.keys(resource)) {
      if (first.has(key)) continue;
      const object = await this.#read(resource, key);
      if (this.#options.mayTakeLong?.(resource, object) === true) this.#lane.add(() => this.#save(resource, key));
      else await this.#save(resource, key, object);
    }
  }

  async #read(resource: DiscoveredResource, key: string): Promise<AnyKubeObject> {
    this.#options.signal.throwIfAborted();
    this.#lane.throwIfFailed();
    return await this.#items.read(resource, key);
  }

  /** @param object when it was read already. */
  async #save(resource: DiscoveredResource, key: string, object?: AnyKubeObject): Promise<void> {
    const { onItem, onSaved, onProgress, tarball, log } = this.#options;
    const item = object ?? (await this.#read(resource, key));
    if ((await onItem?.(resource, item)) === false) {
      log.log.info(`${groupResourceOf(resource)} ${key} is not saved`);
      return;
    }
    await tarball.add(resource, savedForm(resource, item));
    const kind = `${apiVersionOf(resource)}/${resource.kind}`;
    const names = this.#saved.get(kind) ?? [];
    this.#saved.set(kind, names);
    names.push(key);
    this.#savedCount++;
    onProgress?.(this.#progress());
    await onSaved?.(resource, item);
  }

  #noteAbsent(resource: DiscoveredResource, key: string): void {
    const { namespace } = splitKey(key);
    const message = `spec.orderedResources names ${groupResourceOf(resource)} ${key}, which is not in this backup`;
    this.#options.log.warning(namespace === "" ? "cluster" : { namespace }, message);
  }

  #progress(): ItemsProgress {
    return { totalItems: this.#items.count, itemsBackedUp: this.#savedCount };
  }

  #resourceList(): Readonly<Record<string, readonly string[]>> {
    const kinds = [...this.#saved].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(kinds.map(([kind, names]) => [kind, names.sort()]));
  }
}

/** The names in the Backup's order, by kind: users write any name of the kind, and blanks after commas. */
function orderOfItems(
  ordered: Readonly<Record<string, string>>,
  discovery: Discovery,
  log: RunLog,
): (resource: DiscoveredResource) => readonly string[] {
  const names = new Map<string, readonly string[]>();
  for (const [kind, list] of Object.entries(ordered)) {
    const resource = discovery.find(kind.trim());
    const items = list.split(",").map((name) => name.trim());
    if (resource !== undefined)
      names.set(
        groupResourceOf(resource),
        items.filter((name) => name !== ""),
      );
    else log.warning("velero", `spec.orderedResources names ${kind}, which this cluster does not serve`);
  }
  return (resource) => names.get(groupResourceOf(resource)) ?? [];
}
