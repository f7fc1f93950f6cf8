// Runs all checks side by side, each with a time limit; whatever a check throws becomes a finding.

import { asCodedError, messageOf } from "../../src/platform/coded-error.ts";
import type { Check, CheckResult, Finding, Patient } from "./finding.ts";
import { failed, skipped } from "./finding.ts";
import { mayNotLook } from "./may-not-look.ts";
import { TimeLimitError, withTimeLimit } from "./time-limit.ts";

/** Longer than each of a check's own limits, so that those can tell more. */
export const checkLimitMs = 25_000;

const seenFrom = {
  pod: "only seen in the agent's pod: kubectl -n NAMESPACE exec POD -- stowage agent doctor",
  outside: "only looked at from outside of the cluster",
} as const;

/** In the order of the checks. @throws only the reason of `signal` */
export async function runChecks(
  checks: readonly Check[],
  patient: Patient,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const results = await Promise.all(checks.map((check) => runCheck(check, patient, signal)));
  signal.throwIfAborted();
  return results.flat();
}

async function runCheck(check: Check, patient: Patient, signal: AbortSignal): Promise<CheckResult[]> {
  const findings = await findingsOf(check, patient, signal);
  return findings.map((finding) => ({ check: check.name, ...finding }));
}

async function findingsOf(check: Check, patient: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  if (check.from !== "everywhere" && check.from !== patient.place) return [skipped(seenFrom[check.from])];
  try {
    const limit = { limitMs: checkLimitMs, clock: patient.clock, signal };
    const found = await withTimeLimit(limit, (limited) => check.run(patient, limited));
    return "outcome" in found ? [found] : found;
  } catch (error) {
    return [mayNotLook(error, patient.place) ?? findingOf(error)];
  }
}

function findingOf(error: unknown): Finding {
  if (error instanceof TimeLimitError) {
    return failed(`the check was given up: ${error.message}`, "look at what it asks: it hangs, or it is very slow");
  }
  return failed(messageOf(error), asCodedError(error)?.hint ?? "see the message");
}
