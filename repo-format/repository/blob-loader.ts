// Reads blobs back: finds where they lie, fetches the sealed bytes and verifies them. A copy that is damaged or gone is no
// reason to give up while there is another one.
import type { Sealer } from "../crypto/seal.ts";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobHandle } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import type { BlobIndex, BlobLocation } from "../index/blob-index.ts";
import { openBlob } from "../pack/open-blob.ts";
import { keyOf } from "../storage/key-layout.ts";
import type { GetRangeOptions, ObjectStorage } from "../storage/object-storage.ts";
import { boundedParallel } from "./bounded-parallel.ts";
import { PackBlocks } from "./pack-blocks.ts";
import { type LocatedBlob, type PackRange, planRanges, type RangeLimits, resticRangeLimits } from "./plan-ranges.ts";

export interface BlobLoaderOptions {
  readonly storage: Pick<ObjectStorage, "getRange">;
  readonly sealer: Pick<Sealer, "open">;
  readonly index: Pick<BlobIndex, "lookup" | "endOfPack">;
}

export interface LoadBlobsOptions {
  /** Requests at a time. */
  readonly parallel: number;
  /** Default: restic's. */
  readonly limits?: RangeLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A blob of `loadBlobs`: its plaintext, or why there is none. */
export type LoadedBlob =
  | { readonly handle: BlobHandle; readonly plaintext: Buffer; readonly error?: undefined }
  | { readonly handle: BlobHandle; readonly plaintext?: undefined; readonly error: RepositoryError };

/** Larger trees are read by themselves: in blocks they would push out everything else. */
const maxBlockTreeBytes: number = 1024 * 1024;

const leastGapBytes: number = 16 * 1024;

type SealedBytes = (location: BlobLocation) => Buffer;

export class BlobLoader {
  readonly #options: BlobLoaderOptions;
  readonly #blocks = new PackBlocks();

  constructor(options: BlobLoaderOptions) {
    this.#options = options;
  }

  /**
   * Bytes of a pack as stored, still sealed.
   * @param into see GetRangeOptions.
   * @throws RepositoryError "pack-missing"; "pack-damaged" when the pack ends before the range does
   */
  readPackRange(
    place: Pick<BlobLocation, "packId" | "offset" | "length">,
    { signal, into }: Pick<GetRangeOptions, "signal" | "into"> = {},
  ): Promise<Buffer> {
    return this.#readRange(place, { signal, into });
  }

  /**
   * The blob's plaintext, compared with its id.
   * @throws RepositoryError "blob-missing", "blob-damaged", "pack-missing" with blob, pack and offset; "cancelled"
   */
  async loadBlob(handle: BlobHandle, signal?: AbortSignal): Promise<Buffer> {
    const locations = this.#options.index.lookup(handle);
    const failures: LocationFailure[] = [];
    // A second round: bytes may have been damaged on their way, not in the store.
    for (let round = 1; round <= 2; round++) {
      for (const location of locations) {
        if (round === 2 && !failures.some((failure) => failure.location === location && isDamage(failure.error)))
          continue;
        try {
          return await this.#loadFrom(handle, location, signal);
        } catch (error) {
          throwIfCancelled(signal);
          if (!RepositoryError.is(error)) throw error;
          failures.push({ location, error });
        }
      }
    }
    throw loadError(handle, failures);
  }

  /**
   * Many blobs with few requests: blobs close together in a pack are read at once, and what was read along with trees is kept
   * for the next call. Each arrives verified, or with the error that `loadBlob` would have thrown, as soon as its range is
   * read; in no particular order.
   * @throws RepositoryError "cancelled"
   */
  async *loadBlobs(handles: Iterable<BlobHandle>, options: LoadBlobsOptions): AsyncGenerator<LoadedBlob> {
    const { signal, limits = resticRangeLimits, parallel } = options;
    const alone: LocatedBlob[] = [];
    const inBlocks: LocatedBlob[] = [];
    for (const handle of handles) {
      const location = this.#options.index.lookup(handle)[0];
      if (location === undefined) yield { handle, error: loadError(handle, []) };
      else (isReadInBlocks(handle, location) ? inBlocks : alone).push({ handle, location });
    }
    const ranges = [...this.#planBlocks(inBlocks, limits), ...planRanges(alone, limits)];
    const read = (range: PackRange): Promise<LoadedBlob[]> => this.#loadRange(range, signal);
    for await (const loaded of boundedParallel(ranges, { limit: parallel, signal }, read)) yield* loaded;
  }

  /** Ranges that need no request come first: what is kept for them may be pushed out by others. */
  #planBlocks(blobs: readonly LocatedBlob[], limits: RangeLimits): PackRange[] {
    const isKept = ({ location }: LocatedBlob): boolean => this.#blocks.has(location);
    const missing = blobs.filter((blob) => !isKept(blob));
    return [
      ...planRanges(blobs.filter(isKept), noGaps(limits)),
      ...planWithin(this.#blocks.maxBytes / 2, missing, limits),
    ];
  }

  async #loadRange(range: PackRange, signal: AbortSignal | undefined): Promise<LoadedBlob[]> {
    let sealed: SealedBytes | undefined;
    try {
      sealed = await this.#sealedBytesOf(range, signal);
    } catch (error) {
      throwIfCancelled(signal);
      if (!RepositoryError.is(error)) throw error;
    }
    const loaded: LoadedBlob[] = [];
    for (const { handle, location } of range.blobs) {
      const plaintext = sealed && this.#tryToOpen(handle, location, sealed(location));
      loaded.push(plaintext === undefined ? await this.#loadAlone(handle, signal) : { handle, plaintext });
    }
    return loaded;
  }

  async #sealedBytesOf(range: PackRange, signal: AbortSignal | undefined): Promise<SealedBytes> {
    const { packId, offset, length, blobs } = range;
    const isTreePack = blobs.every(({ handle }) => handle.type === "tree");
    if (blobs.every(({ handle, location }) => isReadInBlocks(handle, location))) {
      const read = (pack: PackId, start: number, bytes: number): Promise<Buffer> =>
        this.#readRange({ packId: pack, offset: start, length: bytes }, { signal, isTreePack });
      const packEnd = Math.max(this.#options.index.endOfPack(packId), offset + length);
      const view = await this.#blocks.read(range, read, packEnd);
      return (location) => view.bytes(location.offset, location.length);
    }
    const bytes = await this.#readRange({ packId, offset, length }, { signal, isTreePack });
    return (location) => bytes.subarray(location.offset - offset, location.offset - offset + location.length);
  }

  async #readRange(
    { packId, offset, length }: Pick<BlobLocation, "packId" | "offset" | "length">,
    options: GetRangeOptions,
  ): Promise<Buffer> {
    try {
      return await this.#options.storage.getRange(keyOf("pack", packId), offset, length, options);
    } catch (error) {
      throw packError(error, { pack: packId, offset, length });
    }
  }

