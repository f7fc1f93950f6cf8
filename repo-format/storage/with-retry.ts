// The engine's one retry policy: a request that failed for a reason that may pass (errors.ts, "backoff") is tried again
// after exponentially growing, jittered pauses, until a time limit. Permanent failures go straight to the caller.
import { setTimeout as sleepFor } from "node:timers/promises";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";
import type {
  GetOptions,
  GetRangeOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "./object-storage.ts";
import { bodyParts, bodySizeBytes } from "./object-storage.ts";

export interface RetryEvent {
  /** What is tried again, e.g. "put data/ab/abcd…". */
  readonly action: string;
  readonly error: RepositoryError;
  /** How often it was tried so far, 1 or more. */
  readonly attempts: number;
  readonly delayMs: number;
}

export interface RetryOptions {
  /** No attempt begins later than this after the first; default 15 min as in restic. One more attempt is always made. */
  readonly maxElapsedMs?: number;
  /** Further attempts of one request at most, 1 or more; default: as many as there is time for. */
  readonly maxRetries?: number | undefined;
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly onRetry?: (event: RetryEvent) => void;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Milliseconds that never go back. */
  readonly monotonicClock?: () => number;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
}

type RetryPolicy = Required<RetryOptions> & { readonly maxRetries: number };

const defaults = {
  maxElapsedMs: 15 * 60_000,
  maxRetries: Number.POSITIVE_INFINITY,
  firstDelayMs: 1000,
  maxDelayMs: 60_000,
  onRetry: (): void => undefined,
  sleep: (ms: number, signal: AbortSignal | undefined): Promise<void> => sleepFor(ms, undefined, { signal }),
  monotonicClock: (): number => performance.now(),
  random: Math.random,
} satisfies RetryPolicy;

export function withRetry(storage: ObjectStorage, options: RetryOptions = {}): ObjectStorage {
  return new RetryingStorage(storage, {
    ...defaults,
    ...options,
    maxRetries: options.maxRetries ?? defaults.maxRetries,
  });
}

class RetryingStorage extends ForwardingStorage {
  readonly #policy: RetryPolicy;

  constructor(inner: ObjectStorage, policy: RetryPolicy) {
    super(inner);
    this.#policy = policy;
  }

  override prepare(options: RequestOptions = {}): Promise<void> {
    return this.#retry("prepare", options, () => this.inner.prepare(options));
  }

  override put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    return this.#retry(`put ${key}`, options, async (attempt) => {
      try {
        await this.inner.put(key, body, options);
      } catch (error) {
        if (attempt > 1 && RepositoryError.is(error, "object-exists") && (await this.#isStored(key, body, options)))
          return;
        if (!this.inner.atomicReplace && isWorthRetrying(error)) await this.#removeRest(key, options);
        throw error;
      }
    });
  }

  override putFile(key: string, path: string, options: RequestOptions = {}): Promise<number> {
    return this.#retry(`put ${key}`, options, async () => {
      try {
        return await this.inner.putFile(key, path, options);
      } catch (error) {
        if (!this.inner.atomicReplace && isWorthRetrying(error)) await this.#removeRest(key, options);
        throw error;
      }
    });
  }

  override openFile(key: string, lengthBytes: number): number | undefined {
    return this.inner.openFile?.(key, lengthBytes);
  }

  override get(key: string, options: GetOptions = {}): Promise<Buffer> {
    return this.#retry(`get ${key}`, options, () => this.inner.get(key, options));
  }

  override getRange(key: string, offset: number, length: number, options: GetRangeOptions = {}): Promise<Buffer> {
    return this.#retry(`get ${key}`, options, () => this.inner.getRange(key, offset, length, options));
  }

  override stat(key: string, options: RequestOptions = {}): Promise<ObjectInfo> {
    return this.#retry(`stat ${key}`, options, () => this.inner.stat(key, options));
  }

  /** A listing that breaks off goes on after the last key that it gave: listings are in order. */
  override async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    let startAfter = options.startAfter;
    let schedule = this.#newSchedule(`list ${prefix}`, options);
    for (;;) {
      let hasAdvanced = false;
      try {
        for await (const info of this.inner.list(prefix, { ...options, startAfter })) {
          hasAdvanced = true;
          startAfter = info.key;
          yield info;
        }
        return;
      } catch (error) {
        if (hasAdvanced) schedule = this.#newSchedule(`list ${prefix}`, options);
        await schedule.pauseAfter(error);
      }
    }
  }

  override listFolders(prefix: string, options: RequestOptions = {}): Promise<string[]> {
    return this.#retry(`list ${prefix}`, options, () => this.inner.listFolders(prefix, options));
  }

  override signedUrl(key: string, validMs: number, options: RequestOptions = {}): Promise<string | undefined> {
    return this.#retry(`sign ${key}`, options, () => super.signedUrl(key, validMs, options));
  }

  override delete(key: string, options: RequestOptions = {}): Promise<void> {
    return this.#retry(`delete ${key}`, options, () => this.inner.delete(key, options));
  }

  async #retry<T>(action: string, options: RequestOptions, call: (attempt: number) => Promise<T>): Promise<T> {
    const schedule = this.#newSchedule(action, options);
    for (let attempt = 1; ; attempt += 1) {
      throwIfCancelled(options.signal);
      try {
        return await call(attempt);
      } catch (error) {
        await schedule.pauseAfter(error);
      }
    }
  }

  #newSchedule(action: string, options: RequestOptions): RetrySchedule {
    return new RetrySchedule(action, options.signal, this.#policy);
  }

  /** A first attempt whose answer got lost may have stored our bytes: then the race that `ifAbsent` decides is won. */
  async #isStored(key: string, body: ObjectBody, options: RequestOptions): Promise<boolean> {
    const stored = await this.get(key, options);
    return stored.length === bodySizeBytes(body) && stored.equals(Buffer.concat(bodyParts(body)));
  }

  async #removeRest(key: string, options: RequestOptions): Promise<void> {
    await this.inner.delete(key, options).catch(() => undefined); // the next attempt replaces it, or fails and says why
  }
}

