// Brings the blobs that some trees need from one repository into another: pack by pack, each blob opened and compared with
// its id, then sealed with the other key. Trees are taken byte by byte, never encoded anew.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobType, PackedBlob } from "../format/blob.ts";
import type { BlobId, PackId, TreeId } from "../format/id.ts";
import type { IndexedPack } from "../index/blob-index.ts";
import { BlobSet } from "../index/blob-set.ts";
import { freeMemory } from "../native/free-memory.ts";
import { type OpenedBlob, openBlobWithPayload } from "../pack/open-blob.ts";
import type { SealedBlob } from "../pack/pack-writer.ts";
import { type BlobUploader, sealBlob } from "../repository/blob-uploader.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import { pathOfTree, type WalkedTree, walkTrees } from "../repository/walk-trees.ts";
import { type PackRun, runsOf } from "./pack-runs.ts";

/** What has to be copied; bytes as they are stored in the source. */
export interface CopyAmount {
  readonly blobs: number;
  readonly bytes: number;
  readonly packs: number;
}

export interface BlobCopyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((packsDone: number, packs: number) => void) | undefined;
}

export class BlobCopy {
  readonly #source: Repository;
  readonly #target: Repository;
  readonly #options: BlobCopyOptions;
  /** Trees that were walked, in all snapshots. */
  readonly #walked: BlobSet;
  /** By blob number of the source: 1 when the target needs it. */
  readonly #wanted: Uint8Array;
  /** For what is opened again to be compared. */
  #scratch: Buffer = Buffer.alloc(0);

