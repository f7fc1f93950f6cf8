// Stores finished trees. Their ids are computed at once, because the directory above needs them; compressing and sealing
// can wait, so trees are collected and sealed by the threads, many in one message. A few left over are sealed here.
import { type BlobId, idOf } from "../format/id.ts";
import type { BlobUploader } from "../repository/blob-uploader.ts";
import type { BlobRun } from "../workers/blob-run.ts";
import { TreeBatch } from "./tree-batch.ts";

/** Up to here starting a thread would cost more than sealing it in this one. */
const sealedHereBytes: number = 256 * 1024;
/** Batches on their way; the walk waits beyond. */
const batchesUnderWay = 4;

export interface TreeSaverOptions {
  readonly uploader: BlobUploader;
  readonly run: BlobRun;
  /** Threads run already: they take the leftovers, too. */
  readonly hasThreads: () => boolean;
  /** Called with the first error; the run cannot succeed any more. */
  readonly onFailed: (error: unknown) => void;
}

export class TreeSaver {
  readonly #options: TreeSaverOptions;
  readonly #pendingIds = new Set<BlobId>();
  readonly #underWay = new Set<Promise<void>>();
  #batch: TreeBatch | undefined;

  constructor(options: TreeSaverOptions) {
    this.#options = options;
  }

  /** The walk should call `room` before it goes on. */
  get isFull(): boolean {
    return this.#underWay.size >= batchesUnderWay;
  }

  /** @param tree copied, unless it is known. */
  save(tree: Uint8Array): BlobId {
    const id = idOf<BlobId>(tree);
    if (this.#pendingIds.has(id) || this.#options.uploader.has("tree", id)) return id;
    this.#pendingIds.add(id);
    if (this.#batch?.hasRoomFor(tree.length) === false) this.#sealInThread();
    this.#batch ??= new TreeBatch(tree.length);
    this.#batch.add(id, tree);
    return id;
  }

  /** Resolves when the walk may go on. */
  async room(): Promise<void> {
    while (this.isFull) await Promise.race(this.#underWay);
  }

  /** Resolves when all trees were handed to the uploader. */
  async finish(): Promise<void> {
    if ((this.#batch?.bytes ?? 0) > sealedHereBytes || this.#options.hasThreads()) this.#sealInThread();
    for (const tree of this.#batch?.trees() ?? []) await this.#options.uploader.saveBlob("tree", tree);
    this.#batch = undefined;
    await Promise.all(this.#underWay);
  }

  #sealInThread(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const work = this.#seal(batch).catch((error: unknown) => this.#options.onFailed(error));
    this.#underWay.add(work);
    void work.then(() => this.#underWay.delete(work));
  }

  async #seal(batch: TreeBatch): Promise<void> {
    const { run } = this.#options;
    await run.reserve(batch.bytes);
    await run.sealPlaintexts(batch.plaintexts(), batch.bytes);
    for (const id of batch.ids) this.#pendingIds.delete(id);
  }
}
