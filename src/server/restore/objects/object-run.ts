// One run of a Restore over the objects of its Backup: each once, with what it needs before it, and what became of it noted.
import type { Pod } from "../../../api/core.ts";
import type { KubeObject } from "../../../api/kube-object.ts";
import { type DiscoveredResource, type Discovery, groupResourceOf } from "../../../kube/discovery.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import { explainError, messageOf } from "../../../platform/coded-error.ts";
import type { ResultPlace } from "../../run-log/run-log.ts";
import { TarballError } from "../../tarball/tarball-error.ts";
import type { ItemAddress } from "../../tarball/tarball-reader.ts";
import { awaitEstablished } from "./await-crds.ts";
import { type ContentsIndex, keyOfAddress } from "./backup-contents.ts";
import type { ChosenKind } from "./choose-items.ts";
import type { ComposedObject, ObjectComposer } from "./compose-object.ts";
import type { EnsureNamespaces } from "./ensure-namespaces.ts";
import { type MutableObject, mutableCopy, objectsAt, textAt } from "./json-fields.ts";
import { addressOf, type Placement, type Placer } from "./placement.ts";
import { reasonToSkip } from "./reasons-to-skip.ts";
import { relatedItems } from "./related-items.ts";
import { type ItemAction, ResourceTally } from "./resource-tally.ts";
import type { ReprovisionedClaim, RestoreObjectsOptions } from "./restore-objects-options.ts";
import { crdKind } from "./restore-order.ts";
import { isNeverRestored, type RestoreScope } from "./restore-scope.ts";
import { statusTest, writeStatus } from "./restored-status.ts";
import { volumeFate } from "./volume-fate.ts";

export interface ObjectRunParts {
  readonly index: ContentsIndex;
  readonly composer: ObjectComposer;
  readonly placer: Placer;
  readonly namespaces: EnsureNamespaces;
}

/** What may be seen anew when CRDs have been restored. */
export interface ObjectView {
  readonly discovery: Discovery;
  readonly scope: RestoreScope;
}

/** Objects of one kind do not need each other, so several are under way. */
const maxAtOnce = 8;
const crdTimeoutMs = 120_000;

interface Item {
  readonly groupResource: string;
  readonly address: ItemAddress;
  readonly view: ObjectView;
  /** In the cluster. */
  readonly place: ResultPlace;
}

export class ObjectRun {
  readonly tally: ResourceTally = new ResourceTally();
  readonly reprovisioned: ReprovisionedClaim[] = [];
  readonly #options: RestoreObjectsOptions;
  readonly #parts: ObjectRunParts;
  readonly #begun = new Map<string, Promise<void>>();
  readonly #badNamespaces = new Set<string>();
  #expected = 0;
  #done = 0;

