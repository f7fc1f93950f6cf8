// The flags that every `stowage repo` command takes, with restic's names, before or after the verb.
import { type Command, Option } from "commander";
import { parseDuration } from "../../platform/duration.ts";
import { everyCommandGroup } from "../help.ts";
import { UsageError } from "../usage-error.ts";
import { collect } from "./flag-values.ts";

/** Values as commander delivers them. */
export interface GlobalFlags {
  readonly repo?: string;
  readonly repositoryFile?: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  readonly keyHint?: string;
  readonly insecureNoPassword?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
  /** commander's form of --no-lock. */
  readonly lock: boolean;
  readonly retryLock?: string;
  readonly compression?: string;
  readonly packSize?: string;
  readonly extraVerify: boolean;
  /** commander's form of --no-cache. */
  readonly cache?: boolean;
  readonly cacheDir?: string;
  readonly cacheSize?: string;
  readonly cleanupCache?: boolean;
  readonly cacert?: readonly string[];
  readonly tlsClientCert?: string;
  readonly insecureTls?: boolean;
  readonly stuckRequestTimeout?: string;
  readonly limitUpload?: string;
  readonly limitDownload?: string;
  readonly option?: readonly string[];
}

/** Waiting for others is the default, which restic's is not: nightly jobs of several hosts then follow each other. */
export const defaultRetryLock = "15m";

const count = (_: unknown, sofar: number | undefined): number => (sofar ?? 0) + 1;
const group = everyCommandGroup;

interface GlobalOption {
  readonly flags: string;
  readonly about: string;
  readonly parse?: (value: string, sofar: never) => unknown;
  readonly isHidden?: boolean;
}

const globalOptions: readonly GlobalOption[] = [
  { flags: "-r, --repo <location>", about: "a directory, or s3:https://host/bucket/prefix (RESTIC_REPOSITORY)" },
  { flags: "--repository-file <file>", about: "file that holds the location (RESTIC_REPOSITORY_FILE)" },
  { flags: "-p, --password-file <file>", about: "file that holds the password (RESTIC_PASSWORD_FILE)" },
  { flags: "--password-command <command>", about: "command that prints the password (RESTIC_PASSWORD_COMMAND)" },
  { flags: "--key-hint <id>", about: "key to try first (RESTIC_KEY_HINT)" },
  { flags: "--insecure-no-password", about: "the password is empty; must be asked for by name" },
  { flags: "--json", about: "print JSON messages, in the shapes that restic prints" },
  { flags: "-q, --quiet", about: "print nothing but errors and what was asked for" },
  { flags: "-v, --verbose", about: "say more; twice (or --verbose=2) for each file", parse: count },
  { flags: "--no-lock", about: "take no lock when only reading, for a store that cannot be written" },
  {
    flags: "--retry-lock <duration>",
    about: `how long to wait while others lock the repository, such as 30s, 5m or 0 (default: ${defaultRetryLock})`,
  },
  { flags: "--compression <mode>", about: "auto, off, fastest, better or max (RESTIC_COMPRESSION)" },
  { flags: "--pack-size <MiB>", about: "wanted size of a pack, 4 to 128 (RESTIC_PACK_SIZE)" },
  { flags: "--no-extra-verify", about: "do not open sealed data again before it is sent" },
  { flags: "--cacert <file>", about: "certificate authorities to trust (RESTIC_CACERT)", parse: collect },
  { flags: "--tls-client-cert <file>", about: "certificate and key for the store (RESTIC_TLS_CLIENT_CERT)" },
  { flags: "--insecure-tls", about: "do not verify the store's certificate" },
  { flags: "--stuck-request-timeout <duration>", about: "give up a request that moves nothing for so long (5m)" },
  { flags: "-o, --option <key=value>", about: "setting of the store, such as s3.region=eu-west-1", parse: collect },
  { flags: "--limit-upload <KiB/s>", about: "send no faster than this, all connections together" },
  { flags: "--limit-download <KiB/s>", about: "receive no faster than this" },
  {
    flags: "--no-cache",
    about: "keep no copies of index, snapshots and directories on this machine (STOWAGE_NO_CACHE)",
  },
  {
    flags: "--cache-dir <directory>",
    about: "keep them here (RESTIC_CACHE_DIR; default: stowage in XDG_CACHE_HOME or ~/.cache, for s3: only)",
  },
  {
    flags: "--cache-size <size>",
    about: "limit for all copies, such as 500M (default: 10 % of the free space, at most 4G)",
  },
  { flags: "--cleanup-cache", about: "remove copies of repositories that were not used for 30 days" },
  { flags: "--http-user-agent <text>", about: "accepted: of no effect", isHidden: true },
];

/** Adds the flags to a command. Each command has all of them, so that clusters such as -nv work. */
export function addGlobalOptions(command: Command): void {
  for (const { flags, about, parse, isHidden } of globalOptions) {
    const option = new Option(flags, about).helpGroup(group);
    if (parse !== undefined) option.argParser(parse as (value: string, sofar: unknown) => unknown);
    command.addOption(option.hideHelp(isHidden === true));
  }
}

/** The flags that were given, on the verb itself or on a command above it; the verb's own win. */
export function collectGlobalFlags(verb: Command): GlobalFlags {
  const merged: Record<string, unknown> = {};
  for (let command: Command | null = verb; command !== null; command = command.parent) {
    const own = new Map(command.options.map((option) => [option.attributeName(), option.helpGroupHeading === group]));
    for (const [name, value] of Object.entries(command.opts())) {
      if (own.get(name) !== true || command.getOptionValueSource(name) !== "cli") continue;
      const nearer = merged[name];
      if (Array.isArray(nearer)) merged[name] = [...(value as string[]), ...(nearer as string[])];
      else if (typeof nearer === "number") merged[name] = nearer + (value as number);
      else merged[name] ??= value;
    }
  }
  return { verbose: 0, lock: true, extraVerify: true, ...merged };
}

/**
 * Parses a Go duration such as "90s", "1h30m" or "0".
 * @returns milliseconds.
 * @throws UsageError naming the flag.
 */
export function parseDurationMs(text: string, flag: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined && durationMs >= 0) return durationMs;
  throw new UsageError(`${flag}: "${text}" is not a duration; write it like 30s, 5m or 1h30m`);
}

/** Splits "-o key=value" settings, which may also come as a list with commas, into a record. */
export function parseStoreSettings(settings: readonly string[] | undefined): Record<string, string> {
  const parsed: Record<string, string> = {};
  for (const setting of (settings ?? []).flatMap((list) => list.split(","))) {
    const at = setting.indexOf("=");
    if (at <= 0) throw new UsageError(`-o ${setting}: write it like s3.region=eu-west-1`);
    const key = setting.slice(0, at).trim().toLowerCase();
    const value = setting.slice(at + 1).trim();
    if ((parsed[key] ?? value) !== value) throw new UsageError(`-o ${key}: given twice, with different values`);
    parsed[key] = value;
  }
  return parsed;
}
