// A store that fails, waits or damages where a test says so, and counts what was asked of it.
import { RepositoryError } from "../../repo-format/errors.ts";
import { ForwardingStorage } from "../../repo-format/storage/forwarding-storage.ts";
import type {
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "../../repo-format/storage/object-storage.ts";

export type StorageMethod = "put" | "get" | "getRange" | "stat" | "list" | "delete";

export interface StorageCall {
  readonly method: StorageMethod;
  /** Key or prefix. */
  readonly key: string;
  /** 1 for the first call that the plan was asked about. */
  readonly number: number;
}

/**
 * Asked before every call; throwing makes the call fail, "after" makes it fail although it was carried out, "midway" ends
 * a listing with an error after half of it. A function changes the bytes that were read.
 */
export type FaultPlan = (
  call: StorageCall,
) => Promise<void> | undefined | "after" | "midway" | ((bytes: Buffer) => Buffer);

export class FaultyStorage extends ForwardingStorage {
  readonly calls: StorageCall[] = [];
  plan: FaultPlan = () => undefined;

  override put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    return this.#call("put", key, () => this.inner.put(key, body, options));
  }

  override putFile(key: string, path: string, options?: RequestOptions): Promise<number> {
    return this.#call("put", key, () => this.inner.putFile(key, path, options));
  }

  override get(key: string, options?: RequestOptions): Promise<Buffer> {
    return this.#call("get", key, () => this.inner.get(key, options));
  }

  override getRange(key: string, offset: number, length: number, options?: RequestOptions): Promise<Buffer> {
    return this.#call("getRange", key, () => this.inner.getRange(key, offset, length, options));
  }

  override stat(key: string, options?: RequestOptions): Promise<ObjectInfo> {
    return this.#call("stat", key, () => this.inner.stat(key, options));
  }

  override async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    let isBroken = false;
    await this.#call(
      "list",
      prefix,
      async () => undefined,
      () => {
        isBroken = true;
      },
    );
    if (!isBroken) return yield* this.inner.list(prefix, options);
    const all = await Array.fromAsync(this.inner.list(prefix, options));
    yield* all.slice(0, Math.ceil(all.length / 2));
    throw unavailable({ method: "list", key: prefix });
  }

  override delete(key: string, options?: RequestOptions): Promise<void> {
    return this.#call("delete", key, () => this.inner.delete(key, options));
  }

  /** The store without its faults. */
  get beneath(): ObjectStorage {
    return this.inner;
  }

  /** Keys or prefixes of the calls of a method so far. */
  keysOf(method: StorageMethod): string[] {
    return this.calls.filter((call) => call.method === method).map((call) => call.key);
  }

  async #call<T>(method: StorageMethod, key: string, work: () => Promise<T>, onMidway?: () => void): Promise<T> {
    const call: StorageCall = { method, key, number: this.calls.length + 1 };
    this.calls.push(call);
    const fault = this.plan(call);
    if (fault === "midway") onMidway?.();
    if (fault === undefined || fault === "midway") return work();
    if (fault === "after") {
      await work();
      throw unavailable(call);
    }
    if (typeof fault === "function") return fault((await work()) as Buffer) as T;
    await fault;
    return work();
  }
}

/** The error of a store that does not answer. */
export function unavailable({ method, key }: Pick<StorageCall, "method" | "key">): RepositoryError {
  return new RepositoryError("storage-unavailable", `the test let ${method} ${key} fail`);
}
