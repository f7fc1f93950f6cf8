// The flags of `backup`, as the engine's options.
import { resolve } from "node:path";
import {
  type ArchiveOptions,
  type ExcludeOptions,
  parseGroupBy,
  type Repository,
  resolveSnapshot,
} from "../../../repo-format/index.ts";
import { parseSize } from "../output/format-values.ts";
import { UsageError } from "../usage-error.ts";
import type { SourceFlags } from "./backup-sources.ts";
import { notesDirectory } from "./cache-choice.ts";
import type { CommandContext } from "./command-context.ts";
import { positiveInteger, threadCount } from "./flag-values.ts";
import type { NotesFlags } from "./local-notes.ts";
import { readPatternFiles } from "./pattern-files.ts";
import { currentIdentity } from "./repository-flags.ts";
import { tagNames } from "./snapshot-filter.ts";
import { parseSnapshotTime } from "./snapshot-time.ts";

export interface BackupFlags extends SourceFlags, NotesFlags {
  readonly dryRun?: boolean;
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly excludeIfPresent?: readonly string[];
  readonly excludeCaches?: boolean;
  readonly excludeLargerThan?: string;
  readonly force?: boolean;
  readonly parent?: string;
  readonly groupBy: string;
  readonly host?: string;
  readonly hostname?: string;
  readonly tag?: readonly string[];
  readonly time?: string;
  readonly oneFileSystem?: boolean;
  readonly withAtime?: boolean;
  readonly ignoreCtime?: boolean;
  readonly ignoreInode?: boolean;
  readonly scan: boolean;
  readonly skipIfUnchanged?: boolean;
  readonly readConcurrency?: string;
  readonly stdin?: boolean;
  readonly stdinFilename?: string;
  readonly stdinFromCommand?: boolean;
}

type ArchiveSettings = Omit<ArchiveOptions, "targets" | "stream" | "signal" | "clock">;

/** @throws UsageError for a value that makes no sense; RepositoryError for a --parent that does not exist */
export async function archiveSettings(
  repository: Repository,
  flags: BackupFlags,
  context: CommandContext,
): Promise<ArchiveSettings> {
  const { environment, version, signal } = context;
  const ours = [await context.cacheDirectory(), notesDirectory(context)].filter((path) => path !== undefined);
  const { hostname, username, uid, gid } = currentIdentity();
  const asked = flags.readConcurrency ?? environment.readConcurrency;
  // As in restic, 0 stands for the default.
  const readers = asked === "0" ? undefined : positiveInteger(asked, "--read-concurrency");
  const threads = readers ?? threadCount(environment);
  return {
    hostname: flags.host ?? flags.hostname ?? environment.host ?? hostname,
    username,
    uid,
    gid,
    tags: tagNames(flags.tag),
    ...(flags.time === undefined ? {} : { time: parseSnapshotTime(flags.time) }),
    ...(await parentChoice(flags, repository, signal)),
    // As in restic, nobody wants a backup of what the backup itself has put aside.
    excludes: { ...(await excludeOptions(flags, environment.all)), paths: ours.map((path) => resolve(path)) },
    oneFileSystem: flags.oneFileSystem === true,
    withAtime: flags.withAtime === true,
    ignoreCtime: flags.ignoreCtime === true || environment.ignoreCtime,
    ignoreInode: flags.ignoreInode === true || environment.ignoreInode,
    noScan: !flags.scan,
    skipIfUnchanged: flags.skipIfUnchanged === true,
    dryRun: flags.dryRun === true,
    userNames: true,
    ...(threads === undefined ? {} : { threads }),
    programVersion: `stowage ${version}`,
  };
}

async function parentChoice(
  flags: BackupFlags,
  repository: Repository,
  signal: AbortSignal,
): Promise<Pick<ArchiveOptions, "parent" | "findParent">> {
  // Nothing tells whether a pipe holds what it held the last time.
  if (flags.force === true || flags.stdin === true) return { parent: "none" };
  const isRequired = flags.parent === "latest";
  if (flags.parent !== undefined && !isRequired)
    return { parent: (await resolveSnapshot(repository, flags.parent, { signal })).id };
  const group = parseGroupBy(flags.groupBy);
  const groupBy = (["host", "paths", "tags"] as const).filter((field) => group[field]);
  return { findParent: { groupBy, isRequired } };
}

async function excludeOptions(
  flags: BackupFlags,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<ExcludeOptions> {
  const largerThan = flags.excludeLargerThan === undefined ? undefined : parseSize(flags.excludeLargerThan);
  if (flags.excludeLargerThan !== undefined && largerThan === undefined) {
    throw new UsageError(`--exclude-larger-than ${flags.excludeLargerThan}: write a size like 500M`);
  }
  return {
    patterns: [...(flags.exclude ?? []), ...(await readPatternFiles(flags.excludeFile, variables))],
    insensitivePatterns: [...(flags.iexclude ?? []), ...(await readPatternFiles(flags.iexcludeFile, variables))],
    ifPresent: [...(flags.excludeIfPresent ?? [])],
    caches: flags.excludeCaches === true,
    ...(largerThan === undefined ? {} : { largerThanBytes: largerThan }),
  };
}
