// Stands between the repository and its store: while a lock is in doubt no write passes, and once it is lost all writes
// fail, because another program may be deleting by now. It also refuses what the config forbids. Lock files always pass.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { RepositoryConfig } from "../format/config-file.ts";
import { ForwardingStorage } from "../storage/forwarding-storage.ts";
import { isLockKey, isSnapshotKey } from "../storage/key-layout.ts";
import type { ObjectBody, ObjectStorage, PutOptions, RequestOptions } from "../storage/object-storage.ts";

/** One lock's say over the gate. */
export interface WriteBarrier {
  /** Writes wait until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Writes fail with this error until `remove`. */
  fail(error: RepositoryError): void;
  /** The lock is given back: the barrier has no say any more. */
  remove(): void;
}

/** What the gate asks a lock. */
export interface LockQuestions {
  /** Asked before every write: after a suspend nobody may have looked at the clock yet. */
  isInDoubt(): boolean;
  /** Asked before a snapshot is written. @throws RepositoryError "lock-lost"; the errors of the store; "cancelled" */
  confirm(signal: AbortSignal | undefined): Promise<void>;
}

export class WriteGate {
  readonly #barriers = new Map<WriteBarrier, LockQuestions | undefined>();
  readonly #frozen = new Set<WriteBarrier>();
  readonly #failed = new Map<WriteBarrier, RepositoryError>();
  #waiting: (() => void)[] = [];

  addBarrier(questions?: LockQuestions): WriteBarrier {
    const barrier: WriteBarrier = {
      freeze: () => void this.#frozen.add(barrier),
      thaw: () => this.#change(() => this.#frozen.delete(barrier)),
      fail: (error) => this.#change(() => this.#failed.set(barrier, error)),
      remove: () =>
        this.#change(() => {
          this.#frozen.delete(barrier);
          this.#failed.delete(barrier);
          this.#barriers.delete(barrier);
        }),
    };
    this.#barriers.set(barrier, questions);
    return barrier;
  }

  /** Resolves when writes may pass. @throws the error of a lost lock; "cancelled" */
  async pass(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const [error] = this.#failed.values();
      if (error !== undefined) throw error;
      throwIfCancelled(signal);
      for (const [barrier, lock] of this.#barriers) if (lock?.isInDoubt() === true) this.#frozen.add(barrier);
      if (this.#frozen.size === 0) return;
      await this.#nextChange(signal);
    }
  }

  /** Resolves when every lock is still there for others to see. @throws as `LockQuestions.confirm` */
  async confirm(signal: AbortSignal | undefined): Promise<void> {
    for (const lock of this.#barriers.values()) await lock?.confirm(signal);
  }

  #change(apply: () => void): void {
    apply();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wakeUp of waiting) wakeUp();
  }

  #nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wakeUp = (): void => {
        signal?.removeEventListener("abort", wakeUp);
        resolve();
      };
      signal?.addEventListener("abort", wakeUp);
      this.#waiting.push(wakeUp);
    });
  }
}

/** The same store with the gate before whatever writes or deletes. */
export class GatedStorage extends ForwardingStorage {
  readonly #gate: WriteGate;
  readonly #config: Pick<RepositoryConfig, "appendOnly" | "isHot">;

  constructor(inner: ObjectStorage, gate: WriteGate, config: Pick<RepositoryConfig, "appendOnly" | "isHot"> = {}) {
    super(inner);
    this.#gate = gate;
    this.#config = config;
  }

  override openFile(key: string, lengthBytes: number): number | undefined {
    return this.inner.openFile?.(key, lengthBytes);
  }

  override async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    await this.#mayWrite(key, options?.signal);
    return this.inner.put(key, body, options);
  }

  override async putFile(key: string, path: string, options?: RequestOptions): Promise<number> {
    await this.#mayWrite(key, options?.signal);
    return this.inner.putFile(key, path, options);
  }

  override async delete(key: string, options?: RequestOptions): Promise<void> {
    if (!isLockKey(key)) {
      if (this.#config.appendOnly) throw refused("storage-denied", `the repository at ${this.location} is append-only`);
      await this.#gate.pass(options?.signal);
    }
    return this.inner.delete(key, options);
  }

  async #mayWrite(key: string, signal: AbortSignal | undefined): Promise<void> {
    if (isLockKey(key)) return;
    if (this.#config.isHot) throw refused("repository-unsupported", `${this.location} is the hot half of a repository`);
    await this.#gate.pass(signal);
    if (isSnapshotKey(key)) await this.#gate.confirm(signal);
  }
}

function refused(code: "repository-unsupported" | "storage-denied", message: string): RepositoryError {
  return new RepositoryError(code, `${message}, as its config says`);
}
