// A source directory, a repository on disk and backups of the one into the other: what tests of the archiver begin with.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveOptions, ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { createTestRepository, type TestRepositoryOptions, testPassword } from "./memory-repository.ts";
import { type ResticResult, resticMust } from "./restic.ts";
import { type Scope, temporaryDirectory } from "./temporary-directory.ts";

export interface ArchiveFixture {
  /** An empty directory. */
  readonly source: string;
  /** A directory for what tests restore. */
  readonly target: string;
  readonly repositoryPath: string;
  readonly repo: Repository;
  /** Backs the source up as a volume; the repository is on its own, so no lock is taken. */
  backUp(options?: Partial<ArchiveOptions>): Promise<ArchiveResult>;
  restic(args: readonly string[], options?: { readonly cwd?: string }): Promise<ResticResult>;
  /** `restic check --read-data` finds nothing to complain about. */
  assertSound(): Promise<void>;
  /** Every entry as `restic ls --json` shows it, without the snapshot's line. */
  listing(snapshot: string): Promise<Record<string, unknown>[]>;
}

export async function archiveFixture(scope: Scope, options: TestRepositoryOptions = {}): Promise<ArchiveFixture> {
  const folder = temporaryDirectory(scope, "archiver");
  const [source, target, repositoryPath] = ["source", "target", "repository"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(source);
  const storage = options.storage ?? new LocalDirectoryStorage(repositoryPath, { create: true });
  const repo = await createTestRepository({ ...options, storage });
  const restic: ArchiveFixture["restic"] = (args, { cwd } = {}) =>
    resticMust(args, { repository: repositoryPath, password: testPassword, ...(cwd === undefined ? {} : { cwd }) });
  return {
    source,
    target,
    repositoryPath,
    repo,
    restic,
    backUp: (more = {}) => archive(repo, { ...backupDefaults(source), ...more }),
    async assertSound() {
      assert.match((await restic(["check", "--read-data"])).stdout, /no errors were found/);
    },
    async listing(snapshot) {
      const { messages } = await restic(["ls", "--json", snapshot]);
      return messages.filter((message) => message.message_type === "node");
    },
  };
}

/** A volume, as the agent takes it, with all threads. */
export function backupDefaults(source: string): ArchiveOptions {
  return { targets: [source], relativeRoot: true, hostname: "host-1", threads: 2, programVersion: "stowage test" };
}
