// Strategic merge patches: as merge patches, but lists of which the API's schema says so are merged by the key of their
// elements. Behaves as the API server does, down to the order of lists (tests compare the two).
import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type JsonObject } from "../../json-fields.ts";

/** What the schema says about a field. */
export interface FieldSchema {
  /** Lists are merged, not replaced. */
  readonly isMerged: boolean;
  /** The field that tells the elements of a merged list apart; undefined for lists of plain values. */
  readonly mergeKey: string | undefined;
  /** The whole field is replaced, although it is an object. */
  readonly isReplaced: boolean;
  /** Of the field's own fields, or of its elements' fields. */
  field(name: string): FieldSchema;
}

const directive = "$patch";
const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";
const retainKeys = "$retainKeys";

/** A new object; neither argument is changed. @throws Error for a patch that cannot be applied */
export function strategicMerge(target: JsonObject, patch: JsonObject, schema: FieldSchema): JsonObject {
  if (Object.hasOwn(patch, directive)) return directedObject(patch);
  const result = keptFields(target, patch[retainKeys]);
  for (const [key, value] of Object.entries(patch)) {
    if (key === retainKeys || key.startsWith(orderPrefix) || key.startsWith(deletePrefix)) continue;
    const merged = mergedField(result[key], value, { key, patch, schema: schema.field(key) });
    if (merged === undefined) delete result[key];
    else result[key] = merged;
  }
  applyListDirectives(result, patch, schema);
  return result;
}

interface FieldMerge {
  readonly key: string;
  readonly patch: JsonObject;
  readonly schema: FieldSchema;
}

/** Undefined when the field goes. */
function mergedField(present: unknown, value: unknown, { key, patch, schema }: FieldMerge): unknown {
  if (value === null) return undefined;
  if (isJsonObject(present) && isJsonObject(value)) {
    return schema.isReplaced ? withoutDirectives(value) : strategicMerge(present, value, schema);
  }
  if (Array.isArray(present) && Array.isArray(value) && schema.isMerged) {
    return mergedList(present, value, { key, order: patch[orderPrefix + key], schema });
  }
  return withoutDirectives(value);
}

function directedObject(patch: JsonObject): JsonObject {
  const { [directive]: what, ...rest } = patch;
  if (what === "replace") return rest;
  if (what === "delete") return {};
  throw new Error(`$patch: ${String(what)} is unknown here: it is replace or delete`);
}

function keptFields(target: JsonObject, kept: unknown): JsonObject {
  if (kept === undefined) return { ...target };
  if (!Array.isArray(kept)) throw new Error("$retainKeys is not a list");
  return Object.fromEntries(Object.entries(target).filter(([key]) => kept.includes(key)));
}

interface ListMerge {
  readonly key: string;
  /** From $setElementOrder, if the patch has it. */
  readonly order: unknown;
  readonly schema: FieldSchema;
}

function mergedList(present: readonly unknown[], patch: readonly unknown[], merge: ListMerge): readonly unknown[] {
  const { mergeKey } = merge.schema;
  if (!patch.some(isJsonObject) && !present.some(isJsonObject)) {
    const added = [...new Set(patch)];
    return inOrder(
      present.filter((value) => !added.includes(value)),
      added,
      { present, identify: (value) => value },
    );
  }
  if (mergeKey === undefined) throw new Error(`the elements of ${merge.key} have no key to merge them by`);
  return mergedObjects(present, patch, { ...merge, mergeKey });
}

function mergedObjects(
  present: readonly unknown[],
  patch: readonly unknown[],
  { key, mergeKey, schema }: ListMerge & { readonly mergeKey: string },
): readonly unknown[] {
  const identify = (element: unknown): unknown => (isJsonObject(element) ? element[mergeKey] : undefined);
  const elements = patch.filter(isJsonObject);
  const changed = elements.filter((element) => !Object.hasOwn(element, directive));
  if (elements.some((element) => element[directive] === "replace")) return changed;
  for (const element of elements) {
    if (identify(element) === undefined) throw new Error(`an element of ${key} in the patch lacks its ${mergeKey}`);
  }
  const deleted = elements.filter((element) => element[directive] === "delete").map(identify);
  const remaining = present.filter((element) => !deleted.includes(identify(element)));
  const merged = changed.map((element) => {
    const found = remaining.find((candidate) => identify(candidate) === identify(element));
    return isJsonObject(found) ? strategicMerge(found, element, schema) : withoutDirectives(element);
  });
  const touched = new Set(changed.map(identify));
  const untouched = remaining.filter((element) => !touched.has(identify(element)));
  return inOrder(untouched, merged, { present: remaining, identify });
}

interface Ordering {
  readonly present: readonly unknown[];
  readonly identify: (element: unknown) => unknown;
}

/** The patch's elements in the patch's order; an untouched one stands before the first of them that it had preceded. */
function inOrder(
  untouched: readonly unknown[],
  patched: readonly unknown[],
  { present, identify }: Ordering,
): readonly unknown[] {
  const places = new Map(present.map((element, index) => [identify(element), index]));
  const waiting = [...untouched];
  const ordered: unknown[] = [];
  for (const element of patched) {
    const place = places.get(identify(element)) ?? -1;
    while (waiting.length > 0 && (places.get(identify(waiting[0])) ?? 0) < place) ordered.push(waiting.shift());
    ordered.push(element);
  }
  return [...ordered, ...waiting];
}

function applyListDirectives(result: JsonObject, patch: JsonObject, schema: FieldSchema): void {
  for (const [key, value] of Object.entries(patch)) {
    if (!Array.isArray(value)) continue;
    const field = key.slice(key.indexOf("/") + 1);
    const list = result[field];
    if (!Array.isArray(list)) continue;
    if (key.startsWith(deletePrefix)) result[field] = list.filter((element) => !value.includes(element));
    if (key.startsWith(orderPrefix)) result[field] = reordered(list, value, schema.field(field).mergeKey);
  }
}

function reordered(list: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): unknown {
  const identify = (element: unknown): unknown =>
    isJsonObject(element) && mergeKey !== undefined ? element[mergeKey] : element;
  const wanted = order.map(identify);
  const named = wanted.flatMap((id) => list.find((element) => isDeepStrictEqual(identify(element), id)) ?? []);
  return inOrder(
    list.filter((element) => !wanted.includes(identify(element))),
    named,
    { present: list, identify },
  );
}

/** A value that is new to the object; what it says about merging has nothing to say there. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((entry) => !(isJsonObject(entry) && Object.hasOwn(entry, directive))).map(withoutDirectives);
  }
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).filter(([key, inner]) => !key.startsWith("$") && inner !== null);
  return Object.fromEntries(fields.map(([key, inner]) => [key, withoutDirectives(inner)]));
}
