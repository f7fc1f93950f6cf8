// What every command gets: where to write, what the environment says, when to stop, and how to open the repository
// that the flags name.
import { readFile } from "node:fs/promises";
import os from "node:os";
import type {
  CheckOptions,
  CompressionMode,
  ObjectStorage,
  Repository,
  RepositoryOptions,
} from "../../../repo-format/index.ts";
import { openRepository, openStorage, RepositoryError, withLock } from "../../../repo-format/index.ts";
import type { CliEnvironment } from "../cli-config.ts";
import { formatDuration } from "../output/format-values.ts";
import type { Output } from "../output/output.ts";
import type { ReporterOptions } from "../output/progress.ts";
import { storeOptions } from "../store-options.ts";
import { UsageError } from "../usage-error.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { defaultRetryLock, type GlobalFlags, parseDurationMs, parseStoreSettings } from "./global-options.ts";
import { decodeText, isAsked, type PasswordSources, readPassword } from "./password.ts";

/** What a command runs in. */
export interface CommandRuntime {
  readonly output: Output;
  readonly environment: CliEnvironment;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly version: string;
}

/** "shared" for writers and readers, "exclusive" for what removes things, "none" to go without. */
export type LockMode = "none" | "shared" | "exclusive";

/** Verbs that change nothing and whose answer is all that they are run for. */
const answeringVerbs: ReadonlySet<string> = new Set([
  "snapshots",
  "ls",
  "dump",
  "stats",
  "cat",
  "list",
  "key list",
  "version",
]);

const maxPasswordTries = 3;

type ExclusiveLock = Pick<CheckOptions, "lock" | "retryLockMs" | "onLockWait" | "signal">;

export class CommandContext {
  readonly output: Output;
  readonly environment: CliEnvironment;
  readonly signal: AbortSignal;
  readonly clock: () => number;
  readonly version: string;
  flags: GlobalFlags = { verbose: 0, lock: true, extraVerify: true };
  #verb: string | undefined;
  #failure: { readonly code: ExitCode; readonly message: string } | undefined;

  constructor(options: CommandRuntime) {
    this.output = options.output;
    this.environment = options.environment;
    this.signal = options.signal;
    this.clock = options.clock;
    this.version = options.version;
  }

  /** The command that runs, such as "backup" or "key list"; undefined before its flags are parsed. */
  get verb(): string | undefined {
    return this.#verb;
  }

  /** A command that ran to its end and has not done all that was asked: the first such word is said last. */
  fail(code: ExitCode, message: string): void {
    this.#failure ??= { code, message };
  }

