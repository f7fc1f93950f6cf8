// The Backup resource while it runs: every write goes through here, one after the other, and only as long as the Backup is
// still this run's. What somebody else changes on it meanwhile (labels, say) stays.
import type { Backup } from "../../../api/backup.ts";
import { annotations } from "../../../api/names.ts";
import { isBackupEnded } from "../../../api/phases.ts";
import { backups } from "../../../api/resources.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import { asCodedError, errorFacts } from "../../../platform/coded-error.ts";
import type { BackupContext } from "../backup-context.ts";
import { type BackupPatch, patchBackup } from "../end-backup.ts";
import { claimantOf, claimText, renewalMs } from "./run-claim.ts";
import { RunLost } from "./run-lost.ts";

export interface ItemsProgress {
  readonly totalItems: number;
  readonly itemsBackedUp: number;
}

/** Progress is written at most this often. */
const progressMs = 1000;
const maxConflicts = 10;

export class BackupRecord {
  readonly #context: BackupContext;
  #backup: Backup;
  #queue: Promise<unknown> = Promise.resolve();
  #progress: ItemsProgress | undefined;
  #claimedAtMs: number;

  constructor(backup: Backup, context: BackupContext) {
    this.#backup = backup;
    this.#context = context;
    this.#claimedAtMs = context.clock.monotonicMs();
  }

  get backup(): Backup {
    return this.#backup;
  }

  /** @throws RunLost; KubeError when the API server cannot be reached or refuses */
  async patch(patch: BackupPatch): Promise<Backup> {
    const turn = this.#queue.then(() => this.#patchNow(patch));
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  /** To be written soon; what was not written yet is replaced. */
  progress(progress: ItemsProgress): void {
    this.#progress = progress;
  }

  get latestProgress(): ItemsProgress | undefined {
    return this.#progress ?? (this.#backup.status?.progress as ItemsProgress | undefined);
  }

  /**
   * Writes progress, and renews this process's claim, until the signal fires. Outages pass.
   * @throws RunLost
   */
  async keepCurrent(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#context.clock.sleep(progressMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#writeDue();
      } catch (error) {
        if (error instanceof RunLost) throw error;
        this.#context.log.debug("a backup's progress could not be written", errorFacts(error));
      }
    }
  }

  /** Pods in the middle of their hooks; undefined when this server's kind has never noted any. */
  get openHooks(): readonly string[] | undefined {
    try {
      const uids: unknown = JSON.parse(this.#backup.metadata.annotations?.[annotations.openHooks] ?? "");
      return Array.isArray(uids) ? uids.map(String) : undefined;
    } catch {
      return undefined;
    }
  }

  async noteOpenHooks(uids: readonly string[]): Promise<void> {
    await this.patch({ metadata: { annotations: { [annotations.openHooks]: JSON.stringify(uids) } } });
  }

  async #writeDue(): Promise<void> {
    const progress = this.#progress;
    this.#progress = undefined;
    const nowMs = this.#context.clock.monotonicMs();
    const isClaimDue = nowMs - this.#claimedAtMs >= renewalMs;
    if (progress === undefined && !isClaimDue) return;
    const claim = { [annotations.claimedBy]: claimText(this.#context.process, this.#context.clock.now()) };
    await this.patch({
      ...(isClaimDue ? { metadata: { annotations: claim } } : {}),
      ...(progress === undefined ? {} : { status: { progress } }),
    });
    if (isClaimDue) this.#claimedAtMs = nowMs;
  }

  async #patchNow(patch: BackupPatch): Promise<Backup> {
    for (let conflicts = 0; ; conflicts++) {
      try {
        this.#backup = await patchBackup(this.#backup, this.#context, patch);
        return this.#backup;
      } catch (error) {
        const isRace = KubeError.is(error, "conflict") || KubeError.is(error, "not-found");
        if (!isRace || conflicts >= maxConflicts) throw error;
        await this.#readAgain();
      }
    }
  }

  async #readAgain(): Promise<void> {
    const { name, uid } = this.#backup.metadata;
    const found = await this.#context.client.find(backups, { namespace: this.#context.namespace, name });
    if (found === undefined || found.metadata.uid !== uid || found.metadata.deletionTimestamp !== undefined)
      throw new RunLost("deleted");
    if (isBackupEnded(found) || found.status?.phase === "Deleting") throw new RunLost("ended");
    if (claimantOf(found) !== this.#context.process) throw new RunLost("taken over");
    this.#backup = found;
  }
}

/** True for failures that another try may not have. */
export function isPassing(error: unknown): boolean {
  return asCodedError(error)?.retry !== "never";
}