  constructor(options: RestoreObjectsOptions, parts: ObjectRunParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** So many are still to come, besides those that have begun. */
  expect(items: number): void {
    this.#expected = this.#begun.size + items;
  }

  get progress(): { readonly totalItems: number; readonly itemsRestored: number } {
    return { totalItems: Math.max(this.#expected, this.#begun.size), itemsRestored: this.#done };
  }

  /** @throws KubeError when the run cannot go on */
  async restoreKind({ groupResource, addresses }: ChosenKind, view: ObjectView): Promise<void> {
    const waiting = addresses.values();
    const work = async (): Promise<void> => {
      for (const address of waiting) await this.#restore(groupResource, address, view);
    };
    const results = await Promise.allSettled(Array.from({ length: maxAtOnce }, work));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Once, whoever asks for it: its own kind's turn, or an object that needs it. */
  async #restore(groupResource: string, address: ItemAddress, view: ObjectView): Promise<void> {
    const key = `${groupResource} ${keyOfAddress(address)}`;
    const begun = this.#begun.get(key) ?? this.#attempt(groupResource, address, view);
    this.#begun.set(key, begun);
    await begun;
  }

  async #attempt(groupResource: string, address: ItemAddress, view: ObjectView): Promise<void> {
    const { signal, log, onProgress } = this.#options;
    signal.throwIfAborted();
    const namespace = this.#parts.composer.targetNamespace(address.namespace);
    const item: Item = { groupResource, address, view, place: namespace === undefined ? "cluster" : { namespace } };
    try {
      await this.#restoreItem(item);
    } catch (error) {
      if (isEndOfRun(error, signal)) throw error;
      log.error(item.place, `error restoring ${groupResource} ${keyOfAddress(address)}: ${explainError(error)}`);
    }
    this.#done += 1;
    onProgress(this.progress);
  }

  async #restoreItem(item: Item): Promise<void> {
    const { groupResource, address, view } = item;
    const { contents } = this.#options;
    const original = mutableCopy(await contents.read(groupResource, address));
    mustBeOfKind(groupResource, original, view.discovery);
    const note = (action: ItemAction): void => this.#note(item, original, action);
    note("failed");
    const reason =
      (await reasonToSkip(groupResource, original, { contents, index: this.#parts.index })) ??
      this.#reasonNotToRestoreVolume(item, original);
    if (reason !== undefined) {
      this.#options.log.log.info("skipped", { groupResource, item: keyOfAddress(address), reason });
      return note("skipped");
    }
    if (groupResource === "namespaces") return note(await this.#ensureNamespace(address.name));
    if (address.namespace !== undefined && !(await this.#hasNamespace(address.namespace))) return;
    const related = relatedItems(groupResource, original, { scope: view.scope, index: this.#parts.index });
    for (const one of related) await this.#restore(one.groupResource, one.address, view);
    note(await this.#place(item, original));
  }

  #note({ address }: Item, { apiVersion, kind }: MutableObject, action: ItemAction): void {
    const { composer } = this.#parts;
    const namespace = composer.targetNamespace(address.namespace);
    const name = kind === "Namespace" ? composer.targetNamespace(address.name) : address.name;
    this.tally.note({ apiVersion, kind }, { namespace, name: name ?? address.name }, action);
  }

  #reasonNotToRestoreVolume({ groupResource }: Item, original: MutableObject): string | undefined {
    if (groupResource !== "persistentvolumes") return undefined;
    const claimName = textAt(original, "spec", "claimRef", "name");
    const namespace = textAt(original, "spec", "claimRef", "namespace");
    const known = {
      name: original.metadata.name,
      claim: claimName === undefined || namespace === undefined ? undefined : { namespace, name: claimName },
      reclaimPolicy: textAt(original, "spec", "persistentVolumeReclaimPolicy"),
    };
    const fate = volumeFate(known, this.#options.volumes);
    return fate.isProvisionedAnew ? `a new volume is provisioned for its claim: ${fate.reason}` : undefined;
  }

  async #ensureNamespace(source: string): Promise<ItemAction> {
    const target = this.#parts.composer.targetNamespace(source) ?? source;
    const outcome = await this.#parts.namespaces.ensure(source, target);
    if (outcome === "present") return "skipped";
    this.tally.note({ apiVersion: "v1", kind: "Namespace" }, { name: target }, "created");
    return "created";
  }

  /** False when it cannot be had; that is reported once, not for every object in it. */
  async #hasNamespace(source: string): Promise<boolean> {
    const { log, signal } = this.#options;
    try {
      await this.#ensureNamespace(source);
      return true;
    } catch (error) {
      if (isEndOfRun(error, signal)) throw error;
      if (!this.#badNamespaces.has(source)) {
        const namespace = this.#parts.composer.targetNamespace(source) ?? source;
        log.error({ namespace }, `nothing can be restored into namespace ${namespace}: ${messageOf(error)}`);
      }
      this.#badNamespaces.add(source);
      return false;
    }
  }

  async #place(item: Item, original: MutableObject): Promise<ItemAction> {
    const { groupResource, place, address } = item;
    const { log } = this.#options;
    const composed = await this.#parts.composer.compose(groupResource, original);
    const { object, comparable, claim } = composed;
    const resource = resourceOf(object, item.view.discovery);
    if (object.kind !== original.kind) mustBeAllowed(resource, item.view.scope);
    if (resource.isNamespaced !== (object.metadata.namespace !== undefined)) {
      throw new Error(`${object.kind} is ${resource.isNamespaced ? "" : "not "}a namespaced kind in this cluster`);
    }
    const placement = await this.#parts.placer.place({ groupResource, resource, object, comparable });
    if (placement.warning !== undefined) log.warning(place, placement.warning);
    if (placement.isOurs) await this.#complete(item, { original, composed, placement, resource });
    else this.#warnOfData(item, original);
    if (placement.isOurs && claim.warning !== undefined) log.warning(place, claim.warning);
    log.log.info(placement.action, { groupResource, item: keyOfAddress(address), ...addressOf(object) });
    return placement.action;
  }

  /** What follows a creation. Its failures are warnings: the object is there. */
  async #complete(item: Item, created: CreatedObject): Promise<void> {
    const { groupResource, place, view, address } = item;
    const { original, composed, placement, resource } = created;
    const { log, signal, restore, client } = this.#options;
    const warnOf = async (what: string, step: () => Promise<void>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        if (isEndOfRun(error, signal)) throw error;
        log.warning(place, `${groupResource} ${keyOfAddress(address)} is there, but ${what}: ${messageOf(error)}`);
      }
    };
    if (original.status !== undefined && statusTest(restore.spec, view.discovery)(groupResource, original)) {
      const written = { resource, object: composed.object, status: original.status };
      await warnOf("its status could not be restored", () => writeStatus(written, client, signal));
    }
    await warnOf("its field managers could not be restored", () => this.#restoreManagers(created));
    if (groupResource === crdKind) await this.#awaitCrd(item, original.metadata.name);
    const { reprovisioned } = composed.claim;
    if (reprovisioned !== undefined && address.namespace !== undefined) {
      const claim = { namespace: composed.object.metadata.namespace ?? "", name: composed.object.metadata.name };
      this.reprovisioned.push({ claim, sourceNamespace: address.namespace, persistentVolume: reprovisioned });
    }
    if (groupResource === "pods" && placement.live !== undefined) {
      await this.#options.onPodRestored(placement.live as Pod, original as unknown as Pod);
    }
  }

  /**
   * Who had applied which fields server-side: without it the next apply of that manager would meet a conflict, or leave fields
   * behind that it no longer names. For other managers nothing depends on it.
   */
  async #restoreManagers({ original, composed, resource }: CreatedObject): Promise<void> {
    const { client, signal } = this.#options;
    const managedFields = objectsAt(original, "metadata", "managedFields");
    if (!managedFields.some(({ operation }) => operation === "Apply")) return;
    await client.mergePatch<KubeObject>(
      resource,
      addressOf(composed.object),
      { metadata: { managedFields } },
      { signal },
    );
  }

  async #awaitCrd({ place }: Item, name: string): Promise<void> {
    const { client, clock, signal, log } = this.#options;
    const problem = await awaitEstablished(name, { client, clock, signal, timeoutMs: crdTimeoutMs });
    if (problem !== undefined) log.error(place, `CRD ${name} cannot be used: ${problem}`);
  }

  /** A pod that was there before has no init container that waits for data. */
  #warnOfData({ groupResource, address, place }: Item, original: MutableObject): void {
    if (groupResource !== "pods") return;
    const hasData = this.#options.volumes.podVolumeBackups.some(
      ({ spec, status }) =>
        spec.pod.namespace === original.metadata.namespace &&
        spec.pod.name === original.metadata.name &&
        (status?.snapshotID ?? "") !== "",
    );
    const message = `pod ${address.name} exists already: the data of its volumes are not restored`;
    if (hasData) this.#options.log.warning(place, message);
  }
}

interface CreatedObject {
  readonly original: MutableObject;
  readonly composed: ComposedObject;
  readonly placement: Placement;
  readonly resource: DiscoveredResource;
}

/** @throws Error when the cluster has no such kind */
function resourceOf({ apiVersion, kind }: MutableObject, discovery: Discovery): DiscoveredResource {
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  const found = discovery.ofKind(group, kind, version);
  if (found !== undefined) return found;
  const away = discovery.failures.find((failure) => failure.group === apiVersion);
  const reason = away === undefined ? "its CRD is not installed, or not in this version" : away.reason;
  throw new Error(`the cluster does not serve ${apiVersion} ${kind}: ${reason}`);
}

/**
 * A tarball comes from a bucket: what lies under the name of one kind must not be of another, which was perhaps left out.
 * @throws Error
 */
function mustBeOfKind(groupResource: string, { apiVersion, kind }: MutableObject, discovery: Discovery): void {
  if (typeof apiVersion !== "string" || typeof kind !== "string") throw new Error("it has no apiVersion or no kind");
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  const found = discovery.ofKind(group, kind, version);
  if (found !== undefined && groupResourceOf(found) !== groupResource) {
    throw new Error(`the backup has a ${kind} of ${apiVersion} in place of one of the ${groupResource}`);
  }
}

/** A modifier may make an object of another kind, but none that the Restore leaves out. @throws Error */
function mustBeAllowed(resource: DiscoveredResource, scope: RestoreScope): void {
  const groupResource = groupResourceOf(resource);
  const reason =
    scope.reasonToHoldBack(groupResource) ?? (isNeverRestored(groupResource) ? "it is never restored" : undefined);
  if (reason !== undefined) throw new Error(`a resource modifier made a ${resource.kind} of it: ${reason}`);
}

/** Not this object is the problem, but the API server, the scratch folder, or that the server is ending. */
function isEndOfRun(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted || KubeError.is(error, "cancelled") || KubeError.is(error, "unauthorized")) return true;
  if (TarballError.is(error, "scratch-unusable")) return true;
  const { httpStatus } = KubeError.is(error, "unavailable") ? error.details : { httpStatus: 0 };
  return httpStatus === undefined || httpStatus === 429;
}
