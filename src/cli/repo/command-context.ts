// What every command gets: where to write, what the environment says, when to stop, and how to open the repository
// that the flags name.
import type {
  CheckOptions,
  ObjectStorage,
  Repository,
  RepositoryOptions,
  StorageOptions,
} from "../../../repo-format/index.ts";
import { openRepository, openStorage, parseLocation, RepositoryError, withLock } from "../../../repo-format/index.ts";
import type { CliEnvironment } from "../cli-config.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { formatDuration } from "../output/format-values.ts";
import type { Output } from "../output/output.ts";
import type { ReporterOptions } from "../output/progress.ts";
import { storeOptions } from "../store-options.ts";
import { UsageError } from "../usage-error.ts";
import { cacheChoice } from "./cache-choice.ts";
import type { GlobalFlags } from "./global-options.ts";
import { isAsked, readPassword } from "./password.ts";
import {
  bandwidthLimits,
  compressionMode,
  currentIdentity,
  packSizeBytes,
  passwordSources,
  repositoryLocation,
  retryLockMs,
  storeChoices,
} from "./repository-flags.ts";

/** What a command runs in. */
export interface CommandRuntime {
  readonly output: Output;
  readonly environment: CliEnvironment;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly version: string;
  readonly repositoryName?: string;
}

/** "shared" for writers and readers, "exclusive" for what removes things, "none" to go without. */
export type LockMode = "none" | "shared" | "exclusive";

/** Verbs that change nothing and whose answer is all that they are run for. */
const answeringVerbs: ReadonlySet<string> = new Set([
  "snapshots",
  "ls",
  "dump",
  "diff",
  "find",
  "stats",
  "cat",
  "list",
  "key list",
  "version",
]);

const maxPasswordTries = 3;

type RetryEvent = Parameters<NonNullable<NonNullable<StorageOptions["retry"]>["onRetry"]>>[0];

type ExclusiveLock = Pick<CheckOptions, "lock" | "retryLockMs" | "onLockWait" | "signal">;

export class CommandContext {
  readonly output: Output;
  readonly environment: CliEnvironment;
  readonly signal: AbortSignal;
  readonly clock: () => number;
  readonly version: string;
  /** What the repository is called where there are two: "repository", or "source repository". */
  readonly repositoryName: string;
  flags: GlobalFlags = { verbose: 0, lock: true, extraVerify: true };
  #verb: string | undefined;
  #failure: { readonly code: ExitCode; readonly message: string } | undefined;

  constructor(options: CommandRuntime) {
    this.output = options.output;
    this.environment = options.environment;
    this.signal = options.signal;
    this.clock = options.clock;
    this.version = options.version;
    this.repositoryName = options.repositoryName ?? "repository";
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
    this.output.configure({ json: flags.json === true, quiet: flags.quiet === true, verbosity: flags.verbose });
    // A flag that makes no sense is told before anything else happens.
    retryLockMs(this);
    bandwidthLimits(this);
  }

