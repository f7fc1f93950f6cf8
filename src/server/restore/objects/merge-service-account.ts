// A service account that is there already keeps what it has and gets what it lacks: each namespace has a `default` one.
import { type JsonObject, type MutableObject, objectsAt, textAt, textsAt } from "./json-fields.ts";

/** A merge patch for the one in the cluster; undefined when it lacks nothing. */
export function mergedServiceAccount(live: MutableObject, restored: MutableObject): JsonObject | undefined {
  const patch: JsonObject = {};
  for (const list of ["secrets", "imagePullSecrets"]) {
    const present = objectsAt(live, list);
    const names = new Set(present.map((entry) => textAt(entry, "name")));
    const lacking = objectsAt(restored, list).filter((entry) => !names.has(textAt(entry, "name")));
    // Merge patches replace lists.
    if (lacking.length > 0) patch[list] = [...present, ...lacking];
  }
  const metadata: JsonObject = {};
  for (const field of ["labels", "annotations"]) {
    const present = textsAt(live, "metadata", field);
    const lacking = Object.entries(textsAt(restored, "metadata", field)).filter(
      ([key]) => !Object.hasOwn(present, key),
    );
    if (lacking.length > 0) metadata[field] = Object.fromEntries(lacking);
  }
  if (Object.keys(metadata).length > 0) patch.metadata = metadata;
  return Object.keys(patch).length === 0 ? undefined : patch;
}
