// In the worker: which blobs need not be sealed. Known are those of the shared table, and those that this thread has
// sealed in the same run, which reach the table only when their pack is stored.
import type { BlobType } from "../format/blob.ts";
import { SharedBlobTableView, type SharedTableHandle } from "../index/shared-blob-table.ts";
import type { RunTicket } from "./messages.ts";

/** Blobs remembered per run; the table knows older ones. A blob that was forgotten is sealed once more, nothing else. */
const rememberedBlobs = 16_384;

export class KnownBlobs {
  #table: SharedBlobTableView | undefined;
  readonly #runs = new Map<number, Set<string>>();

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
    if (sealed.has(key)) return false;
    if (sealed.size >= rememberedBlobs) sealed.delete(sealed.keys().next().value as string);
    sealed.add(key);
    return true;
  }

  /** A later run may find the repository pruned: nothing is carried over. */
  endRun(run: number): void {
    this.#runs.delete(run);
  }

  #sealedIn(run: number): Set<string> {
    let sealed = this.#runs.get(run);
    if (sealed === undefined) {
      sealed = new Set();
      this.#runs.set(run, sealed);
    }
    return sealed;
  }
}
