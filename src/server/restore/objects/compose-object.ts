// From an object of the Backup to the one that is created: reset, changed as its kind and the ConfigMaps want it, moved to its
// namespace, labelled.
import type { Pod } from "../../../api/core.ts";
import { labels } from "../../../api/names.ts";
import type { Restore } from "../../../api/restore.ts";
import { validName } from "../../../api/valid-name.ts";
import { type ChangeContext, mappedNamespace } from "./changes/change-context.ts";
import { changeObject } from "./changes/change-object.ts";
import { type ClaimDecision, type ClaimVolumesOptions, decideClaimVolume } from "./claim-volumes.ts";
import { type MutableObject, mutableCopy } from "./json-fields.ts";
import type { RestoreRules } from "./restore-rules.ts";

export interface ComposeOptions {
  readonly restore: Restore;
  readonly backupName: string;
  readonly rules: RestoreRules;
  readonly changes: ChangeContext;
  readonly claims: ClaimVolumesOptions;
  readonly transformPod: (pod: Pod, original: Pod) => Promise<Pod>;
  readonly signal: AbortSignal;
}

export interface ComposedObject {
  readonly object: MutableObject;
  /** The same without what transformPod has added. */
  readonly comparable: () => Promise<MutableObject>;
  readonly claim: ClaimDecision;
}

export class ObjectComposer {
  readonly #options: ComposeOptions;

  constructor(options: ComposeOptions) {
    this.#options = options;
  }

  /** Where an object of a namespace in the Backup goes. */
  targetNamespace(source: string | undefined): string | undefined {
    return source === undefined ? undefined : mappedNamespace(this.#options.changes.namespaceMapping, source);
  }

  /** @throws Error when a rule cannot be applied to the object; what transformPod throws */
  async compose(groupResource: string, original: MutableObject): Promise<ComposedObject> {
    const { changes, rules, signal } = this.#options;
    const base = mutableCopy(original as never);
    changeObject(groupResource, base, changes);
    rules.images.apply(groupResource, base);
    await rules.storageClasses.apply(groupResource, base, signal);
    const claim = groupResource === "persistentvolumeclaims" ? await this.#decideClaim(base) : {};
    this.#address(groupResource, base, original);
    const finish = (object: MutableObject): Promise<MutableObject> => this.#finish(groupResource, object, original);
    const transformed = groupResource === "pods" ? await this.#transform(base, original) : base;
    return { object: await finish(transformed), comparable: () => finish(base), claim };
  }

  async #decideClaim(base: MutableObject): Promise<ClaimDecision> {
    const source = base.metadata.namespace ?? "";
    const namespace = this.targetNamespace(source) ?? source;
    return await decideClaimVolume(base, { source, namespace }, this.#options.claims);
  }

  async #transform(base: MutableObject, original: MutableObject): Promise<MutableObject> {
    const asPod = (object: MutableObject): Pod => structuredClone(object) as unknown as Pod;
    return (await this.#options.transformPod(asPod(base), asPod(original))) as unknown as MutableObject;
  }

  async #finish(groupResource: string, object: MutableObject, original: MutableObject): Promise<MutableObject> {
    const { rules, signal } = this.#options;
    const sourceNamespace = original.metadata.namespace;
    const modified = await rules.modifiers.apply({ groupResource, sourceNamespace }, object, signal);
    const finished = structuredClone(modified);
    this.#address(groupResource, finished, original);
    return finished;
  }

  /** Namespace and labels are not for modifiers to change. */
  #address(groupResource: string, object: MutableObject, original: MutableObject): void {
    const { restore, backupName } = this.#options;
    const namespace = this.targetNamespace(original.metadata.namespace);
    if (namespace === undefined) delete object.metadata.namespace;
    else object.metadata.namespace = namespace;
    if (groupResource === "namespaces") {
      object.metadata.name = this.targetNamespace(original.metadata.name) ?? original.metadata.name;
    }
    object.metadata.labels = {
      ...object.metadata.labels,
      [labels.backupName]: validName(backupName),
      [labels.restoreName]: validName(restore.metadata.name),
    };
  }
}
