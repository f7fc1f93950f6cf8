// The Backups that this process carries out at the moment: where the informers bring what concerns them.
import type { Backup } from "../../../api/backup.ts";
import { labels } from "../../../api/names.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import type { ObjectChange } from "../../../kube/object-store.ts";
import type { Clock } from "../../../platform/clock.ts";
import { Bell } from "./bell.ts";
import { RunLost } from "./run-lost.ts";
import { VolumeResults } from "./volume-results.ts";

/** One Backup under way. */
export class ActiveRun {
  readonly results: VolumeResults = new VolumeResults();
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  readonly #bells = new Map<string, Bell>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Fires with a RunLost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  lose(why: RunLost["why"]): void {
    this.#lost.abort(new RunLost(why));
  }

  /** Rings when the repository of the namespace changes. */
  bellOf(namespace: string): Bell {
    const known = this.#bells.get(namespace) ?? new Bell(this.#clock);
    this.#bells.set(namespace, known);
    return known;
  }
}

export class ActiveRuns {
  readonly #clock: Clock;
  /** By the Backup's uid. */
  readonly #runs = new Map<string, ActiveRun>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps a Backup active while `work` goes on. */
  async during<T>(backup: Backup, work: (run: ActiveRun) => Promise<T>): Promise<T> {
    const uid = backup.metadata.uid ?? "";
    const run = new ActiveRun(this.#clock);
    this.#runs.set(uid, run);
    try {
      return await work(run);
    } finally {
      this.#runs.delete(uid);
    }
  }

  backupChanged({ type, object }: ObjectChange<Backup>): void {
    const isGone = type === "deleted" || object.metadata.deletionTimestamp !== undefined;
    if (isGone) this.#runs.get(object.metadata.uid ?? "")?.lose("deleted");
  }

  volumeChanged({ type, object }: ObjectChange<PodVolumeBackup>): void {
    const run = this.#runs.get(object.metadata.labels?.[labels.backupUid] ?? "");
    if (run === undefined) return;
    run.results.note(object);
    if (type === "deleted") run.results.noteDeleted(object.metadata.name);
  }

  repositoryChanged(volumeNamespace: string): void {
    for (const run of this.#runs.values()) run.bellOf(volumeNamespace).ring();
  }
}
