// The common shape of every error class of the program (RepositoryError, KubeError, VolumeError, ConfigError). It is an
// interface that the classes fit by structure, so that the engine needs nothing from here.

/** What a caller may do about an error: give up, try the same call later, or read the state again and try then. */
export type Retry = "never" | "backoff" | "after-refresh";

export interface CodedError extends Error {
  /** Kebab-case literal out of the class's table. */
  readonly code: string;
  /** Facts: ids, sizes in bytes, paths, attempts. Never secrets. */
  readonly details: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly retry: Retry;
  /** What the user can do next; a sentence without a full stop. */
  readonly hint: string;
}

/** The error itself when it has the shape, else undefined. */
export function asCodedError(error: unknown): CodedError | undefined {
  if (!(error instanceof Error)) return undefined;
  const candidate = error as Partial<CodedError>;
  const fits = typeof candidate.code === "string" && typeof candidate.retry === "string";
  return fits && typeof candidate.hint === "string" ? (candidate as CodedError) : undefined;
}

/** One line for a user: the message, and the hint where there is one. */
export function explainError(error: unknown): string {
  const coded = asCodedError(error);
  const message = messageOf(error);
  return coded === undefined ? message : `${message}; ${coded.hint}`;
}

/** The message of anything that was thrown; the code of a system call that failed without a message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return (error as NodeJS.ErrnoException).code ?? error.name;
}

/** Facts of an error for a log line. */
export function errorFacts(error: unknown): Record<string, unknown> {
  const coded = asCodedError(error);
  const facts: Record<string, unknown> = { error: messageOf(error) };
  if (coded !== undefined) Object.assign(facts, { code: coded.code, ...coded.details });
  if (coded === undefined && error instanceof Error) facts.stack = error.stack;
  if (error instanceof Error && error.cause !== undefined) facts.cause = messageOf(error.cause);
  return facts;
}
