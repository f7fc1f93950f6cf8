// Creates one object, or deals with the one that is there already under its name (velero-contract §9.4).
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../../../api/kube-object.ts";
import { labels } from "../../../api/names.ts";
import type { DiscoveredResource } from "../../../kube/discovery.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import type { NewObject, ObjectAddress, TypedClient } from "../../../kube/typed-client.ts";
import { retryWithBackoff } from "../../../platform/backoff.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { ChangeContext } from "./changes/change-context.ts";
import { changeObject } from "./changes/change-object.ts";
import {
  isJsonObject,
  type JsonObject,
  type MutableObject,
  mutableCopy,
  objectAt,
  removeAt,
  textAt,
  textsAt,
} from "./json-fields.ts";
import { mergePatchBetween } from "./merge-patch.ts";
import { mergedServiceAccount } from "./merge-service-account.ts";
import type { ItemAction } from "./resource-tally.ts";

export interface Placement {
  readonly action: ItemAction;
  /** As it is in the cluster now; absent when it is not there. */
  readonly live?: KubeObject;
  /** It was created by this Restore: now, or by an earlier run of it. */
  readonly isOurs: boolean;
  /** Why it is not as in the Backup. */
  readonly warning?: string;
}

export interface PlacerOptions {
  readonly client: TypedClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Value of the label that every object gets. */
  readonly restoreName: string;
  /** The Restore's own creation: what is older cannot have been made by it. */
  readonly createdAfter: string;
  readonly isUpdatePolicy: boolean;
  /** How long objects that are being deleted may take to go, all of a run together. */
  readonly terminatingTimeoutMs: number;
  readonly changes: ChangeContext;
}

export interface WantedObject {
  readonly groupResource: string;
  readonly resource: DiscoveredResource;
  /** Complete, with the labels of the restore. */
  readonly object: MutableObject;
  /** Without what was only added for the restore itself; an existing object is held against this one. */
  readonly comparable: () => Promise<MutableObject>;
}

const patience = { firstMs: 200, factor: 2, maxMs: 5000, jitter: 0.5 };
const maxAttempts = 6;

const pollMs = 500;

export class Placer {
  readonly #options: PlacerOptions;
  /** Of the clock; begins with the first object that is being deleted. */
  #deadlineMs: number | undefined;

  constructor(options: PlacerOptions) {
    this.#options = options;
  }

  /** @throws KubeError when it is not there and cannot be created */
  async place(wanted: WantedObject): Promise<Placement> {
    try {
      return { action: "created", live: await this.#create(wanted), isOurs: true };
    } catch (error) {
      // A quota, a port that is taken, a webhook: such answers can come before the one that says that it is there.
      if (!KubeError.is(error) || !["already-exists", "invalid", "forbidden"].includes(error.code)) throw error;
      const { client, signal } = this.#options;
      const live = await client.find<KubeObject>(wanted.resource, addressOf(wanted.object), { signal });
      if (live === undefined) throw error;
      if (live.metadata.deletionTimestamp === undefined) return await this.#meet(wanted, live);
      if (await this.#isGone(wanted, live)) return await this.place(wanted);
      return { action: "failed", live, isOurs: false, warning: beingDeleted(wanted.object) };
    }
  }

  /** An object that is going is no better than none. False when it stays until the deadline. */
  async #isGone({ resource, object }: WantedObject, going: KubeObject): Promise<boolean> {
    const { client, clock, signal, terminatingTimeoutMs } = this.#options;
    this.#deadlineMs ??= clock.monotonicMs() + terminatingTimeoutMs;
    while (clock.monotonicMs() < this.#deadlineMs) {
      await clock.sleep(pollMs, signal);
      const found = await client.find<KubeObject>(resource, addressOf(object), { signal });
      if (found?.metadata.uid !== going.metadata.uid) return true;
    }
    return false;
  }

  /** With a fixed name a repeated create does no harm: what the lost one had made is found to be ours. */
  async #create({ resource, object }: WantedObject): Promise<KubeObject> {
    const { client, clock, signal } = this.#options;
    const create = (): Promise<KubeObject> =>
      client.create<KubeObject>(resource, object as unknown as NewObject<KubeObject>, { signal });
    return await retryWithBackoff(create, { backoff: patience, clock, maxAttempts, signal, shouldRetry: isPassing });
  }

