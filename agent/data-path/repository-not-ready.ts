// The server has not made a repository that a volume needs.

import type { Retry } from "../../src/platform/coded-error.ts";

export class RepositoryNotReady extends Error {
  readonly code = "repository-not-ready";
  readonly details: Readonly<Record<string, string | number | boolean | undefined>> = {};
  readonly retry: Retry = "never";
  readonly hint = "see the BackupRepository's status and the server's log";

  constructor(message: string) {
    super(message);
    this.name = "RepositoryNotReady";
  }
}