/** The pauses between the attempts of one request. */
class RetrySchedule {
  readonly #action: string;
  readonly #signal: AbortSignal | undefined;
  readonly #policy: RetryPolicy;
  readonly #startMs: number;
  #attempts = 0;

  constructor(action: string, signal: AbortSignal | undefined, policy: RetryPolicy) {
    this.#action = action;
    this.#signal = signal;
    this.#policy = policy;
    this.#startMs = policy.monotonicClock();
  }

  /** Resolves when the next attempt is due; throws when there is none: for permanent errors, late ones, cancellation. */
  async pauseAfter(error: unknown): Promise<void> {
    throwIfCancelled(this.#signal);
    if (!isWorthRetrying(error)) throw error;
    this.#attempts += 1;
    const delayMs = this.#nextDelayMs();
    const elapsedMs = this.#policy.monotonicClock() - this.#startMs;
    const isLate = this.#attempts > 1 && elapsedMs + delayMs > this.#policy.maxElapsedMs;
    if (isLate || this.#attempts > this.#policy.maxRetries) throw this.#givenUp(error, elapsedMs);
    this.#policy.onRetry({ action: this.#action, error, attempts: this.#attempts, delayMs });
    await this.#policy.sleep(delayMs, this.#signal).catch((reason: unknown) => {
      throwIfCancelled(this.#signal);
      throw reason;
    });
  }

  /** Doubles each time; half to one and a half of it, so that many nodes do not come back at the same moment. */
  #nextDelayMs(): number {
    const { firstDelayMs, maxDelayMs, random } = this.#policy;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#attempts - 1)) * (0.5 + random());
  }

  #givenUp(error: RepositoryError, elapsedMs: number): RepositoryError {
    const seconds = Math.round(elapsedMs / 1000);
    const details = { ...error.details, attempts: this.#attempts, elapsedSeconds: seconds };
    const message = `${error.message} (tried ${this.#attempts} times in ${seconds} s)`;
    return new RepositoryError(error.code, message, { details, cause: error });
  }
}

function isWorthRetrying(error: unknown): error is RepositoryError {
  return RepositoryError.is(error) && error.retry === "backoff";
}
