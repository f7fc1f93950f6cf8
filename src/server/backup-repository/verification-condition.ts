// What the condition Verified of a BackupRepository says.
import type { BackupRepository } from "../../api/backup-repository.ts";
import { annotations } from "../../api/names.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import { formatDuration } from "../../platform/duration.ts";
import type { ConditionUpdate } from "../status/conditions.ts";
import { partsOfRound, type VerificationState } from "./verification-state.ts";

const namedSnapshots = 20;
/** A round may take a period, and what it found is good for another. */
const overdueFactor = 2;

export interface VerificationTimes {
  readonly periodMs: number;
  readonly nowMs: number;
}

/** @param lastVerified as in the annotation, or as it is about to be. */
export function verificationCondition(
  repository: BackupRepository,
  state: VerificationState | undefined,
  { periodMs, nowMs, lastVerified }: VerificationTimes & { readonly lastVerified: string | undefined },
): ConditionUpdate {
  const type = "Verified";
  if (state !== undefined && Object.keys(state.damage).length > 0)
    return { type, status: "False", reason: "Damaged", message: damageMessage(state) };
  const progress =
    state === undefined
      ? "nothing was read yet"
      : `${state.done} of ${partsOfRound} parts were read since ${state.round}`;
  const sinceMs = parseTimestamp(lastVerified ?? repository.metadata.creationTimestamp) ?? nowMs;
  if (nowMs - sinceMs > overdueFactor * periodMs) {
    const wanted = `all should be read every ${formatDuration(periodMs)}`;
    return { type, status: "Unknown", reason: "VerificationOverdue", message: `${wanted}; ${progress}` };
  }
  if (lastVerified === undefined) {
    const message = `${progress}; nothing is wrong so far`;
    return { type, status: "Unknown", reason: "VerificationRunning", message };
  }
  const message = `all was read and verified by ${lastVerified}; ${progress}`;
  return { type, status: "True", reason: "AllVerified", message };
}

export function lastVerifiedOf({ metadata }: BackupRepository): string | undefined {
  return metadata.annotations?.[annotations.lastVerified];
}

/** Each snapshot once, however many parts it suffers from. */
export function damagedSnapshots({ damage }: VerificationState): {
  readonly names: readonly string[];
  readonly count: number;
} {
  const found = Object.values(damage);
  const names = [...new Set(found.flatMap(({ snapshots }) => snapshots))];
  const count = Math.max(names.length, ...found.map(({ snapshotCount }) => snapshotCount));
  return { names, count };
}

function damageMessage(state: VerificationState): string {
  const found = Object.values(state.damage);
  const problems = found.reduce((sum, one) => sum + one.problems, 0);
  const { names, count } = damagedSnapshots(state);
  const shown = names.slice(0, namedSnapshots);
  const more = count > shown.length ? ` and ${count - shown.length} more` : "";
  const affected =
    count === 0
      ? "no snapshot is known to suffer"
      : `these snapshots cannot be restored whole: ${shown.join(", ")}${more}`;
  const first = found[0]?.firstProblem ?? "";
  return `${problems === 1 ? "a problem was" : `${problems} problems were`} found, such as: ${first}; ${affected}; see \`stowage repo check --read-data\` and \`stowage repo repair\``;
}
