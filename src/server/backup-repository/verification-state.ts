// How far the rolling verification of a repository is. A round reads everything in thirty parts, spread evenly over the
// period; what it finds is remembered by part until the same part is found well again. Kept as an annotation.
import type { BackupRepository } from "../../api/backup-repository.ts";
import { annotations } from "../../api/names.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import type { FoundDamage, VerifyFacts } from "./repository-care.ts";

export const partsOfRound = 30;

/** Parts that were missed are made up for, but not all at once. */
const catchUpFactor = 0.25;
/** Parts with damage are read again beside the one that is next: a repair soon shows. */
const damagedPartsAgain = 2;

export interface VerificationState {
  /** When this round began, RFC 3339. */
  readonly round: string;
  /** Parts of this round that are done. */
  readonly done: number;
  /** When the last part was done. */
  readonly at: string;
  /** By part, or under "structure". */
  readonly damage: Readonly<Record<string, FoundDamage>>;
}

/** Undefined before the first part. What cannot be read counts as that. */
export function readVerification({ metadata }: BackupRepository): VerificationState | undefined {
  try {
    const { round, done, at, damage } = JSON.parse(metadata.annotations?.[annotations.verification] ?? "{}");
    const isWhole = parseTimestamp(round) !== undefined && parseTimestamp(at) !== undefined && Number.isInteger(done);
    return isWhole && typeof damage === "object" && damage !== null ? { round, done, at, damage } : undefined;
  } catch {
    // Somebody edited it: everything is read again.
    return undefined;
  }
}

/** When the next part is due, in milliseconds since the epoch. */
export function nextPartMs(
  repository: BackupRepository,
  state: VerificationState | undefined,
  periodMs: number,
): number {
  const stepMs = periodMs / partsOfRound;
  if (state === undefined) return (parseTimestamp(repository.metadata.creationTimestamp) ?? 0) + stepMs;
  const wantedMs = (parseTimestamp(state.round) ?? 0) + state.done * stepMs;
  return Math.max(wantedMs, (parseTimestamp(state.at) ?? 0) + stepMs * catchUpFactor);
}

/** From 1: the one that is next, then some of those where damage was found. */
export function partsToRead(state: VerificationState | undefined): number[] {
  const next = isRoundDone(state) ? 1 : (state?.done ?? 0) + 1;
  const damaged = Object.keys(state?.damage ?? {})
    .filter((part) => part !== "structure" && Number(part) !== next)
    .map(Number);
  // Those that come next in the round anyhow can wait the longest.
  const byWait = damaged.sort((a, b) => waitOf(a, next) - waitOf(b, next)).reverse();
  return [next, ...byWait.slice(0, damagedPartsAgain)];
}

function waitOf(part: number, next: number): number {
  return (part - next + partsOfRound) % partsOfRound;
}

function isRoundDone(state: VerificationState | undefined): boolean {
  return state === undefined || state.done >= partsOfRound;
}

/** After `parts` were read, the first of them as the next of the round. */
export function afterParts(
  state: VerificationState | undefined,
  results: ReadonlyMap<number, VerifyFacts>,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): VerificationState {
  const damage: Record<string, FoundDamage> = { ...state?.damage };
  const put = (key: string, found: FoundDamage | undefined): void => {
    if (found === undefined) delete damage[key];
    else damage[key] = found;
  };
  for (const [part, { structure, data }] of results) {
    put("structure", structure);
    put(String(part), data);
  }
  const isNewRound = isRoundDone(state);
  return {
    round: isNewRound ? formatTimestamp(startMs) : (state?.round ?? ""),
    done: isNewRound ? 1 : (state?.done ?? 0) + 1,
    at: formatTimestamp(endMs),
    damage,
  };
}

/** All parts were read in this round, and nothing is known to be damaged. */
export function hasVerifiedAll({ done, damage }: VerificationState): boolean {
  return done >= partsOfRound && Object.keys(damage).length === 0;
}
