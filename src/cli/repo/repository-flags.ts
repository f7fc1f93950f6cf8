// Which repository, how it is reached and how it is opened: what the global flags say, and else the environment.
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import type { CompressionMode, RepositoryOptions, StorageOptions } from "../../../repo-format/index.ts";
import { processUser } from "../../platform/process-user.ts";
import type { CliEnvironment } from "../cli-config.ts";
import type { StoreChoices } from "../store-options.ts";
import { UsageError } from "../usage-error.ts";
import { positiveInteger } from "./flag-values.ts";
import { defaultRetryLock, type GlobalFlags, parseDurationMs, parseStoreSettings } from "./global-options.ts";
import { decodeText, type PasswordSources } from "./password.ts";

/** Where the answers come from; a flag wins over a variable. */
export interface Choices {
  readonly flags: GlobalFlags;
  readonly environment: CliEnvironment;
}

/** @throws UsageError when no repository is named, or two are. */
export async function repositoryLocation({ flags, environment }: Choices): Promise<string> {
  const { repo, repositoryFile } = flags;
  if (repo !== undefined && repositoryFile !== undefined)
    throw new UsageError("--repo and --repository-file exclude each other");
  if (repo !== undefined) return repo;
  if (repositoryFile !== undefined) return readLocation(repositoryFile);
  if (environment.repository !== undefined && environment.repositoryFile !== undefined)
    throw new UsageError("RESTIC_REPOSITORY and RESTIC_REPOSITORY_FILE exclude each other");
  if (environment.repository !== undefined) return environment.repository;
  if (environment.repositoryFile !== undefined) return readLocation(environment.repositoryFile);
  throw new UsageError("no repository is named: give --repo, or set RESTIC_REPOSITORY");
}

async function readLocation(file: string): Promise<string> {
  try {
    return decodeText(await readFile(file)).trim();
  } catch (cause) {
    throw new UsageError(`cannot read the repository file ${file}: ${(cause as Error).message}`);
  }
}

/** How the store is reached. */
export function storeChoices({ flags, environment }: Choices): Omit<StoreChoices, "kind" | "create" | "clock"> {
  const timeout = flags.stuckRequestTimeout;
  return {
    variables: environment.all,
    settings: parseStoreSettings(flags.option),
    caFiles: (flags.cacert ?? [environment.caCertificates ?? ""]).flatMap((list) => list.split(",")),
    clientCertificateFile: flags.tlsClientCert ?? environment.tlsClientCertificate,
    insecureTls: flags.insecureTls === true,
    stallTimeoutMs: timeout === undefined ? undefined : parseDurationMs(timeout, "--stuck-request-timeout"),
  };
}

/** Where the password comes from; a flag puts all variables aside. */
export function passwordSources({ flags, environment }: Choices): PasswordSources {
  const { passwordFile, passwordCommand, insecureNoPassword } = flags;
  const isNamed = passwordFile !== undefined || passwordCommand !== undefined;
  return {
    file: isNamed ? passwordFile : environment.passwordFile,
    command: isNamed ? passwordCommand : environment.passwordCommand,
    value: isNamed ? undefined : environment.password,
    allowEmpty: insecureNoPassword === true,
  };
}

/** How long to wait for the locks of others. */
export function retryLockMs({ flags, environment }: Choices): number {
  return parseDurationMs(flags.retryLock ?? environment.retryLock ?? defaultRetryLock, "--retry-lock");
}

export function compressionMode({ flags, environment }: Choices): CompressionMode {
  const mode = flags.compression ?? environment.compression ?? "auto";
  if (mode === "auto" || mode === "off" || mode === "fastest" || mode === "better" || mode === "max") return mode;
  throw new UsageError(`--compression ${mode}: choose auto, off, fastest, better or max`);
}

/** The wanted size of a pack. */
export function packSizeBytes({ flags, environment }: Choices): number {
  const text = flags.packSize ?? environment.packSize;
  const mebibytes = text === undefined || text === "0" ? 16 : Number(text);
  if (Number.isInteger(mebibytes) && mebibytes >= 4 && mebibytes <= 128) return mebibytes * 1024 * 1024;
  throw new UsageError(`--pack-size ${text}: give whole MiB from 4 to 128`);
}

/** How fast the store may be written and read; 0, as in restic, is no limit. */
export function bandwidthLimits({ flags }: Pick<Choices, "flags">): NonNullable<StorageOptions["bandwidth"]> {
  return {
    uploadBytesPerSecond: bytesPerSecond(flags.limitUpload, "--limit-upload"),
    downloadBytesPerSecond: bytesPerSecond(flags.limitDownload, "--limit-download"),
  };
}

function bytesPerSecond(text: string | undefined, flag: string): number | undefined {
  const kibibytes = text === "0" ? undefined : positiveInteger(text, flag);
  return kibibytes === undefined ? undefined : kibibytes * 1024;
}

/** Who this process is, for locks, keys and snapshots. */
export function currentIdentity(): RepositoryOptions["identity"] {
  return { hostname: hostname(), pid: process.pid, ...processUser() };
}
