// In the worker: which blobs need not be sealed. Known are those of the shared table, and those that this thread has
// sealed in the same run, which reach the table only when their pack is stored.
import type { BlobType } from "../format/blob.ts";
import { SharedBlobTableView, type SharedTableHandle } from "../index/shared-blob-table.ts";
import type { RunTicket } from "./messages.ts";

/**
 * Blobs remembered per run, at least, and at most twice as many; the table knows older ones. A blob that was forgotten is
 * sealed once more, nothing else.
 */
const rememberedBlobs = 8192;

/** The younger half, and the older one, which is dropped whole when the younger is full. */
interface SealedBlobs {
  younger: Set<string>;
  older: Set<string>;
}

export class KnownBlobs {
  #table: SharedBlobTableView | undefined;
  readonly #runs = new Map<number, SealedBlobs>();

  attach(handle: SharedTableHandle): void {
    this.#table = SharedBlobTableView.attach(handle);
  }

  /**
   * True when the caller is to seal the blob now: it is not known, and counts as known to this run from here on.
   * @param id 32 bytes.
   */
  claim(run: RunTicket, type: BlobType, id: Buffer): boolean {
    if (this.#table?.has(type, id) === true) return false;
    const sealed = this.#sealedIn(run.number);
    const key = `${type}${id.toString("latin1")}`;
    if (sealed.younger.has(key) || sealed.older.has(key)) return false;
    if (sealed.younger.size >= rememberedBlobs) {
      sealed.older = sealed.younger;
      sealed.younger = new Set();
    }
    sealed.younger.add(key);
    return true;
  }

  /** A later run may find the repository pruned: nothing is carried over. */
  endRun(run: number): void {
    this.#runs.delete(run);
  }

  #sealedIn(run: number): SealedBlobs {
    let sealed = this.#runs.get(run);
    if (sealed === undefined) {
      sealed = { younger: new Set(), older: new Set() };
      this.#runs.set(run, sealed);
    }
    return sealed;
  }
}
