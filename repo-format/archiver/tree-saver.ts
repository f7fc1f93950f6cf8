// Stores finished trees. Their ids are computed at once, because the directory above needs them; compressing and sealing
// can wait, so trees are collected and sealed by the threads, many in one message. A few left over are sealed here.
import { type BlobId, idBytes, idOf } from "../format/id.ts";
import type { BlobUploader } from "../repository/blob-uploader.ts";
import type { BlobRun } from "../workers/blob-run.ts";

const batchBytes: number = 1024 * 1024;
const batchTrees = 1024;
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
  #trees: { id: BlobId; bytes: Buffer }[] = [];
  #bytes = 0;

  constructor(options: TreeSaverOptions) {
    this.#options = options;
  }

  /** The walk should call `room` before it goes on. */
  get isFull(): boolean {
    return this.#underWay.size >= batchesUnderWay;
  }

  /** @param bytes the tree; belongs to the saver from now on. */
  save(bytes: Buffer): BlobId {
    const id = idOf<BlobId>(bytes);
    if (this.#pendingIds.has(id) || this.#options.uploader.has("tree", id)) return id;
    this.#pendingIds.add(id);
    this.#trees.push({ id, bytes });
    this.#bytes += bytes.length;
    if (this.#bytes >= batchBytes || this.#trees.length >= batchTrees) this.#sealInThread();
    return id;
  }

  /** Resolves when the walk may go on. */
  async room(): Promise<void> {
    while (this.isFull) await Promise.race(this.#underWay);
  }

  /** Resolves when all trees were handed to the uploader. */
  async finish(): Promise<void> {
    if (this.#bytes > sealedHereBytes || this.#options.hasThreads()) this.#sealInThread();
    for (const { bytes } of this.#trees.splice(0)) await this.#options.uploader.saveBlob("tree", bytes);
    this.#bytes = 0;
    await Promise.all(this.#underWay);
  }

  #sealInThread(): void {
    const trees = this.#trees;
    const bytes = this.#bytes;
    if (trees.length === 0) return;
    this.#trees = [];
    this.#bytes = 0;
    const work = this.#seal(trees, bytes).catch((error: unknown) => this.#options.onFailed(error));
    this.#underWay.add(work);
    void work.then(() => this.#underWay.delete(work));
  }

  async #seal(trees: readonly { id: BlobId; bytes: Buffer }[], bytes: number): Promise<void> {
    const { run } = this.#options;
    await run.reserve(bytes);
    const ends = new Uint32Array(trees.length);
    const ids = new Uint8Array(trees.length * idBytes);
    let end = 0;
    for (const [index, tree] of trees.entries()) {
      end += tree.bytes.length;
      ends[index] = end;
      ids.set(Buffer.from(tree.id, "hex"), index * idBytes);
    }
    const plaintext = joined(
      trees.map((tree) => tree.bytes),
      bytes,
    );
    await run.sealPlaintexts({ type: "tree", bytes: plaintext, ends, ids }, bytes);
    for (const { id } of trees) this.#pendingIds.delete(id);
  }
}

/** Memory of its own, so that it can be transferred; a single large tree is not copied for that. */
function joined(parts: readonly Buffer[], bytes: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.buffer.byteLength === bytes) return only;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
