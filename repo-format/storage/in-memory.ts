// A store that lives as long as the process: for tests, and for trying things out.
import { throwIfCancelled } from "../errors.ts";
import { filePieces } from "./file-pieces.ts";
import type {
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "./object-storage.ts";
import {
  bodyParts,
  bodySizeBytes,
  checkKey,
  checkPrefix,
  checkRange,
  compareKeys,
  objectExists,
  objectMissing,
  objectTooLarge,
  rangeInvalid,
} from "./object-storage.ts";

export class InMemoryStorage implements ObjectStorage {
  readonly location: string = "memory:";
  readonly connections: number = 5;
  readonly atomicReplace: boolean = true;
  /** It stands for stores that are far away. */
  readonly listsAtOnce: boolean = false;
  readonly clockOffsetMs: number | undefined = undefined;
  readonly #objects = new Map<string, Buffer>();

  prepare(options: RequestOptions = {}): Promise<void> {
    return answer(options, () => undefined);
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    throwIfCancelled(options.signal);
    await options.pace?.(bodySizeBytes(body));
    await answer(options, () => {
      checkKey(key);
      if (options.ifAbsent && this.#objects.has(key)) throw objectExists(this.location, key);
      this.#objects.set(key, joinCopy(body));
    });
  }

  async putFile(key: string, path: string, options: RequestOptions = {}): Promise<number> {
    checkKey(key);
    const pieces: Uint8Array[] = [];
    for await (const piece of filePieces(path, options)) pieces.push(Buffer.from(piece));
    await answer(options, () => this.#objects.set(key, joinCopy(pieces)));
    return bodySizeBytes(pieces);
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { maxBytes = Number.POSITIVE_INFINITY } = options;
    return received(options, () => {
      const object = this.#find(key);
      if (object.length > maxBytes) throw objectTooLarge(this.location, key, maxBytes);
      return joinCopy(object);
    });
  }

  async getRange(key: string, offset: number, length: number, options: RequestOptions = {}): Promise<Buffer> {
    return received(options, () => {
      checkRange(offset, length);
      const object = this.#find(key);
      const start = offset < 0 ? Math.max(0, object.length + offset) : offset;
      if (offset >= 0 && start + length > object.length) throw rangeInvalid(this.location, key, { offset, length });
      return joinCopy(object.subarray(start, start + length));
    });
  }

  stat(key: string, options: RequestOptions = {}): Promise<ObjectInfo> {
    return answer(options, () => ({ key, sizeBytes: this.#find(key).length }));
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    for (const key of this.#keysBelow(prefix)) {
      throwIfCancelled(options.signal);
      if (options.startAfter !== undefined && compareKeys(key, options.startAfter) <= 0) continue;
      const object = this.#objects.get(key);
      if (object !== undefined) yield { key, sizeBytes: object.length };
    }
    throwIfCancelled(options.signal);
  }

  listFolders(prefix: string, options: RequestOptions = {}): Promise<string[]> {
    return answer(options, () => {
      checkPrefix(prefix);
      const rests = this.#keysBelow(prefix).map((key) => key.slice(prefix.length));
      return [...new Set(rests.filter((rest) => rest.includes("/")).map((rest) => rest.slice(0, rest.indexOf("/"))))];
    });
  }

  delete(key: string, options: RequestOptions = {}): Promise<void> {
    return answer(options, () => {
      checkKey(key);
      this.#objects.delete(key);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #find(key: string): Buffer {
    checkKey(key);
    const object = this.#objects.get(key);
    if (object === undefined) throw objectMissing(this.location, key);
    return object;
  }

  #keysBelow(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
  }
}

/** Answers in a later turn, as every real store does, so that callers cannot come to rely on anything else. */
async function answer<T>(options: RequestOptions, work: () => T): Promise<T> {
  throwIfCancelled(options.signal);
  await undefined;
  throwIfCancelled(options.signal);
  return work();
}

async function received(options: RequestOptions, work: () => Buffer): Promise<Buffer> {
  const bytes = await answer(options, work);
  await options.pace?.(bytes.length);
  return bytes;
}

/** Copies: neither side sees later changes of the other's buffer; allocUnsafeSlow: the memory belongs to this buffer alone. */
function joinCopy(body: ObjectBody): Buffer {
  const copy = Buffer.allocUnsafeSlow(bodySizeBytes(body));
  let offset = 0;
  for (const part of bodyParts(body)) {
    copy.set(part, offset);
    offset += part.length;
  }
  return copy;
}
