// Reads and changes objects of kinds that this program has no types for. Nothing here throws for a field that is absent or
// of another shape: backups come from other clusters and other versions.
import type { KubeObject } from "../../../api/kube-object.ts";

export type JsonObject = Record<string, unknown>;

/** An object on its way from the Backup to the cluster; belongs to the one who changes it. */
export interface MutableObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: MutableMeta;
}

export interface MutableMeta extends JsonObject {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** A copy that may be changed. */
export function mutableCopy(object: KubeObject): MutableObject {
  return structuredClone(object) as unknown as MutableObject;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function valueAt(root: unknown, ...path: readonly string[]): unknown {
  let value = root;
  for (const step of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

export function objectAt(root: unknown, ...path: readonly string[]): JsonObject | undefined {
  const value = valueAt(root, ...path);
  return isJsonObject(value) ? value : undefined;
}

/** The objects in a list; others in it are passed over. */
export function objectsAt(root: unknown, ...path: readonly string[]): readonly JsonObject[] {
  const value = valueAt(root, ...path);
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function textAt(root: unknown, ...path: readonly string[]): string | undefined {
  const value = valueAt(root, ...path);
  return typeof value === "string" ? value : undefined;
}

/** The string values of an object: labels, annotations. */
export function textsAt(root: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(root, ...path) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** Absent is success. */
export function removeAt(root: unknown, ...path: readonly string[]): void {
  const last = path.at(-1);
  const parent = objectAt(root, ...path.slice(0, -1));
  if (parent !== undefined && last !== undefined) delete parent[last];
}

/** Keeps the entries of a list that pass; an absent list stays absent. */
export function filterAt(root: unknown, path: readonly string[], keep: (entry: unknown) => boolean): void {
  const last = path.at(-1);
  const parent = objectAt(root, ...path.slice(0, -1));
  if (parent === undefined || last === undefined) return;
  const list = parent[last];
  if (Array.isArray(list)) parent[last] = list.filter(keep);
}

export function annotationOf(object: unknown, name: string): string | undefined {
  return textAt(object, "metadata", "annotations", name);
}

export function labelOf(object: unknown, name: string): string | undefined {
  return textAt(object, "metadata", "labels", name);
}

export function removeAnnotations(object: MutableObject, names: readonly string[]): void {
  for (const name of names) removeAt(object, "metadata", "annotations", name);
}
