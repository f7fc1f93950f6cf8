// From outside the doctor has the rights of whoever asks, and what these do not show is not the agent's fault.

import { asCodedError, messageOf } from "../../src/platform/coded-error.ts";
import { type Finding, type Place, skipped } from "./finding.ts";

/** Undefined when the error is about something else, or about the agent's own rights. */
export function mayNotLook(error: unknown, place: Place): Finding | undefined {
  if (place !== "outside" || asCodedError(error)?.code !== "forbidden") return undefined;
  return skipped(`you may not look: ${messageOf(error)}`);
}
