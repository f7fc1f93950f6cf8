// JSON patches (RFC 6902) that happen wholly or not at all. The only file that knows the package.
import { applyPatch, type Operation } from "rfc6902";
import { messageOf } from "../../../../../platform/coded-error.ts";

export const jsonPatchOperations = ["add", "remove", "replace", "move", "copy", "test"] as const;

export interface JsonPatchOperation {
  readonly op: (typeof jsonPatchOperations)[number];
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export type JsonPatchResult<T> =
  | { readonly outcome: "changed"; readonly value: T }
  /** A test did not hold. */
  | { readonly outcome: "test-failed" }
  | { readonly outcome: "impossible"; readonly reason: string };

/** The target stays as it is; the result is a new value. */
export function patchedJson<T>(target: T, operations: readonly JsonPatchOperation[]): JsonPatchResult<T> {
  const value = structuredClone(target);
  for (const operation of operations) {
    const problem = apply(value, operation);
    if (problem === undefined) continue;
    if (operation.op === "test") return { outcome: "test-failed" };
    return { outcome: "impossible", reason: `${operation.op} ${operation.path}: ${problem}` };
  }
  return { outcome: "changed", value };
}

/** In place; the package goes on after an operation that failed, so it gets one at a time. */
function apply(value: unknown, operation: JsonPatchOperation): string | undefined {
  try {
    const [error] = applyPatch(value, [operation as Operation]);
    if (error === null || error === undefined) return undefined;
    return error.name === "MissingError" ? "there is no such place in the object" : error.message;
  } catch (error) {
    return messageOf(error);
  }
}
