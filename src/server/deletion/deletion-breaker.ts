// Too many deletions at once are more often a mistake, or an attack, than a wish: a TTL of "1h", a clock that is set, a
// script with the wrong selector. Beyond a limit in an hour they wait until somebody repeats a word that the location's
// condition names. Decisions only; what happened lately is kept as an annotation of the location.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";

const hourMs = 3_600_000;

export interface BreakerState {
  /** When deletions were begun within the last hour, RFC 3339. */
  readonly recent: readonly string[];
  /** The word to repeat, while deletions wait. */
  readonly pausedAs?: string;
  /** Until then they go on in any number, RFC 3339. */
  readonly allowedUntil?: string;
}

export interface Admission {
  readonly mayGoOn: boolean;
  readonly state: BreakerState;
  /** Whether the pause has just begun or ended. */
  readonly change?: "paused" | "agreed";
}

export interface BreakerSettings {
  /** In an hour; 0 for any number. */
  readonly limit: number;
  readonly nowMs: number;
  readonly newToken: () => string;
}

/** May one more Backup of the location be deleted now? It counts as deleted if so. */
export function admitDeletion(location: BackupStorageLocation, { limit, nowMs, newToken }: BreakerSettings): Admission {
  const known = readBreaker(location);
  if (limit === 0) return { mayGoOn: true, state: { recent: [] } };
  const now = formatTimestamp(nowMs);
  const { pausedAs } = known;
  if (pausedAs !== undefined) {
    if (location.metadata.annotations?.[annotations.allowDeletions] !== pausedAs)
      return { mayGoOn: false, state: known };
    const state = { recent: [], allowedUntil: formatTimestamp(nowMs + hourMs) };
    return { mayGoOn: true, state, change: "agreed" };
  }
  const untilMs = parseTimestamp(known.allowedUntil) ?? 0;
  // A clock that was set back makes no agreement longer.
  if (known.allowedUntil !== undefined && nowMs < untilMs && untilMs <= nowMs + hourMs) {
    return { mayGoOn: true, state: { recent: [], allowedUntil: known.allowedUntil } };
  }
  const recent = known.recent.filter((time) => Math.abs(nowMs - (parseTimestamp(time) ?? 0)) < hourMs);
  if (recent.length >= limit) return { mayGoOn: false, state: { recent, pausedAs: newToken() }, change: "paused" };
  return { mayGoOn: true, state: { recent: [...recent, now] } };
}

/** Nothing is known of a location from which nothing was deleted, and of one whose annotation somebody has broken. */
export function readBreaker({ metadata }: BackupStorageLocation): BreakerState {
  try {
    const { recent, pausedAs, allowedUntil } = JSON.parse(metadata.annotations?.[annotations.deletions] ?? "{}");
    return {
      recent: Array.isArray(recent) ? recent.filter((time) => typeof time === "string") : [],
      ...(typeof pausedAs === "string" && { pausedAs }),
      ...(typeof allowedUntil === "string" && { allowedUntil }),
    };
  } catch {
    return { recent: [] };
  }
}
