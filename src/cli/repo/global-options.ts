// The flags that every `stowage repo` command takes, with restic's names.
import type { Command } from "commander";
import { parseDuration } from "../../platform/duration.ts";
import { UsageError } from "../usage-error.ts";
import { collect } from "./collect.ts";

/** Values as commander delivers them. */
export interface GlobalFlags {
  readonly repo?: string;
  readonly repositoryFile?: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  readonly keyHint?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
  /** commander's form of --no-lock. */
  readonly lock: boolean;
  readonly retryLock: string;
  readonly insecureNoPassword?: boolean;
  readonly compression?: string;
  readonly packSize?: string;
  readonly extraVerify: boolean;
  readonly cacert?: readonly string[];
  readonly insecureTls?: boolean;
  readonly option?: readonly string[];
  readonly cache: boolean;
  readonly cacheDir?: string;
}

const count = (_: unknown, sofar: number | undefined): number => (sofar ?? 0) + 1;

/** Adds the flags to the parent command; commander then finds them before and after the command's name. */
export function addGlobalOptions(command: Command): Command {
  return command
    .option("-r, --repo <location>", "repository: a directory, or s3:https://host/bucket/prefix (RESTIC_REPOSITORY)")
    .option("--repository-file <file>", "file that holds the repository's location (RESTIC_REPOSITORY_FILE)")
    .option("-p, --password-file <file>", "file that holds the password (RESTIC_PASSWORD_FILE)")
    .option("--password-command <command>", "command that prints the password (RESTIC_PASSWORD_COMMAND)")
    .option("--key-hint <id>", "key to try first (RESTIC_KEY_HINT)")
    .option("--insecure-no-password", "use an empty password; must be asked for by name")
    .option("--json", "print JSON messages, in the shapes that restic prints")
    .option("-q, --quiet", "print nothing but errors and the result")
    .option("-v, --verbose", "say more; twice for each file", count, 0)
    .option("--no-lock", "do not lock the repository, for reading from a store that cannot be written")
    .option(
      "--retry-lock <duration>",
      "how long to wait for somebody else's exclusive lock, such as 30s, 5m or 0",
      "15m",
    )
    .option("--compression <mode>", "auto, off, fastest, better or max (RESTIC_COMPRESSION)")
    .option("--pack-size <MiB>", "wanted size of a pack, 4 to 128 (RESTIC_PACK_SIZE)")
    .option("--no-extra-verify", "do not open sealed data again before it is sent")
    .option("--cacert <file>", "certificate authorities to trust (RESTIC_CACERT)", collect)
    .option("--insecure-tls", "do not verify the server's certificate")
    .option("-o, --option <key=value>", "setting of the store, such as s3.region=eu-west-1", collect)
    .option("--no-cache", "accepted for restic's sake: nothing is cached on disk yet")
    .option("--cache-dir <directory>", "accepted for restic's sake: nothing is cached on disk yet");
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

/** Splits "-o key=value" settings into a record. */
export function parseStoreSettings(settings: readonly string[] | undefined): Record<string, string> {
  const parsed: Record<string, string> = {};
  for (const setting of settings ?? []) {
    const at = setting.indexOf("=");
    if (at <= 0) throw new UsageError(`-o ${setting}: write it like s3.region=eu-west-1`);
    parsed[setting.slice(0, at).toLowerCase()] = setting.slice(at + 1);
  }
  return parsed;
}
