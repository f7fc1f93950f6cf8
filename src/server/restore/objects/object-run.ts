// One run of a Restore over the objects of its Backup: each once, with what it needs before it, and what became of it noted.
import type { Pod } from "../../../api/core.ts";
import type { KubeObject } from "../../../api/kube-object.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import { explainError, messageOf } from "../../../platform/coded-error.ts";
import type { ResultPlace } from "../../run-log/run-log.ts";
import type { ItemAddress } from "../../tarball/tarball-reader.ts";
import { finishCreated } from "./after-creation.ts";
import { type ContentsIndex, keyOfAddress } from "./backup-contents.ts";
import type { ChosenKind } from "./choose-items.ts";
import type { ClaimDecision } from "./claim-volumes.ts";
import type { ObjectComposer } from "./compose-object.ts";
import { isEndOfRun } from "./end-of-run.ts";
import type { EnsureNamespaces } from "./ensure-namespaces.ts";
import { type MutableObject, mutableCopy, textAt } from "./json-fields.ts";
import { mustBeAllowed, mustBeOfKind, resourceOf } from "./kind-of-object.ts";
import { addressOf, type Placer } from "./placement.ts";
import { reasonToSkip } from "./reasons-to-skip.ts";
import { relatedItems } from "./related-items.ts";
import { type ItemAction, ResourceTally } from "./resource-tally.ts";
import type { ReprovisionedClaim, RestoreObjectsOptions } from "./restore-objects-options.ts";
import type { RestoreScope } from "./restore-scope.ts";
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
  readonly restoresStatus: (groupResource: string, original: MutableObject) => boolean;
}

/** Objects of one kind do not need each other, so several are under way. */
const maxAtOnce = 8;

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
    const { object, comparable, claim } = await this.#parts.composer.compose(groupResource, original);
    const resource = resourceOf(object, item.view.discovery);
    if (object.kind !== original.kind) mustBeAllowed(resource, item.view.scope);
    if (resource.isNamespaced !== (object.metadata.namespace !== undefined)) {
      throw new Error(`${object.kind} is ${resource.isNamespaced ? "" : "not "}a namespaced kind in this cluster`);
    }
    const placement = await this.#parts.placer.place({ groupResource, resource, object, comparable });
    if (placement.warning !== undefined) log.warning(place, placement.warning);
    if (!placement.isOurs) this.#warnOfData(item, original);
    else {
      const restoresStatus = item.view.restoresStatus(groupResource, original);
      await finishCreated({ groupResource, resource, place, original, object, restoresStatus }, this.#options);
      this.#noteClaim(item, object, claim);
      await this.#handOut(item, original, placement.live);
    }
    log.log.info(placement.action, { groupResource, item: keyOfAddress(address), ...addressOf(object) });
    return placement.action;
  }

  #noteClaim({ address, place }: Item, { metadata }: MutableObject, { reprovisioned, warning }: ClaimDecision): void {
    if (warning !== undefined) this.#options.log.warning(place, warning);
    if (reprovisioned === undefined || address.namespace === undefined) return;
    const claim = { namespace: metadata.namespace ?? "", name: metadata.name };
    this.reprovisioned.push({ claim, sourceNamespace: address.namespace, persistentVolume: reprovisioned });
  }

  /** What fails there is not about the pod, which is there. */
  async #handOut({ groupResource, place }: Item, original: MutableObject, live: KubeObject | undefined): Promise<void> {
    if (groupResource !== "pods" || live === undefined) return;
    try {
      await this.#options.onPodRestored(live as Pod, original as unknown as Pod);
    } catch (error) {
      if (isEndOfRun(error, this.#options.signal)) throw error;
      this.#options.log.error(place, `pod ${live.metadata.name} was created, but: ${messageOf(error)}`);
    }
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
