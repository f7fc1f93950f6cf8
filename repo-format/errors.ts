// Every failure that the engine reports: one class, many codes. The table says what a caller may do about each code;
// the message says what failed and how things stand, `details` holds the facts.

type Retry = "never" | "backoff" | "after-refresh";

interface ErrorPolicy {
  /** "backoff": the same call may succeed later; "after-refresh": after the index or the lock list was read again. */
  readonly retry: Retry;
  /** What the user can do next; a sentence without a full stop. */
  readonly hint: string;
}

/** Code → what to do. The union of codes comes from here, so a `switch` over it is checked for completeness. */
export const errorPolicies = {
  "repository-missing": {
    retry: "never",
    hint: "check the location, or create the repository with `stowage repo init`",
  },
  "repository-exists": { retry: "never", hint: "choose another location, or use the repository that is there" },
  "repository-unsupported": { retry: "never", hint: "upgrade the program, or migrate the repository with restic" },
  "config-malformed": { retry: "never", hint: "the config file is damaged; restore it from a copy of the repository" },
  "wrong-password": { retry: "never", hint: "check the password, its file or its Secret" },
  "no-password": { retry: "never", hint: "set RESTIC_PASSWORD, RESTIC_PASSWORD_FILE or --password-file" },
  "key-malformed": { retry: "never", hint: "remove the damaged key file, or add a new key with one that works" },
  "key-in-use": { retry: "never", hint: "open the repository with another key first" },
  "key-missing": { retry: "never", hint: "list the keys with `stowage repo key list`" },
  "authentication-failed": {
    retry: "never",
    hint: "the stored bytes were changed; run `stowage repo check --read-data`",
  },
  "blob-damaged": { retry: "never", hint: "run `stowage repo check --read-data` to see what else is affected" },
  "blob-missing": {
    retry: "after-refresh",
    hint: "run `stowage repo check`; another program may have pruned meanwhile",
  },
  "pack-missing": { retry: "after-refresh", hint: "run `stowage repo check`; the pack was deleted from the store" },
  "pack-damaged": { retry: "never", hint: "run `stowage repo check --read-data`" },
  "index-malformed": { retry: "never", hint: "run `stowage repo check`; an index file is damaged" },
  "tree-malformed": { retry: "never", hint: "run `stowage repo check`; a directory record is damaged" },
  "snapshot-malformed": { retry: "never", hint: "run `stowage repo check`; a snapshot file is damaged" },
  "snapshot-missing": { retry: "never", hint: "list the snapshots with `stowage repo snapshots`" },
  "snapshot-ambiguous": { retry: "never", hint: "give more digits of the snapshot id" },
  "path-missing": { retry: "never", hint: "list the files with `stowage repo ls`" },
  "file-damaged": { retry: "backoff", hint: "the stored file does not match its name; run `stowage repo check`" },
  "lock-held": { retry: "backoff", hint: "wait for the other process, or run `stowage repo unlock` if it is gone" },
  "lock-lost": { retry: "backoff", hint: "run the command again; the lock could not be refreshed in time" },
  "lock-malformed": {
    retry: "never",
    hint: "run `stowage repo unlock --remove-all` when no process uses the repository",
  },
  "object-missing": { retry: "never", hint: "the object is not in the store" },
  "object-exists": { retry: "never", hint: "somebody else wrote the object first" },
  "object-refused": { retry: "never", hint: "the bytes changed in memory before they were sent; check the machine" },
  "object-truncated": { retry: "backoff", hint: "the store sent fewer bytes than asked for" },
  "object-too-large": { retry: "never", hint: "something foreign lies in the repository; look at it, and remove it" },
  "range-invalid": { retry: "never", hint: "the object is shorter than expected; run `stowage repo check`" },
  "storage-denied": { retry: "never", hint: "check the credentials and the rights on the bucket" },
  "storage-unavailable": { retry: "backoff", hint: "check the endpoint, the network and the bucket's name" },
  "storage-full": { retry: "never", hint: "free space in the store" },
  "storage-misconfigured": { retry: "never", hint: "correct the location or its options" },
  "source-unreadable": { retry: "never", hint: "check the rights on the file" },
  "source-vanished": { retry: "never", hint: "the file was deleted while the backup ran" },
  "source-missing": { retry: "never", hint: "check the path" },
  "source-failed": {
    retry: "never",
    hint: "no snapshot was made; see what the command says, and run the backup again",
  },
  "target-full": { retry: "never", hint: "free space in the target" },
  "target-denied": { retry: "never", hint: "check the rights on the target" },
  "target-unwritable": { retry: "never", hint: "check the target directory" },
  "unsafe-name": { retry: "never", hint: "the snapshot holds a name that would leave the target; it was not restored" },
  "pattern-malformed": { retry: "never", hint: "correct the pattern" },
  "argument-invalid": { retry: "never", hint: "see --help" },
  "index-incomplete": { retry: "after-refresh", hint: "run `stowage repo check`, then `stowage repo repair index`" },
  "self-test-failed": { retry: "never", hint: "a native library gives wrong results; reinstall the program" },
  "worker-failed": { retry: "backoff", hint: "run the command again; please report it if it happens twice" },
  "removal-refused": {
    retry: "never",
    hint: "loosen the policy; to remove all, use --unsafe-allow-remove-all with a filter",
  },
  "resources-exhausted": {
    retry: "backoff",
    hint: "raise the limit on open files (ulimit -n), or give the process more memory",
  },
  "repository-unsound": { retry: "never", hint: "run `stowage repo check`, which says what to repair" },
  "mark-malformed": { retry: "never", hint: "run `stowage repo prune`, which deletes the marks of a two-phase prune" },
  "migration-failed": { retry: "backoff", hint: "run the command again" },
  cancelled: { retry: "never", hint: "run the command again to continue" },
} as const;

/** Every code that an engine error can have. */
export type ErrorCode = keyof typeof errorPolicies;

/** Also makes the compiler check every entry of the table. */
function policyOf(code: ErrorCode): ErrorPolicy {
  return errorPolicies[code];
}

/** Facts about a failure: ids, sizes in bytes, paths, attempts. Never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/** The form in which an error crosses a thread: structured clone would drop `code` and turn `name` into "Error". */
export interface SerializedRepositoryError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly stack: string | undefined;
  readonly cause: string | undefined;
}

const brand = Symbol.for("stowage.RepositoryError");

/** The engine's one error class. */
export class RepositoryError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RepositoryError";
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for errors of this class, also of another copy of this module; with `code`, only for that code. */
  static is(error: unknown, code?: ErrorCode): error is RepositoryError {
    if (typeof error !== "object" || error === null || !(brand in error)) return false;
    return code === undefined || (error as unknown as RepositoryError).code === code;
  }

  get retry(): Retry {
    return policyOf(this.code).retry;
  }

  get hint(): string {
    return policyOf(this.code).hint;
  }

  toJSON(): SerializedRepositoryError {
    return {
      code: this.code,
      message: this.message,
      details: this.details,
      stack: this.stack,
      cause: this.cause === undefined ? undefined : String(this.cause),
    };
  }

  static fromJSON(data: SerializedRepositoryError): RepositoryError {
    const error = new RepositoryError(data.code, data.message, { details: data.details, cause: data.cause });
    if (data.stack !== undefined) error.stack = data.stack;
    return error;
  }
}

/** Throws "cancelled" when the signal has fired; call it between steps of long loops. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RepositoryError("cancelled", "the operation was cancelled", { cause: signal.reason });
}
