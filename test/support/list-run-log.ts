// A RunLog in memory, for tests of what writes into it.
import { silentLogger } from "../../src/platform/logger.ts";
import type { ResultPlace, RunLog, RunResults } from "../../src/server/run-log/run-log.ts";

export class ListRunLog implements RunLog {
  readonly log: typeof silentLogger = silentLogger;
  /** "place: message", where the place of a namespace is its name. */
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  path = "/nowhere/run.log.gz";
  isDiscarded = false;

  warning(place: ResultPlace, message: string): void {
    this.warnings.push(`${textOf(place)}: ${message}`);
  }

  error(place: ResultPlace, message: string): void {
    this.errors.push(`${textOf(place)}: ${message}`);
  }

  get warningCount(): number {
    return this.warnings.length;
  }

  get errorCount(): number {
    return this.errors.length;
  }

  get results(): RunResults {
    return { warnings: { velero: this.warnings }, errors: { velero: this.errors } };
  }

  async file(): Promise<string> {
    return this.path;
  }

  async discard(): Promise<void> {
    this.isDiscarded = true;
  }
}

function textOf(place: ResultPlace): string {
  return typeof place === "string" ? place : place.namespace;
}
