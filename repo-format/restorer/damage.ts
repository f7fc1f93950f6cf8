// Tells damage of single blobs, which costs only the entries that need them, from troubles of the whole repository.
import { RepositoryError } from "../errors.ts";

const codes = ["blob-missing", "blob-damaged", "pack-missing", "pack-damaged", "tree-malformed"] as const;

export function isDamage(error: unknown): error is RepositoryError {
  return codes.some((code) => RepositoryError.is(error, code));
}
