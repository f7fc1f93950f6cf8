// The flags of `restore`, as the engine's options.
import { resolve } from "node:path";
import type { RestoreOptions } from "../../../repo-format/index.ts";
import type { CliEnvironment } from "../cli-config.ts";
import { UsageError } from "../usage-error.ts";
import { threadCount } from "./flag-values.ts";
import type { NotesFlags } from "./local-notes.ts";
import { readPatternFiles } from "./pattern-files.ts";
import type { SnapshotFilterFlags } from "./snapshot-filter.ts";

export interface RestoreFlags extends SnapshotFilterFlags, NotesFlags {
  readonly target?: string;
  readonly include?: readonly string[];
  readonly iinclude?: readonly string[];
  readonly includeFile?: readonly string[];
  readonly iincludeFile?: readonly string[];
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly includeXattr?: readonly string[];
  readonly excludeXattr?: readonly string[];
  readonly overwrite: string;
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  readonly sparse?: boolean;
  readonly verify?: boolean;
  readonly ownershipByName?: boolean;
}

type RestoreSettings = Omit<RestoreOptions, "snapshotId" | "subfolder" | "signal">;

/** @throws UsageError for flags that contradict each other or are missing; nothing has been opened by then. */
export async function restoreSettings(flags: RestoreFlags, environment: CliEnvironment): Promise<RestoreSettings> {
  const { target } = flags;
  const variables = environment.all;
  if (target === undefined || target === "") throw new UsageError("say where to restore to: --target DIRECTORY");
  const patterns = {
    includes: [...(flags.include ?? []), ...(await readPatternFiles(flags.includeFile, variables))],
    insensitiveIncludes: [...(flags.iinclude ?? []), ...(await readPatternFiles(flags.iincludeFile, variables))],
    excludes: [...(flags.exclude ?? []), ...(await readPatternFiles(flags.excludeFile, variables))],
    insensitiveExcludes: [...(flags.iexclude ?? []), ...(await readPatternFiles(flags.iexcludeFile, variables))],
  };
  const isIncluding = patterns.includes.length + patterns.insensitiveIncludes.length > 0;
  const isExcluding = patterns.excludes.length + patterns.insensitiveExcludes.length > 0;
  if (isIncluding && isExcluding) throw new UsageError("--include and --exclude exclude each other");
  if (flags.includeXattr !== undefined && flags.excludeXattr !== undefined)
    throw new UsageError("--include-xattr and --exclude-xattr exclude each other");
  if (flags.dryRun === true && flags.verify === true) throw new UsageError("--dry-run and --verify exclude each other");
  if (flags.delete === true && resolve(target) === "/" && !isIncluding && !isExcluding)
    throw new UsageError("--delete with the target / needs --include or --exclude");
  return {
    ...patterns,
    target,
    overwrite: overwriteMode(flags.overwrite),
    delete: flags.delete === true,
    dryRun: flags.dryRun === true,
    verify: flags.verify === true,
    sparse: flags.sparse,
    includeAttributes: [...(flags.includeXattr ?? [])],
    excludeAttributes: [...(flags.excludeXattr ?? [])],
    restoreDevices: true,
    threads: threadCount(environment),
    ownershipByName: flags.ownershipByName === true,
  };
}

function overwriteMode(text: string): RestoreOptions["overwrite"] {
  if (text === "always" || text === "if-changed" || text === "if-newer" || text === "never") return text;
  throw new UsageError(`--overwrite ${text}: choose always, if-changed, if-newer or never`);
}