  /** The store that --repo names, wrapped and ready. */
  async openStore(options: { readonly create?: boolean } = {}): Promise<ObjectStorage> {
    const location = await repositoryLocation(this);
    const { kind } = parseLocation(location);
    const create = options.create === true;
    const settings = await storeOptions({ ...storeChoices(this), kind, create, clock: this.clock });
    const cache = this.#cacheOf(location, (message) => this.output.warn(message));
    const bandwidth = bandwidthLimits(this);
    const retry = { ...settings.retry, onRetry: this.#reportRetry };
    return await openStorage(location, { ...settings, bandwidth, cache, retry });
  }

  /** Where copies of this repository's files are kept, if they are: a backup leaves them out. */
  async cacheDirectory(): Promise<string | undefined> {
    return this.#cacheOf(await repositoryLocation(this), () => undefined)?.directory;
  }

  /** The password of the repository; `confirm` asks twice on a terminal. */
  async password(confirm: boolean): Promise<string> {
    const question = `enter the password of the ${this.repositoryName}: `;
    return readPassword(passwordSources(this), { question, confirm, signal: this.signal });
  }

  /** Everything that opening or making a repository needs. */
  async repositoryOptions(storage: ObjectStorage, password: string): Promise<RepositoryOptions> {
    const keyHint = this.flags.keyHint ?? this.environment.keyHint;
    return {
      storage,
      password,
      ...(keyHint === undefined ? {} : { keyHint }),
      compression: compressionMode(this),
      packSizeBytes: packSizeBytes(this),
      extraVerify: this.flags.extraVerify,
      identity: currentIdentity(),
      clock: this.clock,
      signal: this.signal,
      onWarning: (message) => this.output.warn(`warning: ${message}`),
    };
  }

  /** Opens the repository, runs the command and closes it. */
  async withRepository<T>(
    fn: (repository: Repository) => Promise<T>,
    { locksNext = false }: Pick<RepositoryOptions, "locksNext"> = {},
  ): Promise<T> {
    const storage = await this.openStore();
    try {
      const repository = await this.#open(storage, locksNext);
      if (this.output.verbosity > 0)
        this.output.print(`${this.repositoryName} ${repository.id.slice(0, 8)} opened (version ${repository.version})`);
      return await fn(repository);
    } finally {
      await storage.close();
    }
  }

  /**
   * As `withRepository`, holding a lock; the signal also fires when the lock is lost.
   * @param readAhead see LockOptions.whileSettling; for shared locks.
   */
  async withLockedRepository<T>(
    mode: LockMode,
    fn: (repository: Repository, signal: AbortSignal) => Promise<T>,
    readAhead?: (repository: Repository, signal: AbortSignal) => Promise<unknown>,
  ): Promise<T> {
    const work = (repository: Repository): Promise<T> => {
      if (mode === "none") return fn(repository, this.signal);
      const whileSettling = readAhead && ((signal: AbortSignal): Promise<unknown> => readAhead(repository, signal));
      return withLock(
        repository,
        {
          exclusive: mode === "exclusive",
          retryLockMs: retryLockMs(this),
          onWait: this.reportLockWait,
          onWarning: (message) => this.output.warn(`warning: ${message}`),
          whileSettling,
          signal: this.signal,
        },
        (signal) => fn(repository, signal),
      );
    };
    return await this.withRepository(work, { locksNext: mode !== "none" });
  }

  /** The lock for commands that only read: --no-lock goes without. */
  get readLock(): LockMode {
    return this.flags.lock ? "shared" : "none";
  }

  /** For verbs that remove data. @throws UsageError when --no-lock is given and this is no dry run */
  refuseNoLock(isDryRun: boolean): void {
    if (!this.flags.lock && !isDryRun) throw new UsageError("--no-lock goes with --dry-run only");
  }

  /** How maintenance takes its exclusive lock; only what changes nothing may go without, by --no-lock. */
  exclusiveLock({ mayGoWithout }: { readonly mayGoWithout: boolean }): ExclusiveLock {
    return {
      lock: this.flags.lock || !mayGoWithout,
      retryLockMs: retryLockMs(this),
      onLockWait: this.reportLockWait,
      signal: this.signal,
    };
  }

  /** Says who holds the lock that is waited for: at once, and before each further try. */
  readonly reportLockWait = (holder: string, waitedMs: number): void => {
    const limitMs = retryLockMs(this);
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

  /** A store that does not answer is tried for a quarter of an hour: nobody should have to guess why nothing happens. */
  readonly #reportRetry = ({ action, error, delayMs }: RetryEvent): void => {
    const seconds = Math.max(1, Math.round(delayMs / 1000));
    this.output.warn(`warning: ${error.message}; trying again in ${seconds} s`, {
      message_type: "retry",
      action,
      message: error.message,
      delay_seconds: seconds,
    });
  };

  /** @param say told of what happens to the cache, on standard error: an answer may be a file's bytes. */
  #cacheOf(location: string, say: (message: string) => void): StorageOptions["cache"] {
    return cacheChoice(this, { location, verb: this.#verb ?? "", say, clock: this.clock });
  }

  /** A person who mistypes may try again, as in restic. */
  async #open(storage: ObjectStorage, locksNext: boolean): Promise<Repository> {
    const tries = isAsked(passwordSources(this)) ? maxPasswordTries : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        const options = await this.repositoryOptions(storage, await this.password(false));
        return await openRepository({ ...options, locksNext });
      } catch (error) {
        if (attempt >= tries || !RepositoryError.is(error, "wrong-password")) throw error;
        this.output.warn(`${error.message}; try again`);
      }
    }
  }
}
