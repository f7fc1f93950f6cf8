// Directories for one test each, removed when it ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whatever can run something at its end: a TestContext, or node:test's own `after` wrapped in an object. */
export interface Scope {
  after(cleanup: () => void | Promise<void>): void;
}

/** @returns an absolute path; the directory and all below it are removed at the end of `scope`, read-only parts too. */
export function temporaryDirectory(scope: Scope, name = "test"): string {
  const path = makeTemporaryDirectory(name);
  scope.after(() => removeDirectory(path));
  return path;
}

/** For those who remove it themselves. */
export function makeTemporaryDirectory(name: string): string {
  return mkdtempSync(join(tmpdir(), `stowage-${name}-`));
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
