// What the doctor says: lines for people, or one JSON object for programs.

import type { CheckResult, Place } from "./finding.ts";

export interface ReportHead {
  readonly place: Place;
  readonly namespace: string;
  readonly nodeName: string;
}

/** False when a check failed. */
export function isFine(results: readonly CheckResult[]): boolean {
  return results.every(({ outcome }) => outcome !== "failed");
}

/** "storage-location default", "crds podvolumebackups", "clock". */
export function titleOf({ check, subject }: CheckResult): string {
  return subject === undefined ? check : `${check} ${subject}`;
}

export function textReport(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map((result) => titleOf(result).length));
  const lines = results.flatMap((result) => {
    const { outcome, message, remedy } = result;
    const line = `${outcome.padEnd(8)} ${titleOf(result).padEnd(width)}  ${message}`;
    return remedy === undefined ? [line] : [line, `${" ".repeat(width + 11)}to do: ${remedy}`];
  });
  const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length;
  const sum = `${count("ok")} ok, ${count("warning")} warnings, ${count("failed")} failed, ${count("skipped")} skipped`;
  return `${[...lines, "", sum].join("\n")}\n`;
}

export function jsonReport(results: readonly CheckResult[], head: ReportHead): string {
  return `${JSON.stringify({ ok: isFine(results), ...head, checks: results })}\n`;
}