  /** Says the last word of a command that ran to its end. @returns the exit code */
  conclude(): ExitCode {
    if (this.#failure === undefined) return exitCodes.success;
    this.output.fatal(this.#failure.message, this.#failure.code);
    return this.#failure.code;
  }

  /** For progress. */
  get reporting(): ReporterOptions {
    return { output: this.output, framesPerSecond: this.environment.progressFps, clock: this.clock };
  }

  /** True for commands that have nothing left to do when nobody reads their output. */
  get onlyAnswers(): boolean {
    return this.#verb === undefined || answeringVerbs.has(this.#verb);
  }

  /** Takes over the verb and the global flags; runs before each command. */
  begin(verb: string, flags: GlobalFlags): void {
    this.#verb = verb;
    this.flags = flags;
    if (flags.quiet === true && flags.verbose > 0) throw new UsageError("--quiet and --verbose exclude each other");
    if ((flags.limitUpload ?? flags.limitDownload ?? "0") !== "0") {
      throw new UsageError("--limit-upload and --limit-download are not available; limit the network of the process");
    }
    this.output.configure({ json: flags.json === true, quiet: flags.quiet === true, verbosity: flags.verbose });
    this.retryLockMs();
  }

  /** The store that --repo names, wrapped and ready. */
  async openStore(options: { readonly create?: boolean } = {}): Promise<ObjectStorage> {
    const { flags, environment } = this;
    const timeout = flags.stuckRequestTimeout;
    const choices = {
      variables: environment.all,
      settings: parseStoreSettings(flags.option),
      caFiles: (flags.cacert ?? [environment.caCertificates ?? ""]).flatMap((list) => list.split(",")),
      clientCertificateFile: flags.tlsClientCert ?? environment.tlsClientCertificate,
      insecureTls: flags.insecureTls === true,
      stallTimeoutMs: timeout === undefined ? undefined : parseDurationMs(timeout, "--stuck-request-timeout"),
      create: options.create === true,
      clock: this.clock,
    };
    return openStorage(await this.location(), await storeOptions(choices));
  }

  /** @throws UsageError when no repository is named, or two are. */
  async location(): Promise<string> {
    const { repo, repositoryFile } = this.flags;
    const { environment } = this;
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

  /** The password of the repository; `confirm` asks twice on a terminal. */
  async password(confirm: boolean): Promise<string> {
    const question = "enter the password of the repository: ";
    return readPassword(this.#passwordSources(), { question, confirm, signal: this.signal });
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
      const repository = await this.#open(storage);
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
          onWarning: (message) => this.output.warn(`warning: ${message}`),
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

  /** How maintenance takes its exclusive lock; only what changes nothing may go without, by --no-lock. */
  exclusiveLock({ mayGoWithout }: { readonly mayGoWithout: boolean }): ExclusiveLock {
    return {
      lock: this.flags.lock || !mayGoWithout,
      retryLockMs: this.retryLockMs(),
      onLockWait: this.reportLockWait,
      signal: this.signal,
    };
  }

  retryLockMs(): number {
    return parseDurationMs(this.flags.retryLock ?? this.environment.retryLock ?? defaultRetryLock, "--retry-lock");
  }

  /** Says who holds the lock that is waited for: at once, and before each further try. */
  readonly reportLockWait = (holder: string, waitedMs: number): void => {
    const limitMs = this.retryLockMs();
    const waited = waitedMs < 1000 ? "" : ` for ${formatDuration(waitedMs / 1000)}`;
    this.output.warn(
      `waiting${waited} (at most ${formatDuration(limitMs / 1000)}, --retry-lock): the repository is ${holder}`,
      { message_type: "waiting_for_lock", holder, seconds_waited: Math.floor(waitedMs / 1000) },
    );
  };

  /** Says what was passed over: an id that does not exist, a snapshot that cannot be read. */
  readonly reportIgnored = (what: string, error: unknown): void => {
    this.output.warn(`ignored ${what}: ${error instanceof Error ? error.message : String(error)}`);
  };

  /** The wanted size of a pack. */
  packSizeBytes(): number {
    const text = this.flags.packSize ?? this.environment.packSize;
    const mebibytes = text === undefined || text === "0" ? 16 : Number(text);
    if (Number.isInteger(mebibytes) && mebibytes >= 4 && mebibytes <= 128) return mebibytes * 1024 * 1024;
    throw new UsageError(`--pack-size ${text}: give whole MiB from 4 to 128`);
  }

  /** A person who mistypes may try again, as in restic. */
  async #open(storage: ObjectStorage): Promise<Repository> {
    const tries = isAsked(this.#passwordSources()) ? maxPasswordTries : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await openRepository(await this.repositoryOptions(storage, await this.password(false)));
      } catch (error) {
        if (attempt >= tries || !RepositoryError.is(error, "wrong-password")) throw error;
        this.output.warn(`${error.message}; try again`);
      }
    }
  }

  #passwordSources(): PasswordSources {
    const { environment } = this;
    const { passwordFile, passwordCommand, insecureNoPassword } = this.flags;
    const isNamed = passwordFile !== undefined || passwordCommand !== undefined;
    return {
      file: isNamed ? passwordFile : environment.passwordFile,
      command: isNamed ? passwordCommand : environment.passwordCommand,
      value: isNamed ? undefined : environment.password,
      allowEmpty: insecureNoPassword === true,
    };
  }

  #compression(): CompressionMode {
    const mode = this.flags.compression ?? this.environment.compression ?? "auto";
    if (mode === "auto" || mode === "off" || mode === "fastest" || mode === "better" || mode === "max") return mode;
    throw new UsageError(`--compression ${mode}: choose auto, off, fastest, better or max`);
  }
}

async function readLocation(file: string): Promise<string> {
  try {
    return decodeText(await readFile(file)).trim();
  } catch (cause) {
    throw new UsageError(`cannot read the repository file ${file}: ${(cause as Error).message}`);
  }
}

/** Who this process is, for locks, keys and snapshots. */
export function currentIdentity(): RepositoryOptions["identity"] {
  const user = userOfProcess();
  return {
    hostname: os.hostname(),
    username: user.username,
    pid: process.pid,
    uid: Math.max(0, user.uid),
    gid: Math.max(0, user.gid),
  };
}

/** A user id of a container need not have a name. */
function userOfProcess(): { readonly username: string; readonly uid: number; readonly gid: number } {
  try {
    return os.userInfo();
  } catch {
    return { username: "", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  }
}
