// What a Backup or Restore leaves for its users to read: a log in Velero's text form, gzipped into a file of the scratch
// folder while it is written, and the results: warnings and errors by where they belong.
import type { Logger } from "../../platform/logger.ts";

/** Where a warning or an error belongs: to the run itself, to the cluster, or to a namespace. */
export type ResultPlace = "velero" | "cluster" | { readonly namespace: string };

/** As in `<b>-results.gz`. */
export interface ResultList {
  readonly velero?: readonly string[];
  readonly cluster?: readonly string[];
  readonly namespaces?: Readonly<Record<string, readonly string[]>>;
}

export interface RunResults {
  readonly warnings: ResultList;
  readonly errors: ResultList;
}

export interface RunLog {
  /** Lines go into the file and, from level warn on, to the process's own log. Secrets are taken out. */
  readonly log: Logger;
  /** Counts it, remembers it for the results (bounded), and writes the line. */
  warning(place: ResultPlace, message: string): void;
  error(place: ResultPlace, message: string): void;
  readonly warningCount: number;
  readonly errorCount: number;
  readonly results: RunResults;
  /** Flushes what was written so far and gives the path of the gzipped file; may be called again later. */
  file(): Promise<string>;
  /** Removes the file. */
  discard(): Promise<void>;
}
