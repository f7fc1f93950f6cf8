// Which server process carries a Backup out, written on the Backup: two servers (a mistake, or a rolling update) do not run
// it twice, and one whose process is gone is taken over. Times are compared on one machine's clock only.
import type { Backup } from "../../../api/backup.ts";
import { annotations } from "../../../api/names.ts";
import type { Clock } from "../../../platform/clock.ts";

/** How often the process that runs a Backup renews its claim. */
export const renewalMs = 60_000;
/** A claim that was not renewed for so long is a dead process's. */
const deadAfterMs: number = 3 * renewalMs;

/** Unique in the cluster and over restarts: a random word. */
export type ProcessName = string;

/** The value of the annotation; it changes with every renewal. */
export function claimText(process: ProcessName, nowMs: number): string {
  return `${process}/${Math.floor(nowMs / 1000)}`;
}

/** The process that claims the Backup; undefined when nobody does. */
export function claimantOf(backup: Backup): ProcessName | undefined {
  return backup.metadata.annotations?.[annotations.claimedBy]?.split("/")[0];
}

/** A Backup that brings its server down every time must come to an end, too. */
export const maxAttempts = 20;

/** How often a server has begun it. */
export function attemptsOf(backup: Backup): number {
  const count = Number(backup.metadata.annotations?.[annotations.attempts] ?? "0");
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** What a process writes on a Backup before it begins. */
export function claimAnnotations(
  backup: Backup,
  process: ProcessName,
  nowMs: number,
): Readonly<Record<string, string>> {
  return {
    [annotations.claimedBy]: claimText(process, nowMs),
    [annotations.attempts]: String(attemptsOf(backup) + 1),
  };
}

interface Sight {
  readonly text: string;
  readonly sinceMs: number;
}

/** What this process has seen of other processes' claims. */
export class ForeignClaims {
  readonly #clock: Clock;
  /** By the Backup's uid. */
  readonly #seen = new Map<string, Sight>();
  /** Uids of Backups that were there before this process. */
  readonly #inherited = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The Backup was there when this process began: who claims it then has most likely been replaced by it, and is not waited
   * for. If it does live, it sees that it has lost the Backup.
   */
  inherit(backup: Backup): void {
    this.#inherited.add(backup.metadata.uid ?? "");
  }

  /** Milliseconds until another process's claim is dead, unless it is renewed before; 0 when it is. */
  remainingMs(backup: Backup): number {
    const { uid = "", annotations: known } = backup.metadata;
    if (this.#inherited.has(uid)) return 0;
    const text = known?.[annotations.claimedBy] ?? "";
    const sight = this.#seen.get(uid);
    const sinceMs = sight?.text === text ? sight.sinceMs : this.#clock.monotonicMs();
    this.#seen.set(uid, { text, sinceMs });
    return Math.max(0, sinceMs + deadAfterMs - this.#clock.monotonicMs());
  }

  /** This process has taken it over, or it is gone. */
  forget(uid: string): void {
    this.#seen.delete(uid);
    this.#inherited.delete(uid);
  }
}
