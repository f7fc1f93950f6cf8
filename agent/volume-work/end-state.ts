// End states that both kinds share.

import { formatTimestamp } from "../../src/platform/clock.ts";
import { messageOf } from "../../src/platform/coded-error.ts";
import { Cancellation } from "../data-path/cancellation.ts";
import type { EndState } from "./volume-work.ts";

/** What a failure of any kind looks like in the status. */
export function failureState(message: string, reason: string, nowMs: number): EndState {
  return { status: { phase: "Failed", message, completionTimestamp: formatTimestamp(nowMs) }, reason };
}

/** Why it failed, in Velero's words for a cancelled one. */
export function describeFailure(
  error: unknown,
  direction: "backup" | "restore",
): { readonly message: string; readonly reason: string } {
  const short = direction === "backup" ? "PVB" : "PVR";
  if (error instanceof Cancellation) {
    return { message: `data path ${direction} canceled: ${short} is canceled`, reason: "cancelled" };
  }
  const code = (error as { code?: unknown }).code;
  return { message: messageOf(error), reason: typeof code === "string" ? code : "unexpected" };
}

/** What may be listed in an annotation: all of an object's together may have 256 KiB. */
const maxListLength = 32_768;

interface ListedWarning {
  readonly path: string;
  readonly kind: string;
  readonly message: string;
}

/** A JSON list of {path, kind, message}, cut to what fits. */
export function warningList(warnings: readonly ListedWarning[]): string {
  const kept: ListedWarning[] = [];
  let length = 2;
  for (const { path, kind, message } of warnings) {
    length += JSON.stringify({ path, kind, message }).length + 1;
    if (length > maxListLength) break;
    kept.push({ path, kind, message });
  }
  return JSON.stringify(kept);
}
