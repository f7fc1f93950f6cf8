// Saves the objects of a Backup into its tarball: chosen by the Backup's filters, each once, pods first. Volumes and hooks are
// not its affair: every object is handed out before it is saved.
import type { BackupSpec } from "../../../api/backup.ts";
import type { DiscoveredResource, Discovery } from "../../../kube/discovery.ts";
import type { AnyKubeObject } from "../../../kube/kube-object.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { TarballWriter } from "../../tarball/tarball-writer.ts";

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
  options.signal.throwIfAborted();
  return await Promise.reject(new Error("bug: not there yet"));
}
