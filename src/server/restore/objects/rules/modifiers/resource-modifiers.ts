// Applies a Restore's resource modifiers to an object on its way into the cluster.
import { matchesLabels } from "../../../../../api/label-selector.ts";
import { KubeError } from "../../../../../kube/kube-errors.ts";
import { messageOf } from "../../../../../platform/coded-error.ts";
import { type JsonObject, type MutableObject, textsAt } from "../../json-fields.ts";
import { applyMergePatch } from "../../merge-patch.ts";
import { patchedJson } from "./json-patch.ts";
import type { ModifierConditions, ModifierRule } from "./modifier-rule.ts";
import type { PatchSchemas } from "./patch-schemas.ts";
import { strategicMerge } from "./strategic-merge.ts";

export interface ModifiedKind {
  readonly groupResource: string;
  /** As in the Backup; the rules name that one. */
  readonly sourceNamespace: string | undefined;
}

export class ResourceModifiers {
  readonly #rules: readonly ModifierRule[];
  readonly #schemas: PatchSchemas;

  constructor(rules: readonly ModifierRule[], schemas: PatchSchemas) {
    this.#rules = rules;
    this.#schemas = schemas;
  }

  /**
   * A new object. All rules look at the object as it was before the first of them.
   * @throws Error that names the rule; the object must then not be created as it is. KubeError
   */
  async apply(kind: ModifiedKind, object: MutableObject, signal: AbortSignal): Promise<MutableObject> {
    let changed: JsonObject = object;
    for (const rule of this.#rules) {
      try {
        if (!doesApply(rule.conditions, kind, object)) continue;
        changed = await this.#patched(rule, kind.groupResource, { changed: changed as MutableObject, signal });
      } catch (error) {
        if (KubeError.is(error)) throw error;
        throw new Error(`resource modifier rule ${rule.position} cannot be applied: ${messageOf(error)}`, {
          cause: error,
        });
      }
    }
    return changed as MutableObject;
  }

  async #patched(
    { patch }: ModifierRule,
    groupResource: string,
    { changed, signal }: { readonly changed: MutableObject; readonly signal: AbortSignal },
  ): Promise<JsonObject> {
    if (patch.type === "json") {
      const result = patchedJson(changed, patch.operations);
      if (result.outcome === "impossible") throw new Error(result.reason);
      return result.outcome === "changed" ? result.value : changed;
    }
    if (patch.type === "merge") {
      return patch.patches.reduce<JsonObject>((value, one) => applyMergePatch(value, one) as JsonObject, changed);
    }
    const schema = await this.#schemas.of(groupResource, changed, signal);
    return patch.patches.reduce<JsonObject>((value, one) => strategicMerge(value, one, schema), changed);
  }
}

function doesApply(
  { namespaces, groupResource, name, labelSelector, matches }: ModifierConditions,
  kind: ModifiedKind,
  object: MutableObject,
): boolean {
  const { sourceNamespace } = kind;
  if (sourceNamespace !== undefined && namespaces.length > 0) {
    if (!namespaces.some((pattern) => pattern.test(sourceNamespace))) return false;
  }
  if (!groupResource.test(kind.groupResource)) return false;
  if (name !== undefined && !name.test(object.metadata.name)) return false;
  const labels = textsAt(object, "metadata", "labels");
  if (labelSelector !== undefined && matchesLabels(labelSelector, labels) !== true) return false;
  return matches.length === 0 || patchedJson(object, matches).outcome === "changed";
}
