// A resource modifier as it is used: which objects it changes, and how. parse-modifiers.ts makes them of the ConfigMap.
import type { LabelSelector } from "../../../../../api/kube-object.ts";
import type { NamePattern } from "../../../../name-patterns/glob-pattern.ts";
import type { JsonObject } from "../../json-fields.ts";
import type { JsonPatchOperation } from "./json-patch.ts";

export interface ModifierRule {
  /** Counted from 1, for messages. */
  readonly position: number;
  readonly conditions: ModifierConditions;
  readonly patch: ModifierPatch;
}

export interface ModifierConditions {
  /** Names in the Backup; empty for all. Cluster-scoped objects pass in any case. */
  readonly namespaces: readonly NamePattern[];
  /** Of "deployments.apps". */
  readonly groupResource: NamePattern;
  readonly name: NamePattern | undefined;
  readonly labelSelector: LabelSelector | undefined;
  /** All must hold; each a test of JSON patch. */
  readonly matches: readonly JsonPatchOperation[];
}

export type ModifierPatch =
  | { readonly type: "json"; readonly operations: readonly JsonPatchOperation[] }
  | { readonly type: "merge"; readonly patches: readonly JsonObject[] }
  | { readonly type: "strategic"; readonly patches: readonly JsonObject[] };
