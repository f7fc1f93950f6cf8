// Checks the parts of a Restore's spec that choose and change objects, before anything is made.
import type { RestoreSpec } from "../../../api/restore.ts";

/** Sentences for status.validationErrors; empty when all is well. */
export function validateRestoredObjects(spec: RestoreSpec): readonly string[] {
  const policy = spec.existingResourcePolicy ?? "";
  if (["", "none", "update"].includes(policy)) return [];
  return [`existingResourcePolicy "${policy}" is unknown: it can be none or update`];
}