  #tryToOpen(handle: BlobHandle, location: BlobLocation, sealed: Buffer): Buffer | undefined {
    try {
      return openBlob(this.#options.sealer, { ...handle, uncompressedLength: location.uncompressedLength }, sealed);
    } catch (error) {
      if (!RepositoryError.is(error, "blob-damaged")) throw error;
      this.#blocks.drop(location);
      return undefined;
    }
  }

  async #loadAlone(handle: BlobHandle, signal: AbortSignal | undefined): Promise<LoadedBlob> {
    try {
      return { handle, plaintext: await this.loadBlob(handle, signal) };
    } catch (error) {
      throwIfCancelled(signal);
      if (!RepositoryError.is(error)) throw error;
      return { handle, error };
    }
  }

  async #loadFrom(handle: BlobHandle, location: BlobLocation, signal: AbortSignal | undefined): Promise<Buffer> {
    const sealed = await this.#readRange(location, { signal, isTreePack: handle.type === "tree" });
    return openBlob(this.#options.sealer, { ...handle, uncompressedLength: location.uncompressedLength }, sealed);
  }
}

/** With smaller gaps when the large ones would read more than the limit: it would be thrown away before it is wanted. */
function planWithin(maxBytes: number, blobs: readonly LocatedBlob[], limits: RangeLimits): PackRange[] {
  const ranges = planRanges(blobs, limits);
  const isWithin = ranges.reduce((sum, { length }) => sum + length, 0) <= maxBytes;
  return isWithin || limits.maxGapBytes === 0 ? ranges : planWithin(maxBytes, blobs, smallerGaps(limits));
}

function smallerGaps(limits: RangeLimits): RangeLimits {
  const maxGapBytes = Math.floor(limits.maxGapBytes / 4);
  return maxGapBytes < leastGapBytes ? noGaps(limits) : { ...limits, maxGapBytes };
}

function noGaps(limits: RangeLimits): RangeLimits {
  return { ...limits, maxGapBytes: 0 };
}

function isReadInBlocks({ type }: BlobHandle, { length }: BlobLocation): boolean {
  return type === "tree" && length <= maxBlockTreeBytes;
}

interface LocationFailure {
  readonly location: BlobLocation;
  readonly error: RepositoryError;
}

/** The error of a blob for which every place failed. */
function loadError(handle: BlobHandle, failures: readonly LocationFailure[]): RepositoryError {
  const name = `the ${handle.type} blob ${handle.id}`;
  const blob = { blob: handle.id, type: handle.type };
  const unreachable = failures.find(({ error }) => !isDamage(error) && error.code !== "pack-missing");
  // The store did not let us look: that says nothing about the blob.
  if (unreachable !== undefined) return unreachable.error;
  const worst = failures.find(({ error }) => isDamage(error)) ?? failures[0];
  if (worst === undefined) {
    return new RepositoryError("blob-missing", `${name} is in no index file`, { details: blob });
  }
  const { packId, offset, length } = worst.location;
  const details = { ...blob, pack: packId, offset, length, places: new Set(failures.map((one) => one.location)).size };
  const code = worst.error.code === "pack-missing" ? "pack-missing" : "blob-damaged";
  const message = `${name} cannot be read from pack ${packId} at offset ${offset}: ${worst.error.message}`;
  return new RepositoryError(code, message, { details, cause: worst.error });
}

function isDamage(error: RepositoryError): boolean {
  return error.code === "blob-damaged" || error.code === "pack-damaged";
}

function packError(error: unknown, details: { pack: PackId; offset: number; length: number }): unknown {
  const { pack, offset, length } = details;
  if (RepositoryError.is(error, "object-missing")) {
    const message = `pack ${pack} is not in the store: ${error.message}`;
    return new RepositoryError("pack-missing", message, { details, cause: error });
  }
  if (RepositoryError.is(error, "range-invalid") || RepositoryError.is(error, "object-truncated")) {
    const message = `pack ${pack} has no ${length} bytes at offset ${offset}: ${error.message}`;
    return new RepositoryError("pack-damaged", message, { details, cause: error });
  }
  return error;
}
