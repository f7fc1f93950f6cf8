// Of which Backups of this cluster it is known for sure that their location had them: only those can be missed there later.
// Others may never have been stored (by a program that did not store them, or by hand), and are left alone.
import type { Backup } from "../../api/backup.ts";
import { annotations } from "../../api/names.ts";
import { isBackupEnded } from "../../api/phases.ts";
import type { ObjectChange } from "../../kube/object-store.ts";

export class StoredBackups {
  readonly #uids = new Set<string>();

  /** To be told of every change of a Backup: one that ends before our eyes has just been stored. */
  observe(change: ObjectChange<Backup>): void {
    const { uid = "" } = change.object.metadata;
    if (change.type === "deleted") this.#uids.delete(uid);
    else if (change.type === "updated" && !isBackupEnded(change.previous) && isBackupEnded(change.object)) {
      this.#uids.add(uid);
    }
  }

  /** A listing has it. */
  saw({ metadata }: Backup): void {
    this.#uids.add(metadata.uid ?? "");
  }

  wasStored({ metadata }: Backup): boolean {
    return metadata.annotations?.[annotations.syncedFrom] !== undefined || this.#uids.has(metadata.uid ?? "");
  }
}
