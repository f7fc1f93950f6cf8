// A RunLog that keeps everything in memory, for tests that look at warnings and errors.

import { silentLogger } from "../../src/platform/logger.ts";
import type { ResultPlace, RunLog } from "../../src/server/run-log/run-log.ts";

export interface RecordedRunLog extends RunLog {
  /** "cluster: message", "namespace shop: message". */
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

export function recordedRunLog(): RecordedRunLog {
  const warnings: string[] = [];
  const errors: string[] = [];
  const line = (place: ResultPlace, message: string): string =>
    `${typeof place === "string" ? place : `namespace ${place.namespace}`}: ${message}`;
  return {
    log: silentLogger,
    warnings,
    errors,
    warning: (place, message) => void warnings.push(line(place, message)),
    error: (place, message) => void errors.push(line(place, message)),
    get warningCount() {
      return warnings.length;
    },
    get errorCount() {
      return errors.length;
    },
    results: { warnings: {}, errors: {} },
    file: () => Promise.reject(new Error("bug: this log has no file")),
    discard: () => Promise.resolve(),
  };
}
