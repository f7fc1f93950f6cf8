import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupRepository } from "../../../../../src/api/backup-repository.ts";
import type { FoundDamage } from "../../../../../src/server/backup-repository/repository-care.ts";
import {
  damagedSnapshots,
  verificationCondition,
} from "../../../../../src/server/backup-repository/verification-condition.ts";
import type { VerificationState } from "../../../../../src/server/backup-repository/verification-state.ts";

const dayMs = 86_400_000;
const made = "2026-01-01T00:00:00Z";
const repository: BackupRepository = {
  metadata: { name: "r", creationTimestamp: made },
  spec: { volumeNamespace: "n", backupStorageLocation: "l", maintenanceFrequency: "1h" },
};
const damage = (...snapshots: string[]): FoundDamage => ({
  problems: 2,
  firstProblem: "pack 12 is gone",
  snapshots,
  snapshotCount: snapshots.length,
});

function verdict(day: number, state: Partial<VerificationState> | undefined, lastVerified?: string): string[] {
  const whole = state === undefined ? undefined : { round: made, done: 3, at: made, damage: {}, ...state };
  const times = { periodMs: 30 * dayMs, nowMs: Date.parse(made) + day * dayMs, lastVerified };
  const { status, reason, message } = verificationCondition(repository, whole, times);
  return [status, reason, message];
}

describe("verificationCondition", () => {
  it("is unknown until all was read once", () => {
    const [status, reason, message] = verdict(4, {});
    assert.deepEqual([status, reason], ["Unknown", "VerificationRunning"]);
    assert.match(message ?? "", /3 of 30 parts were read since 2026-01-01T00:00:00Z; nothing is wrong so far/);
  });

  it("is true from then on, through the next rounds", () => {
    const [status, reason, message] = verdict(35, {}, "2026-01-31T00:00:00Z");
    assert.deepEqual([status, reason], ["True", "AllVerified"]);
    assert.match(message ?? "", /by 2026-01-31T00:00:00Z/);
  });

  it("is unknown again when two periods have gone by", () => {
    assert.equal(verdict(60, undefined)[1], "VerificationRunning");
    assert.deepEqual(verdict(61, undefined).slice(0, 2), ["Unknown", "VerificationOverdue"]);
    assert.equal(verdict(90, {}, "2026-01-31T00:00:00Z")[1], "AllVerified");
    assert.equal(verdict(91, {}, "2026-01-31T00:00:00Z")[1], "VerificationOverdue");
  });

  it("is false while anything is damaged, names each snapshot once, and says what to do", () => {
    const state = { damage: { 2: damage("a1 (pod x)", "b2 (pod y)"), structure: damage("a1 (pod x)") } };
    const [status, reason, message = ""] = verdict(61, state, made);
    assert.deepEqual([status, reason], ["False", "Damaged"]);
    assert.match(message, /^4 problems were found, such as: pack 12 is gone; /);
    assert.match(message, /these snapshots cannot be restored whole: a1 \(pod x\), b2 \(pod y\);/);
    assert.match(message, /stowage repo repair/);
  });

  it("says so when no snapshot suffers, and how many more there are than it names", () => {
    assert.match(verdict(1, { damage: { 2: damage() } })[2] ?? "", /no snapshot is known to suffer/);
    const many = { ...damage(...Array.from({ length: 20 }, (_, index) => `s${index}`)), snapshotCount: 75 };
    assert.match(verdict(1, { damage: { 2: many } })[2] ?? "", /s19 and 55 more;/);
    assert.equal(damagedSnapshots({ round: "", done: 0, at: "", damage: { 2: many } }).count, 75);
  });
});
