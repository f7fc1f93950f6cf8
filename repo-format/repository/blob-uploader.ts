// The way of new blobs into the repository. `withBlobUploader` ends only when everything is stored and indexed, so a
// snapshot written after it never refers to a blob that is not there.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobType } from "../format/blob.ts";
import { type BlobId, idOf } from "../format/id.ts";
import { openBlob } from "../pack/open-blob.ts";
import type { SealedBlob } from "../pack/pack-writer.ts";
import type { Repository } from "./repository.ts";
import { SharedUpload } from "./shared-upload.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface BlobUploaderOptions {
  readonly signal?: AbortSignal | undefined;
  /** Store blobs also when the index knows them: for moving blobs to new packs. Each may be given once. */
  readonly storeKnown?: boolean | undefined;
  /** Called at the end, when all packs are stored and only the index is missing. */
  readonly onPacksStored?: (() => void) | undefined;
  /** Milliseconds that never go back; default: those of the process. */
  readonly monotonicClock?: (() => number) | undefined;
  /** For tests: how long to go on after an error (ms), and when an index file is full. */
  readonly tuning?: { readonly salvageMs?: number; readonly indexMaxBlobs?: number; readonly indexMaxAgeMs?: number };
}

/** What one uploader has added; a blob that another one brought first counts there. */
export interface UploadStats {
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Bytes of new data and tree blobs as they were read. */
  readonly dataAddedBytes: number;
  /** The same blobs compressed and sealed. */
  readonly dataAddedPackedBytes: number;
  /** How long blobs stood still because the store took no more. */
  readonly waitedSeconds: number;
}

export interface SavedBlob {
  readonly id: BlobId;
  readonly isNew: boolean;
  /** Sealed bytes; 0 when the blob was known. */
  readonly storedBytes: number;
}

export interface BlobUploader {
  readonly stats: UploadStats;
  /** True when the blob is stored or on its way: it need not be sealed. */
  has(type: BlobType, id: BlobId): boolean;
  /**
   * Takes a sealed blob on, unless it is known. Resolves when there is room for the next one.
   * @returns true when it was new. @throws the error of an earlier upload; "cancelled"
   */
  add(blob: SealedBlob): Promise<boolean>;
  /** Hashes, compresses and seals in this thread, then adds: for trees and other small blobs. */
  saveBlob(type: BlobType, plaintext: Buffer): Promise<SavedBlob>;
}

/** What open uploaders of a repository share. */
interface OpenUpload {
  readonly upload: SharedUpload;
  users: number;
}

const openUploads = new WeakMap<Repository, OpenUpload>();

/**
 * Runs `fn` with an uploader and then stores and indexes everything it added. When `fn` or an upload fails, or the signal
 * fires, what is stored by then is indexed all the same (the next run finds it), and the error is thrown.
 * The index must be loaded (`refreshIndex`) and a lock be held.
 */
export async function withBlobUploader<T>(
  repo: Repository,
  options: BlobUploaderOptions,
  fn: (uploader: BlobUploader) => Promise<T>,
): Promise<T> {
  throwIfCancelled(options.signal);
  const open = await join(repo, options);
  try {
    const result = await fn(new SessionUploader(repo, open.upload, options));
    await orCancelled(open.upload.flush(options.onPacksStored), options.signal);
    return result;
  } catch (error) {
    // A failed upload ends everything else by cancelling it: the failure is what people need to hear of.
    throw RepositoryError.is(error, "cancelled") ? (open.upload.failure ?? error) : error;
  } finally {
    await leave(repo, open);
  }
}

class SessionUploader implements BlobUploader {
  readonly #repo: Repository;
  readonly #upload: SharedUpload;
  readonly #options: BlobUploaderOptions;
  readonly #stats = { dataBlobs: 0, treeBlobs: 0, dataAddedBytes: 0, dataAddedPackedBytes: 0 };
  readonly #waited: Stopwatch;

  constructor(repo: Repository, upload: SharedUpload, options: BlobUploaderOptions) {
    this.#repo = repo;
    this.#upload = upload;
    this.#options = options;
    this.#waited = new Stopwatch(options.monotonicClock ?? (() => performance.now()));
  }

