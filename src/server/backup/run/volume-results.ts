// What came of each of a Backup's volumes, kept from the moment it ended: neither a time-out of the others nor the deletion
// of its PodVolumeBackup loses it.
import { podVolumeStage } from "../../../api/phases.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";

interface Entry {
  /** As it was last seen. */
  latest: PodVolumeBackup;
  isGone: boolean;
}

export class VolumeResults {
  readonly #entries = new Map<string, Entry>();
  #waiters: { readonly names: readonly string[]; readonly resolve: () => void }[] = [];

  /** One that belongs to the Backup, as it is now; later notes of the same name replace what is not final. */
  note(object: PodVolumeBackup): void {
    const known = this.#entries.get(object.metadata.name);
    if (known === undefined) this.#entries.set(object.metadata.name, { latest: object, isGone: false });
    else if (!isFinal(known) && !isOlder(object, known.latest)) known.latest = object;
    this.#release();
  }

  /** Deleted: if it had not ended it never will. Names that were never noted are passed over. */
  noteDeleted(name: string): void {
    const known = this.#entries.get(name);
    if (known !== undefined) known.isGone = true;
    this.#release();
  }

  /**
   * All that the API server has now.
   * @param known names from before it was asked: those of them that it lacks are deleted.
   */
  noteList(objects: readonly PodVolumeBackup[], known: readonly string[]): void {
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    for (const name of known) if (!names.has(name)) this.noteDeleted(name);
    for (const object of objects) this.note(object);
  }

  /** Resolves when all of these have ended or are gone. */
  async ended(names: readonly string[]): Promise<void> {
    if (this.#areFinal(names)) return;
    await new Promise<void>((resolve) => this.#waiters.push({ names, resolve }));
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** As they were last seen. */
  get all(): readonly PodVolumeBackup[] {
    return [...this.#entries.values()].map(({ latest }) => latest);
  }

  /** Those that may still change. */
  get unfinished(): readonly PodVolumeBackup[] {
    return [...this.#entries.values()].filter((entry) => !isFinal(entry)).map(({ latest }) => latest);
  }

  /** Those that have ended, in the order in which they were made. */
  get finished(): readonly PodVolumeBackup[] {
    return this.all.filter(hasEnded);
  }

  /** Deleted before they ended. */
  get lost(): readonly PodVolumeBackup[] {
    return [...this.#entries.values()]
      .filter(({ isGone, latest }) => isGone && !hasEnded(latest))
      .map(({ latest }) => latest);
  }

  #areFinal(names: readonly string[]): boolean {
    return names.every((name) => {
      const entry = this.#entries.get(name);
      return entry !== undefined && isFinal(entry);
    });
  }

  #release(): void {
    if (this.#waiters.length === 0) return;
    const done = this.#waiters.filter(({ names }) => this.#areFinal(names));
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter));
    for (const { resolve } of done) resolve();
  }
}

function isFinal({ latest, isGone }: Entry): boolean {
  return isGone || hasEnded(latest);
}

function hasEnded(object: PodVolumeBackup): boolean {
  return podVolumeStage(object) === "ended";
}

/** A list may be older than what the watch has brought meanwhile; versions of one resource can be compared. */
function isOlder(object: PodVolumeBackup, known: PodVolumeBackup): boolean {
  const [one, other] = [object, known].map(({ metadata }) => Number(metadata.resourceVersion ?? 0));
  return Number(one) < Number(other);
}
