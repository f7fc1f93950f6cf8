// Tells what is gone for good from what the store did not give this time: a repair must never take the second for the first.

import { type ErrorCode, RepositoryError } from "../errors.ts";

const lossCodes: ReadonlySet<ErrorCode> = new Set([
  "blob-missing",
  "blob-damaged",
  "pack-missing",
  "pack-damaged",
  "tree-malformed",
]);

/** True for the errors of reading a blob or a pack that another try would not change. */
export function isLoss(error: unknown): error is RepositoryError {
  return RepositoryError.is(error) && lossCodes.has(error.code);
}
