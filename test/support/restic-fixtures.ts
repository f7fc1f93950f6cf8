// Repositories of restic's own tests, taken from the Go module cache into a temporary directory.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { goModuleDir } from "./peers.ts";
import { readTarGz } from "./stored-repository.ts";
import { type Scope, temporaryDirectory } from "./temporary-directory.ts";

/** The password of all of them. */
export const fixturePassword = "geheim";

/** @returns the repository's directory; removed at the end of `scope`. */
export function unpackFixture(scope: Scope, name: string): string {
  const archive = join(
    goModuleDir("github.com/restic/restic", "v0.19.1"),
    "cmd",
    "restic",
    "testdata",
    `${name}.tar.gz`,
  );
  const folder = temporaryDirectory(scope, "fixture");
  for (const [path, bytes] of readTarGz(archive)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}
