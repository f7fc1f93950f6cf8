// Brings a repository to a newer version of the format. Only the config changes: data stay as they are, for readers of the
// new version accept the old forms; `prune` with `repackUncompressed` compresses them when it suits.

import { RepositoryError } from "../errors.ts";
import { decodeConfig, encodeConfig } from "../format/config-file.ts";
import type { Repository } from "../repository/repository.ts";
import { readConfig } from "../repository/unpacked-files.ts";
import { configKey } from "../storage/key-layout.ts";
import { check } from "./check.ts";
import type { Finding } from "./check-findings.ts";
import { type ExclusiveLockOptions, underExclusiveLock } from "./exclusive-lock.ts";

/** restic's names. */
const migrations = { upgrade_repo_v2: "upgrade a repository to version 2" } as const;

type MigrationName = keyof typeof migrations;

/** A migration, and whether the repository can use it. */
export interface MigrationState {
  readonly name: string;
  readonly about: string;
  /** Why it cannot be applied; undefined when it can. */
  readonly obstacle: string | undefined;
}

/** Which migrations are applied, and how. */
export interface MigrateOptions extends Omit<ExclusiveLockOptions, "lock"> {
  readonly names: readonly string[];
  /** Try migrations that cannot be applied all the same. */
  readonly force?: boolean | undefined;
  /** Keeps the config as it is stored now, until the migration has succeeded. @returns where, for people */
  readonly keepCopy: (config: Buffer) => Promise<string>;
  /** Before a migration is applied the repository is checked. */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/** What became of one of the names. */
export type MigrationOutcome =
  | { readonly name: string; readonly kind: "applied" | "unknown" }
  | { readonly name: string; readonly kind: "refused"; readonly reason: string }
  | { readonly name: string; readonly kind: "failed"; readonly error: unknown };

/** All migrations that there are. */
export function listMigrations(repo: Pick<Repository, "version">): MigrationState[] {
  const obstacle = repo.version === 1 ? undefined : `the repository has version ${repo.version} already`;
  return Object.entries(migrations).map(([name, about]) => ({ name, about, obstacle }));
}

/**
 * Applies the named migrations, under an exclusive lock. Repositories that were opened before go on to write the old forms,
 * which is allowed.
 * @throws RepositoryError "repository-unsound" when the check finds errors, before anything is changed; "lock-held".
 */
export async function migrate(repo: Repository, options: MigrateOptions): Promise<MigrationOutcome[]> {
  return await underExclusiveLock(repo, options, async (locked) => {
    const outcomes: MigrationOutcome[] = [];
    for (const name of options.names) outcomes.push(await apply(repo, name, locked));
    return outcomes;
  });
}

async function apply(repo: Repository, name: string, options: MigrateOptions): Promise<MigrationOutcome> {
  const state = listMigrations(repo).find((one) => one.name === name);
  if (state === undefined) return { name, kind: "unknown" };
  if (state.obstacle !== undefined && !options.force) return { name, kind: "refused", reason: state.obstacle };
  await refuseUnsound(repo, options);
  try {
    await steps[name as MigrationName](repo, options);
    return { name, kind: "applied" };
  } catch (error) {
    if (RepositoryError.is(error, "cancelled")) throw error;
    return { name, kind: "failed", error };
  }
}

const steps: Readonly<Record<MigrationName, (repo: Repository, options: MigrateOptions) => Promise<void>>> = {
  upgrade_repo_v2: upgradeToVersion2,
};

async function refuseUnsound(repo: Repository, { signal, onFinding }: MigrateOptions): Promise<void> {
  const { isSound, counts } = await check(repo, { lock: false, signal, onFinding });
  if (isSound) return;
  throw new RepositoryError(
    "repository-unsound",
    `the repository contains errors: ${counts.error} found; nothing was changed`,
  );
}

async function upgradeToVersion2(repo: Repository, { keepCopy, signal }: MigrateOptions): Promise<void> {
  const oldBytes = await readConfig(repo.storage, signal);
  const config = decodeConfig(repo.sealer.open(oldBytes));
  if (config.version !== 1) {
    const message = `the repository has version ${config.version}; only version 1 can be upgraded`;
    throw new RepositoryError("argument-invalid", message);
  }
  const newBytes = repo.sealer.seal(encodeConfig({ ...config, version: 2 }));
  if (decodeConfig(repo.sealer.open(newBytes)).id !== repo.id) {
    throw new RepositoryError("self-test-failed", "the config changed while it was sealed; it was not stored");
  }
  const place = await keepCopy(oldBytes);
  await replaceConfig(repo, { oldBytes, newBytes, place });
}

interface Replacement {
  readonly oldBytes: Buffer;
  readonly newBytes: Buffer;
  /** Where the old config was kept. */
  readonly place: string;
}

/** Not to be cancelled: without a config there is no repository. */
async function replaceConfig(repo: Repository, { oldBytes, newBytes, place }: Replacement): Promise<void> {
  try {
    await repo.storage.put(configKey, newBytes);
  } catch (error) {
    const stored = await storedConfig(repo);
    // The store has done it and could not say so.
    if (stored?.equals(newBytes)) return;
    const cause = error as Error;
    if (stored?.equals(oldBytes)) {
      throw new RepositoryError("migration-failed", `the new config was not stored: ${cause.message}`, { cause });
    }
    await putBack(repo, { oldBytes, place, cause });
    throw new RepositoryError(
      "migration-failed",
      `the new config was not stored, and the old one is back: ${cause.message}`,
      { cause },
    );
  }
}

/** Undefined when there is none, or when the store does not say. */
async function storedConfig(repo: Repository): Promise<Buffer | undefined> {
  try {
    return await readConfig(repo.storage);
  } catch {
    // Whatever the reason: then the old config is stored again, which changes nothing where it still is.
    return undefined;
  }
}

async function putBack(
  repo: Repository,
  { oldBytes, place, cause }: { readonly oldBytes: Buffer; readonly place: string; readonly cause: Error },
): Promise<void> {
  try {
    if (!repo.storage.atomicReplace) await repo.storage.delete(configKey);
    await repo.storage.put(configKey, oldBytes);
  } catch (error) {
    const message = `the new config was not stored (${cause.message}), and whether the old one is still there is not known (${(error as Error).message}); it was kept in ${place}`;
    throw new RepositoryError("migration-failed", message, { details: { copy: place }, cause });
  }
}
