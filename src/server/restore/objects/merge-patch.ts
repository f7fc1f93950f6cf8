// JSON merge patches (RFC 7386): made from two objects, and applied to one.
import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type JsonObject } from "./json-fields.ts";

/** What turns `from` into `to`; undefined when they are equal. Fields that `to` lacks become null. */
export function mergePatchBetween(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) setField(patch, key, null);
  for (const [key, wanted] of Object.entries(to)) {
    const present = Object.hasOwn(from, key) ? from[key] : undefined;
    if (isDeepStrictEqual(present, wanted)) continue;
    const inner = isJsonObject(present) && isJsonObject(wanted) ? mergePatchBetween(present, wanted) : wanted;
    if (inner !== undefined) setField(patch, key, inner);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** A new value; neither argument is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setField(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

/** Also for "__proto__", which an assignment would take for the prototype. */
function setField(object: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