  /** Both indexes must be loaded; the source's must not lose entries meanwhile. */
  constructor(source: Repository, target: Repository, options: BlobCopyOptions = {}) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#walked = new BlobSet(source.index);
    this.#wanted = new Uint8Array(source.index.table.count);
  }

  /**
   * Finds what a snapshot needs and the target has not; trees of earlier snapshots are not walked again.
   * @throws RepositoryError "blob-missing" naming the file when the source itself lacks a blob.
   */
  async plan(root: TreeId, uploader: Pick<BlobUploader, "has">): Promise<CopyPlan> {
    const amount = { blobs: 0, bytes: 0 };
    const packs = new Set<number>();
    const { table } = this.#source.index;
    const want = (type: BlobType, id: BlobId, tree: WalkedTree): void => {
      const position = this.#source.index.positionOf(type, id);
      if (position < 0) throw missing(type, id, tree);
      if (this.#wanted[position] === 1 || uploader.has(type, id)) return;
      this.#wanted[position] = 1;
      const { segment, index } = table.locate(position);
      const packId = this.#source.index.packIdAt(segment.packNumberAt(index));
      packs.add(this.#source.index.packNumberOf(packId));
      amount.blobs++;
      amount.bytes += segment.entryAt(index).length;
    };
    const visitor: Parameters<typeof walkTrees>[2] = {
      tree: (tree) => want("tree", tree.id, tree),
      node: (node, tree) => {
        for (const id of node.content ?? []) want("data", id, tree);
      },
    };
    await walkTrees(this.#source, [root], visitor, { seen: this.#walked, signal: this.#options.signal });
    return { ...amount, packs: packs.size, packNumbers: packs };
  }

  /** Copies what was planned. @throws RepositoryError "blob-damaged" when no copy of a blob is good … */
  async run(plan: CopyPlan, uploader: BlobUploader): Promise<void> {
    const { signal, onProgress } = this.#options;
    if (plan.blobs === 0) return;
    const { index, storage } = this.#source;
    const isPlanned = (id: PackId): boolean => plan.packNumbers.has(index.packNumberOf(id));
    const step = (pack: IndexedPack): Promise<void> => this.#copyPack(pack, uploader);
    let done = 0;
    for await (const _ of boundedParallel(index.packs(isPlanned), { limit: storage.connections, signal }, step))
      onProgress?.(++done, plan.packs);
    if (this.#wanted.includes(1)) throw new Error("bug: blobs were planned and not copied; the snapshot was not made");
  }

  async #copyPack(pack: IndexedPack, uploader: BlobUploader): Promise<void> {
    const wanted = pack.blobs.filter(({ type, id }) => {
      // Claimed at once: of a blob that lies in two of the packs only one copy is read.
      const position = this.#source.index.positionOf(type, id);
      const isWanted = this.#wanted[position] === 1;
      if (isWanted) this.#wanted[position] = 0;
      return isWanted;
    });
    for (const run of runsOf(wanted)) {
      throwIfCancelled(this.#options.signal);
      const bytes = await this.#read(pack.id, run);
      for (const blob of run.blobs) {
        const start = blob.offset - run.offset;
        await this.#copyBlob(blob, bytes?.subarray(start, start + blob.length), uploader);
      }
      if (bytes !== undefined) freeMemory(bytes);
    }
  }

  /** The sealed bytes; undefined when the pack does not have them: the blobs may lie elsewhere, too. */
  async #read(packId: PackId, run: PackRun): Promise<Buffer | undefined> {
    try {
      return await this.#source.readPackRange(packId, run.offset, run.length, this.#options.signal);
    } catch (error) {
      if (RepositoryError.is(error, "pack-missing") || RepositoryError.is(error, "pack-damaged")) return undefined;
      throw error;
    }
  }

  async #copyBlob(blob: PackedBlob, sealed: Buffer | undefined, uploader: BlobUploader): Promise<void> {
    const opened = sealed === undefined ? undefined : this.#open(blob, sealed);
    // Damaged here; another copy may be good.
    const plaintext = opened?.plaintext ?? (await this.#source.loadBlob(blob, this.#options.signal));
    const payload = opened !== undefined && this.#keepsPayload(blob) ? opened.payload : undefined;
    const copy = payload === undefined ? sealBlob(this.#target, blob, plaintext) : this.#seal(blob, payload);
    // The pack copies what it is given.
    await uploader.add(copy);
    for (const bytes of [plaintext, opened?.payload, copy.sealed]) if (bytes !== undefined) freeMemory(bytes);
  }

  /** Seals what is known to open to the blob, and looks whether it still does: memory may be faulty. */
  #seal({ type, id, uncompressedLength }: PackedBlob, payload: Buffer): SealedBlob {
    const { sealer, options } = this.#target;
    const sealed = sealer.seal(payload);
    if (options.extraVerify && !this.#opensTo(sealed, payload)) {
      const message = `the ${type} blob ${id} changed while it was sealed; it was not stored`;
      throw new RepositoryError("self-test-failed", message, { details: { blob: id } });
    }
    return { type, id, sealed, uncompressedLength, plaintextLength: uncompressedLength };
  }

  #opensTo(sealed: Uint8Array, payload: Buffer): boolean {
    if (this.#scratch.length < sealed.length) this.#scratch = Buffer.allocUnsafeSlow(sealed.length);
    try {
      const bytes = this.#target.sealer.openInto(sealed, this.#scratch);
      return this.#scratch.subarray(0, bytes).equals(payload);
    } catch (error) {
      if (RepositoryError.is(error, "authentication-failed")) return false;
      throw error;
    }
  }

  #open(blob: PackedBlob, sealed: Buffer): OpenedBlob | undefined {
    try {
      return openBlobWithPayload(this.#source.sealer, blob, sealed);
    } catch (error) {
      if (RepositoryError.is(error, "blob-damaged")) return undefined;
      throw error;
    }
  }

  /** What is compressed stays so, unless somebody asks for another compression: that is most of the work of a copy. */
  #keepsPayload({ type, uncompressedLength }: PackedBlob): boolean {
    if (uncompressedLength === 0 || this.#target.version < 2) return false;
    const { compression } = this.#target.options;
    return compression === "auto" || (type === "tree" && compression === "off");
  }
}

/** Of one snapshot. */
export interface CopyPlan extends CopyAmount {
  readonly packNumbers: ReadonlySet<number>;
}

function missing(type: BlobType, id: BlobId, tree: WalkedTree): RepositoryError {
  const path = pathOfTree(tree);
  const message = `the source has no ${type} blob ${id}, which the directory "${path}" needs; nothing of the snapshot was made`;
  return new RepositoryError("blob-missing", message, { details: { blob: id, type, path } });
}
