// Files that are stored whole, one object each: snapshots, index files, locks. Named by the hash of what is stored.
import type { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import { type Id, idOf } from "../format/id.ts";
import { unwrapUnpacked, wrapsUnpacked, wrapUnpacked } from "../format/unpacked.ts";
import { freeMemory } from "../native/free-memory.ts";
import { configKey, type FileKind, idFromKey, keyOf, listPrefix } from "../storage/key-layout.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export type UnpackedKind = "snapshot" | "index" | "lock" | "mark" | "origin";

export interface ListedFile<T extends Id = Id> {
  readonly id: T;
  readonly sizeBytes: number;
}

export interface UnpackedFilesOptions {
  readonly storage: ObjectStorage;
  readonly sealer: Pick<Sealer, "seal" | "open">;
  readonly version: 1 | 2;
  /** The result is copied at once: it may be memory that is used again. */
  readonly compress: (plain: Uint8Array) => Buffer;
  readonly decompress: (frame: Uint8Array, maxBytes: number) => Buffer;
  readonly unpacksTo: (frame: Uint8Array, plain: Uint8Array) => boolean;
  /** Opens what was sealed and compares before storing. */
  readonly extraVerify: boolean;
}

const withdrawMs = 10_000;

const mebibyte: number = 1024 * 1024;

/** Nothing that is larger is read: whoever may write to the store may put anything there, under any name. */
const maxStoredBytes: Readonly<Record<FileKind, number>> = {
  key: mebibyte / 16,
  lock: mebibyte,
  snapshot: 256 * mebibyte,
  index: 512 * mebibyte,
  pack: 1024 * mebibyte,
  mark: 256 * mebibyte,
  origin: mebibyte / 16,
};
const maxConfigBytes: number = mebibyte / 16;

/** How much JSON a file may unpack to. Index files of other programs may be large. */
const maxJsonBytes: Readonly<Record<UnpackedKind, number>> = {
  lock: mebibyte,
  snapshot: 256 * mebibyte,
  index: 1024 * mebibyte,
  // 67 bytes a pack, snapshot or index file: millions of them.
  mark: 512 * mebibyte,
  origin: mebibyte / 16,
};

/** Every file of a kind, in any order; objects with other names are none. */
export async function* listFiles(
  storage: Pick<ObjectStorage, "list">,
  kind: FileKind,
  signal?: AbortSignal,
): AsyncGenerator<ListedFile> {
  for await (const { key, sizeBytes } of storage.list(listPrefix(kind), { signal })) {
    const id = idFromKey(kind, key);
    if (id !== undefined) yield { id, sizeBytes };
  }
}

/**
 * Reads a stored file and compares it with its name; a file that differs is read once more, one that is too large not at
 * all.
 * @throws RepositoryError "file-damaged"; "object-missing" and the other errors of the store
 */
export async function readVerified(
  storage: Pick<ObjectStorage, "get">,
  file: { readonly kind: FileKind; readonly id: Id },
  signal?: AbortSignal,
): Promise<Buffer> {
  const { kind, id } = file;
  let actual = "";
  for (let attempt = 1; attempt <= 2; attempt++) {
    const bytes = await getBounded(storage, file, signal);
    actual = idOf(bytes);
    if (actual === id) return bytes;
  }
  const message = `the ${kind} file ${id} is damaged: what is stored has the hash ${actual}`;
  throw new RepositoryError("file-damaged", message, { details: { kind, id, actual } });
}

async function getBounded(
  storage: Pick<ObjectStorage, "get">,
  { kind, id }: { readonly kind: FileKind; readonly id: Id },
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  try {
    return await storage.get(keyOf(kind, id), { signal, maxBytes: maxStoredBytes[kind] });
  } catch (error) {
    if (!RepositoryError.is(error, "object-too-large")) throw error;
    const message = `the ${kind} file ${id} is none: it has more than ${maxStoredBytes[kind]} bytes`;
    throw new RepositoryError("file-damaged", message, { details: { kind, id }, cause: error });
  }
}

export class UnpackedFiles {
  readonly #options: UnpackedFilesOptions;

  constructor(options: UnpackedFilesOptions) {
    this.#options = options;
  }

  /** @returns the JSON. @throws RepositoryError "file-damaged", "object-missing" … */
  async load(kind: UnpackedKind, id: Id, signal?: AbortSignal): Promise<Buffer> {
    const bytes = await readVerified(this.#options.storage, { kind, id }, signal);
    try {
      return this.#open(bytes, maxJsonBytes[kind]);
    } catch (error) {
      if (!RepositoryError.is(error)) throw error;
      const message = `the ${kind} file ${id} cannot be opened: ${error.message}`;
      throw new RepositoryError("file-damaged", message, { details: { kind, id }, cause: error });
    }
  }

  async save(kind: UnpackedKind, json: Buffer, signal?: AbortSignal): Promise<Id> {
    const { storage, extraVerify } = this.#options;
    const stored = this.#seal(json);
    if (extraVerify && !this.#isSealOf(stored, json)) {
      throw new RepositoryError("self-test-failed", `a ${kind} file changed while it was sealed; it was not stored`);
    }
    const id = idOf(stored);
    try {
      await storage.put(keyOf(kind, id), stored, { sha256: id, signal });
    } catch (error) {
      if (kind === "lock") await this.#withdraw(keyOf(kind, id));
      throw error;
    }
    return id;
  }

  /** A put that failed may have stored the file all the same; a lock that nobody knows of would bar the repository. */
  async #withdraw(key: string): Promise<void> {
    try {
      await this.#options.storage.delete(key, { signal: AbortSignal.timeout(withdrawMs) });
    } catch {
      // The error of the put says more, and a stale lock can be removed by hand.
    }
  }

  /** An index file of tiny blobs is 20 MB of JSON: what is needed no more goes at once, not when somebody looks for it. */
  #seal(json: Buffer): Buffer {
    const { sealer, version, compress } = this.#options;
    const wrapped = wrapUnpacked(version, json, compress);
    const stored = sealer.seal(wrapped);
    if (wrapped !== json) freeMemory(wrapped);
    return stored;
  }

  #isSealOf(stored: Buffer, json: Buffer): boolean {
    const opened = this.#options.sealer.open(stored);
    const isSame = wrapsUnpacked(opened, json, this.#options.unpacksTo);
    freeMemory(opened);
    return isSame;
  }

  #open(stored: Uint8Array, maxBytes: number): Buffer {
    const { sealer, version, decompress } = this.#options;
    return unwrapUnpacked(version, sealer.open(stored), (frame) => decompress(frame, maxBytes));
  }
}

/** True when the store holds files of this kind, told by one request. */
export async function hasAny(
  storage: Pick<ObjectStorage, "list">,
  kind: FileKind,
  signal?: AbortSignal,
): Promise<boolean> {
  for await (const _ of listFiles(storage, kind, signal)) return true;
  return false;
}

/** The stored config, still sealed. @throws RepositoryError "repository-missing" */
export async function readConfig(storage: ObjectStorage, signal?: AbortSignal): Promise<Buffer> {
  try {
    return await storage.get(configKey, { signal, maxBytes: maxConfigBytes });
  } catch (error) {
    if (RepositoryError.is(error, "object-too-large")) {
      throw new RepositoryError("config-malformed", `the config file is none: ${error.message}`, { cause: error });
    }
    if (!RepositoryError.is(error, "object-missing")) throw error;
    throw new RepositoryError("repository-missing", `there is no repository at ${storage.location}`, { cause: error });
  }
}
