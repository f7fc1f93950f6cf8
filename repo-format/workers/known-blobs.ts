// In the worker: which blobs need not be sealed. Known are those of the shared table, and those that this thread has
// sealed in the same run, which reach the table only when their pack is stored.
import type { BlobType } from "../format/blob.ts";
import { idBytes } from "../format/id.ts";
import { IdTable } from "../index/id-table.ts";
import { SharedBlobTableView, type SharedTableHandle } from "../index/shared-blob-table.ts";
import type { RunTicket } from "./messages.ts";

/**
 * Blobs of a type remembered per run, at least, and at most twice as many; the table knows older ones. A blob that was
 * forgotten is sealed once more, nothing else.
 */
const rememberedBlobs = 8192;

/** The younger half, and the older one, which is dropped whole when the younger is full. */
interface SealedBlobs {
  younger: IdTable;
  older: IdTable;
}

type SealedByType = Readonly<Record<BlobType, SealedBlobs>>;

export class KnownBlobs {
  #table: SharedBlobTableView | undefined;
  readonly #runs = new Map<number, SealedByType>();
  /** The id that is being looked at, as words. */
  readonly #key = new Uint32Array(idBytes / 4);
  readonly #keyBytes = new Uint8Array(this.#key.buffer);

  attach(handle: SharedTableHandle): void {
    this.#table = SharedBlobTableView.attach(handle);
  }

  /**
   * True when the caller is to seal the blob now: it is not known, and counts as known to this run from here on.
   * @param id 32 bytes.
   */
  claim(run: RunTicket, type: BlobType, id: Uint8Array): boolean {
    if (this.#table?.has(type, id) === true) return false;
    const sealed = this.#sealedIn(run.number)[type];
    this.#keyBytes.set(id);
    if (sealed.younger.find(this.#key) >= 0 || sealed.older.find(this.#key) >= 0) return false;
    if (sealed.younger.count >= rememberedBlobs) {
      sealed.older = sealed.younger;
      sealed.younger = new IdTable();
    }
    sealed.younger.add(this.#key);
    return true;
  }

  /** A later run may find the repository pruned: nothing is carried over. */
  endRun(run: number): void {
    this.#runs.delete(run);
  }

  #sealedIn(run: number): SealedByType {
    let sealed = this.#runs.get(run);
    if (sealed === undefined) {
      sealed = {
        data: { younger: new IdTable(), older: new IdTable() },
        tree: { younger: new IdTable(), older: new IdTable() },
      };
      this.#runs.set(run, sealed);
    }
    return sealed;
  }
}
