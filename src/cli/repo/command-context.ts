// What every command gets: where to write, what the environment says, when to stop, and how to open the repository
// that the flags name.
import { readFile } from "node:fs/promises";
import os from "node:os";
import type { CompressionMode, ObjectStorage, Repository, RepositoryOptions } from "../../../repo-format/index.ts";
import { openRepository, openStorage, withLock } from "../../../repo-format/index.ts";
import type { CliEnvironment } from "../cli-config.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { formatDuration } from "../output/format-values.ts";
import type { Output } from "../output/output.ts";
import { readPassword } from "../password.ts";
import { storeOptions } from "../store-options.ts";
import { UsageError } from "../usage-error.ts";
import { type GlobalFlags, parseDurationMs, parseStoreSettings } from "./global-options.ts";

export interface CommandContextOptions {
  readonly output: Output;
  readonly environment: CliEnvironment;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly version: string;
}

/** "shared" for writers and readers, "exclusive" for what removes things, "none" to go without. */
export type LockMode = "none" | "shared" | "exclusive";

export class CommandContext {
  readonly output: Output;
  readonly environment: CliEnvironment;
  readonly signal: AbortSignal;
  readonly clock: () => number;
  readonly version: string;
  exitCode: ExitCode = exitCodes.success;
  flags: GlobalFlags = { verbose: 0, lock: true, retryLock: "15m", extraVerify: true, cache: true };

  constructor(options: CommandContextOptions) {
    this.output = options.output;
    this.environment = options.environment;
    this.signal = options.signal;
    this.clock = options.clock;
    this.version = options.version;
  }

  /** Takes over the global flags; runs before each command. */
  begin(flags: GlobalFlags): void {
    this.flags = flags;
    if (flags.quiet === true && flags.verbose > 0) throw new UsageError("--quiet and --verbose exclude each other");
    this.output.configure({ json: flags.json === true, quiet: flags.quiet === true, verbosity: flags.verbose });
  }

  /** The store that --repo names, wrapped and ready. */
  async openStore(options: { readonly create?: boolean } = {}): Promise<ObjectStorage> {
    const choices = {
      variables: this.environment.all,
      settings: parseStoreSettings(this.flags.option),
      caFiles: this.flags.cacert ?? this.environment.caCertificates?.split(",") ?? [],
      insecureTls: this.flags.insecureTls === true,
      create: options.create === true,
      clock: this.clock,
    };
    return openStorage(await this.location(), await storeOptions(choices));
  }

  /** @throws UsageError when no repository is named, or two are. */
  async location(): Promise<string> {
    const { repo, repositoryFile } = this.flags;
    if (repo !== undefined && repositoryFile !== undefined)
      throw new UsageError("--repo and --repository-file exclude each other");
    if (repo !== undefined) return repo;
    const file =
      repositoryFile ?? (this.environment.repository === undefined ? this.environment.repositoryFile : undefined);
    if (file !== undefined) {
      try {
        return (await readFile(file, "utf8")).trim();
      } catch (cause) {
        throw new UsageError(`cannot read the repository file ${file}: ${(cause as Error).message}`);
      }
    }
    if (this.environment.repository !== undefined) return this.environment.repository;
    throw new UsageError("no repository is named: give --repo, or set RESTIC_REPOSITORY");
  }

  /** The password of the repository; `confirm` asks twice on a terminal. */
  async password(confirm: boolean): Promise<string> {
    const { passwordFile, passwordCommand, insecureNoPassword } = this.flags;
    const explicit = passwordFile !== undefined || passwordCommand !== undefined;
    const { environment } = this;
    return readPassword(
      {
        file: explicit ? passwordFile : environment.passwordFile,
        command: explicit ? passwordCommand : environment.passwordCommand,
        value: explicit ? undefined : environment.password,
        allowEmpty: insecureNoPassword === true,
      },
      { question: "enter the password of the repository: ", confirm },
    );
  }

  /** Everything that opening or making a repository needs. */
  async repositoryOptions(storage: ObjectStorage, password: string): Promise<RepositoryOptions> {
    const keyHint = this.flags.keyHint ?? this.environment.keyHint;
    return {
      storage,
      password,
      ...(keyHint === undefined ? {} : { keyHint }),
      compression: this.#compression(),
      packSizeBytes: this.packSizeBytes(),
      extraVerify: this.flags.extraVerify,
      identity: currentIdentity(),
      clock: this.clock,
      signal: this.signal,
      onWarning: (message) => this.output.warn(`warning: ${message}`),
    };
  }

  /** Opens the repository, runs the command and closes it. */
  async withRepository<T>(fn: (repository: Repository) => Promise<T>): Promise<T> {
    const storage = await this.openStore();
    try {
      const password = await this.password(false);
      const repository = await openRepository(await this.repositoryOptions(storage, password));
      if (this.output.verbosity > 0)
        this.output.print(`repository ${repository.id.slice(0, 8)} opened (version ${repository.version})`);
      return await fn(repository);
    } finally {
      await storage.close();
    }
  }

  /** As `withRepository`, holding a lock; the signal also fires when the lock is lost. */
  async withLockedRepository<T>(
    mode: LockMode,
    fn: (repository: Repository, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.withRepository((repository) => {
      if (mode === "none") return fn(repository, this.signal);
      return withLock(
        repository,
        {
          exclusive: mode === "exclusive",
          retryLockMs: this.retryLockMs(),
          onWait: this.reportLockWait,
          signal: this.signal,
        },
        (signal) => fn(repository, signal),
      );
    });
  }

  /** The lock for commands that only read: --no-lock goes without. */
  get readLock(): LockMode {
    return this.flags.lock ? "shared" : "none";
  }

  retryLockMs(): number {
    return parseDurationMs(this.flags.retryLock, "--retry-lock");
  }

  /** Says once in a while who holds the lock that is waited for. */
  readonly reportLockWait = (lock: string, waitedMs: number): void => {
    const limit = formatDuration(this.retryLockMs() / 1000);
    this.output.warn(`waiting for a lock (${formatDuration(waitedMs / 1000)} of at most ${limit}): ${lock}`);
  };

  #compression(): CompressionMode {
    const mode = this.flags.compression ?? this.environment.compression ?? "auto";
    if (mode === "auto" || mode === "off" || mode === "fastest" || mode === "better" || mode === "max") return mode;
    throw new UsageError(`--compression ${mode}: choose auto, off, fastest, better or max`);
  }

  /** The wanted size of a pack. */
  packSizeBytes(): number {
    const text = this.flags.packSize ?? this.environment.packSize;
    const mebibytes = text === undefined ? 16 : Number(text);
    if (Number.isInteger(mebibytes) && mebibytes >= 4 && mebibytes <= 128) return mebibytes * 1024 * 1024;
    throw new UsageError(`--pack-size ${text}: give whole MiB from 4 to 128`);
  }
}

/** Who this process is, for locks, keys and snapshots. */
export function currentIdentity(): RepositoryOptions["identity"] {
  const user = os.userInfo();
  return {
    hostname: os.hostname(),
    username: user.username,
    pid: process.pid,
    uid: Math.max(0, user.uid),
    gid: Math.max(0, user.gid),
  };
}