  get stats(): UploadStats {
    return { ...this.#stats, waitedSeconds: this.#waited.seconds };
  }

  has(type: BlobType, id: BlobId): boolean {
    if (this.#upload.isInFlight({ type, id })) return true;
    return this.#options.storeKnown !== true && this.#repo.index.has(type, id);
  }

  async add(blob: SealedBlob): Promise<boolean> {
    throwIfCancelled(this.#options.signal);
    const isKnown = this.#options.storeKnown !== true && this.#repo.index.has(blob.type, blob.id);
    const isNew = !isKnown && this.#upload.add(blob);
    if (isNew) this.#count(blob);
    // Neither promises nor a look at the clock for each of many small blobs.
    if (!this.#upload.hasRoom) await this.#waited.during(orCancelled(this.#upload.room(), this.#options.signal));
    return isNew;
  }

  async saveBlob(type: BlobType, plaintext: Buffer): Promise<SavedBlob> {
    const id = idOf<BlobId>(plaintext);
    if (this.has(type, id)) return { id, isNew: false, storedBytes: 0 };
    const blob = sealBlob(this.#repo, { type, id }, plaintext);
    const isNew = await this.add(blob);
    return { id, isNew, storedBytes: isNew ? blob.sealed.length : 0 };
  }

  #count(blob: SealedBlob): void {
    if (blob.type === "data") this.#stats.dataBlobs++;
    else this.#stats.treeBlobs++;
    this.#stats.dataAddedBytes += blob.plaintextLength;
    this.#stats.dataAddedPackedBytes += blob.sealed.length;
  }
}

/** Compresses as the repository's version and options ask for, seals, and opens it again to compare. */
export function sealBlob(
  repo: Repository,
  { type, id }: { readonly type: BlobType; readonly id: BlobId },
  plaintext: Buffer,
): SealedBlob {
  const isWanted = type === "tree" || repo.options.compression !== "off";
  const isCompressed = repo.version === 2 && isWanted && plaintext.length > 0;
  const uncompressedLength = isCompressed ? plaintext.length : 0;
  const sealed = repo.sealer.seal(isCompressed ? repo.compressor.compress(plaintext) : plaintext);
  if (repo.options.extraVerify) verifySealed(repo, { type, id, uncompressedLength }, sealed);
  return { type, id, sealed, uncompressedLength, plaintextLength: plaintext.length };
}

function verifySealed(repo: Repository, blob: Parameters<typeof openBlob>[1], sealed: Buffer): void {
  try {
    openBlob(repo.sealer, blob, sealed);
  } catch (error) {
    const message = `the ${blob.type} blob ${blob.id} changed while it was sealed; it was not stored`;
    throw new RepositoryError("self-test-failed", message, { details: { blob: blob.id }, cause: error });
  }
}

async function join(repo: Repository, options: BlobUploaderOptions): Promise<OpenUpload> {
  for (;;) {
    const open = openUploads.get(repo);
    if (open === undefined) break;
    if (open.users > 0 && open.upload.failure === undefined) {
      open.users++;
      return open;
    }
    // It has failed or is ending: what it leaves in the index is settled when it has ended.
    await open.upload.end();
    if (openUploads.get(repo) === open) openUploads.delete(repo);
  }
  const { storage, sealer, index } = repo;
  const saveIndex: ConstructorParameters<typeof SharedUpload>[0]["saveIndex"] = (json, signal) =>
    repo.saveUnpacked("index", json, signal);
  const { packSizeBytes } = repo.options;
  const upload = new SharedUpload({ storage, sealer, index, packSizeBytes, saveIndex, ...options.tuning });
  const created: OpenUpload = { upload, users: 1 };
  openUploads.set(repo, created);
  return created;
}

async function leave(repo: Repository, open: OpenUpload): Promise<void> {
  open.users--;
  if (open.users > 0) return;
  await open.upload.end();
  if (openUploads.get(repo) === open) openUploads.delete(repo);
}

/** The work's result, or "cancelled" as soon as the signal fires; the work itself goes on. */
function orCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(new RepositoryError("cancelled", "the operation was cancelled", { cause: signal.reason }));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
