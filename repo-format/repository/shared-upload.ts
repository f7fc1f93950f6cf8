// The one upload of a repository, shared by all uploaders that are open at a time: open packs, ids in flight, uploads and
// the index of what is stored. Shared, because a blob that one uploader counts as known may still lie in a pack of
// another: whoever finishes first brings everything up to then to the store, packs before index.
import { randomFillSync } from "node:crypto";
import type { Sealer } from "../crypto/seal.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import type { BlobId, Id, IndexId, PackId } from "../format/id.ts";
import type { BlobIndex } from "../index/blob-index.ts";
import { IndexWriter } from "../index/index-writer.ts";
import { PackUploader } from "../pack/pack-uploader.ts";
import { type FinishedPack, PackWriter, type SealedBlob } from "../pack/pack-writer.ts";
import { PagePool } from "../pack/page-pool.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

/** After an error or a cancel: how long what is under way may take to be stored, and then how long its index may. */
const salvageMs = 15_000;

export interface SharedUploadOptions {
  readonly storage: ObjectStorage;
  readonly sealer: Sealer;
  readonly index: BlobIndex;
  readonly packSizeBytes: number;
  readonly saveIndex: (json: Buffer, signal: AbortSignal) => Promise<Id>;
  readonly salvageMs?: number | undefined;
  readonly indexMaxBlobs?: number | undefined;
  readonly indexMaxAgeMs?: number | undefined;
}

type OpenPacks = [PackWriter | undefined, PackWriter | undefined];

export class SharedUpload {
  readonly #options: SharedUploadOptions;
  /** restic keeps two open packs per type and fills them at random, which blurs the order of blobs (restic#5291). */
  readonly #open: Record<BlobType, OpenPacks> = { data: [undefined, undefined], tree: [undefined, undefined] };
  /** Blobs that were taken on and are not in the index yet. */
  readonly #inFlight: Readonly<Record<BlobType, Set<BlobId>>> = { data: new Set(), tree: new Set() };
  readonly #pages = new PagePool();
  readonly #uploader: PackUploader;
  readonly #writer: IndexWriter;
  readonly #unstored = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  readonly #coins: Buffer = Buffer.alloc(1024);
  #nextCoin = 1024;
  #failure: unknown;
  #ending: Promise<void> | undefined;