  async #meet(wanted: WantedObject, live: KubeObject): Promise<Placement> {
    if (this.#isOurs(live)) return { action: "created", live, isOurs: true };
    const desired = await wanted.comparable();
    const present = this.#comparable(wanted.groupResource, live, desired);
    if (isDeepStrictEqual(present, withoutRestoreLabels(desired))) return await this.#relabel(wanted, live);
    if (wanted.groupResource === "serviceaccounts") return await this.#merge(wanted, live, desired);
    if (this.#options.isUpdatePolicy) return await this.#update(wanted, { live, present, desired });
    const { kind, metadata } = wanted.object;
    const warning = `could not restore, ${kind} "${metadata.name}" already exists. Warning: the in-cluster version is different than the backed-up version`;
    return { action: "failed", live, isOurs: false, warning };
  }

  #isOurs(live: KubeObject): boolean {
    if (live.metadata.labels?.[labels.restoreName] !== this.#options.restoreName) return false;
    return Date.parse(live.metadata.creationTimestamp ?? "") >= Date.parse(this.#options.createdAfter);
  }

  /** The live object as if it had come out of a Backup, without what a restored one would get anew. */
  #comparable(groupResource: string, live: KubeObject, desired: MutableObject): MutableObject {
    const copy = mutableCopy(live);
    changeObject(groupResource, copy, { ...this.#options.changes, namespaceMapping: {} });
    if (textAt(desired, "spec", "volumeName") === undefined) removeAt(copy, "spec", "volumeName");
    return withoutRestoreLabels(copy);
  }

  /** Equal objects get the labels of this Restore when its policy is to update. */
  async #relabel(wanted: WantedObject, live: KubeObject): Promise<Placement> {
    if (this.#options.isUpdatePolicy)
      await this.#patch(wanted, { metadata: { labels: restoreLabelsOf(wanted.object) } });
    return { action: "skipped", live, isOurs: false };
  }

  async #merge(wanted: WantedObject, live: KubeObject, desired: MutableObject): Promise<Placement> {
    const patch = mergedServiceAccount(mutableCopy(live), withoutRestoreLabels(desired));
    if (patch === undefined) return { action: "skipped", live, isOurs: false };
    return { action: "updated", live: await this.#patch(wanted, patch), isOurs: false };
  }

  async #update(
    wanted: WantedObject,
    {
      live,
      present,
      desired,
    }: { readonly live: KubeObject; readonly present: JsonObject; readonly desired: JsonObject },
  ): Promise<Placement> {
    const patch = mergePatchBetween(present, desired) ?? {};
    try {
      return { action: "updated", live: await this.#patch(wanted, patch), isOurs: false };
    } catch (error) {
      if (!KubeError.is(error, "invalid") && !KubeError.is(error, "forbidden") && !KubeError.is(error, "conflict"))
        throw error;
      return { action: "failed", live, isOurs: false, warning: `could not update: ${error.message}` };
    }
  }

  async #patch({ resource, object }: WantedObject, patch: JsonObject): Promise<KubeObject> {
    const { client, signal } = this.#options;
    return await client.mergePatch<KubeObject>(resource, addressOf(object), patch, { signal });
  }
}

export function addressOf({ metadata }: MutableObject | KubeObject): ObjectAddress {
  return { namespace: metadata.namespace, name: metadata.name };
}

function beingDeleted({ kind, metadata }: MutableObject): string {
  return `could not restore, ${kind} "${metadata.name}" is being deleted and does not go: see its finalizers`;
}

/** The server is away, asks to wait, or has not yet begun to serve a kind whose CRD was made a moment ago. */
function isPassing(error: unknown): boolean {
  if (KubeError.is(error, "no-such-resource")) return true;
  if (!KubeError.is(error, "unavailable")) return false;
  const { httpStatus } = error.details;
  return httpStatus === undefined || httpStatus === 429 || httpStatus === 503 || httpStatus === 504;
}

function restoreLabelsOf(object: MutableObject): JsonObject {
  const own = textsAt(object, "metadata", "labels");
  return { [labels.backupName]: own[labels.backupName], [labels.restoreName]: own[labels.restoreName] };
}

/** A copy; empty labels and annotations count as none. */
function withoutRestoreLabels(object: MutableObject): MutableObject {
  const copy = structuredClone(object);
  for (const label of [labels.backupName, labels.restoreName]) removeAt(copy, "metadata", "labels", label);
  for (const field of ["labels", "annotations"]) {
    const present = objectAt(copy, "metadata", field);
    if (isJsonObject(present) && Object.keys(present).length === 0) removeAt(copy, "metadata", field);
  }
  return copy;
}