  constructor(options: SharedUploadOptions) {
    const { storage, saveIndex } = options;
    this.#options = options;
    this.#uploader = new PackUploader({
      storage,
      connections: storage.connections,
      signal: this.#abort.signal,
      onStored: (pack) => this.#onStored(pack),
      onFailed: (error) => this.#fail(error),
    });
    this.#writer = new IndexWriter({
      save: async (json) => (await saveIndex(json, this.#abort.signal)) as IndexId,
      onSaved: (packIds, id) => this.#onIndexSaved(packIds, id),
      onFailed: (error) => this.#fail(error),
      maxBlobs: options.indexMaxBlobs,
      maxAgeMs: options.indexMaxAgeMs,
    });
  }

  /** The first error of a pack or an index file; after it nothing is taken on any more. */
  get failure(): unknown {
    return this.#failure;
  }

  isInFlight({ type, id }: BlobHandle): boolean {
    return this.#inFlight[type].has(id);
  }

  /**
   * Takes a blob on, unless it is in flight already; check and entry are one step.
   * @returns false when it was in flight. @throws the failure of an earlier upload
   */
  add(blob: SealedBlob): boolean {
    this.#throwFailure();
    if (this.#ending !== undefined) throw new Error("bug: a blob for an upload that has ended");
    const inFlight = this.#inFlight[blob.type];
    if (inFlight.has(blob.id)) return false;
    inFlight.add(blob.id);
    this.#addToPack(blob);
    return true;
  }

  /**
   * False while all connections are busy and there are bytes for the next pack, be it that one is finished or that the open
   * ones hold as much together: then a connection that becomes free has work as soon as what the threads have sealed
   * meanwhile is added. With one finished pack waiting and two open ones, a slow disk held 69 MiB of packs, now 58.
   */
  get hasRoom(): boolean {
    if (this.#uploader.hasFreeConnection) return true;
    return !this.#uploader.hasWaiting && this.#openBytes() < this.#options.packSizeBytes;
  }

  /** Resolves when `hasRoom`. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#uploader.change();
    this.#throwFailure();
  }

  /** Resolves when every blob that was taken on before is stored and in a saved index file. */
  async flush(onPacksStored?: () => void): Promise<void> {
    this.#throwFailure();
    this.#finishOpenPacks();
    await Promise.all(this.#unstored);
    this.#throwFailure();
    onPacksStored?.();
    await this.#writer.flush();
    this.#throwFailure();
  }

  /** No uploader is left, or the upload has failed: saves the index of what is stored. Never throws. */
  end(): Promise<void> {
    this.#ending ??= this.#salvage();
    return this.#ending;
  }

  /**
   * What is stored is worth an index file: the next run finds it there. Packs that nobody can be told of must not count
   * as known either.
   */
  async #salvage(): Promise<void> {
    const { index } = this.#options;
    const limitMs = this.#options.salvageMs ?? salvageMs;
    if (this.#failure === undefined) this.#finishOpenPacks();
    await settledWithin(Promise.all(this.#unstored), limitMs);
    const isSaved = await settledWithin(this.#writer.flush(), limitMs);
    this.#abort.abort();
    this.#inFlight.data.clear();
    this.#inFlight.tree.clear();
    this.#pages.close();
    if (!isSaved) index.removePending();
  }

  #addToPack(blob: SealedBlob): void {
    const { packSizeBytes, sealer } = this.#options;
    if (blob.sealed.length >= packSizeBytes) {
      const own = new PackWriter(sealer, this.#pages);
      own.add(blob);
      this.#finish(own);
      return;
    }
    const open = this.#open[blob.type];
    const place = this.#tossCoin();
    const pack = open[place] ?? new PackWriter(sealer, this.#pages);
    open[place] = pack;
    pack.add(blob);
    if (pack.sizeBytes < packSizeBytes && !pack.isHeaderFull) return;
    open[place] = undefined;
    this.#finish(pack);
  }

  #openBytes(): number {
    const { data, tree } = this.#open;
    return [...data, ...tree].reduce((sum, pack) => sum + (pack?.sizeBytes ?? 0), 0);
  }

  #finishOpenPacks(): void {
    for (const type of ["data", "tree"] as const) {
      const [first, second] = this.#open[type];
      this.#open[type] = [undefined, undefined];
      const fitTogether = first?.canAbsorb(second, this.#options.packSizeBytes) ?? false;
      if (first !== undefined && second !== undefined && fitTogether) first.absorb(second);
      if (first !== undefined) this.#finish(first);
      if (second !== undefined && !fitTogether) this.#finish(second);
    }
  }

  #finish(writer: PackWriter): void {
    const upload = this.#uploader.add(writer.finish());
    this.#unstored.add(upload);
    void upload.finally(() => this.#unstored.delete(upload));
  }

  #onStored(pack: FinishedPack): void {
    // Ended while the store took its time: the pack is garbage now, nobody may count on it.
    if (this.#abort.signal.aborted) return;
    this.#options.index.add(pack.id, pack.blobs);
    for (const { type, id } of pack.blobs) this.#inFlight[type].delete(id);
    this.#writer.add({ id: pack.id, blobs: pack.blobs });
  }

  #onIndexSaved(packIds: readonly PackId[], id: IndexId): void {
    // Too late, the packs do not count as known any more: the next refresh reads the file like anybody else's.
    if (!this.#abort.signal.aborted) this.#options.index.markSaved(packIds, id);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    void this.end();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #tossCoin(): 0 | 1 {
    if (this.#nextCoin === this.#coins.length) {
      randomFillSync(this.#coins);
      this.#nextCoin = 0;
    }
    return (((this.#coins[this.#nextCoin++] ?? 0) & 1) === 1 ? 1 : 0) as 0 | 1;
  }
}

/** True when it resolved in time; false when it rejected or took longer (it is not stopped). */
async function settledWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const done = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([done, limit]);
  } finally {
    clearTimeout(timer);
  }
}
