import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupRepository } from "../../../../../src/api/backup-repository.ts";
import type { FoundDamage, VerifyFacts } from "../../../../../src/server/backup-repository/repository-care.ts";
import {
  afterParts,
  hasVerifiedAll,
  nextPartMs,
  partsOfRound,
  partsToRead,
  readVerification,
  type VerificationState,
} from "../../../../../src/server/backup-repository/verification-state.ts";

const dayMs = 86_400_000;
const periodMs = partsOfRound * dayMs;
const startMs = Date.UTC(2026, 0, 1);
const sound: VerifyFacts = { structure: undefined, data: undefined };
const damage: FoundDamage = { problems: 1, firstProblem: "p", snapshots: ["s"], snapshotCount: 1 };

const repository = (verification?: string): BackupRepository => ({
  metadata: {
    name: "r",
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(verification === undefined ? {} : { annotations: { "stowage.dev/verification": verification } }),
  },
  spec: { volumeNamespace: "n", backupStorageLocation: "l", maintenanceFrequency: "1h" },
});

/** Reads what is due, whenever it is due, and gives the parts that were read. */
function runFor(days: number, facts: (part: number, day: number) => VerifyFacts, from?: VerificationState) {
  let state = from;
  const parts: number[][] = [];
  for (let nowMs = startMs; nowMs <= startMs + days * dayMs; nowMs += dayMs / 4) {
    if (nextPartMs(repository(), state, periodMs) > nowMs) continue;
    const read = partsToRead(state);
    parts.push(read);
    const results = new Map(read.map((part) => [part, facts(part, (nowMs - startMs) / dayMs)]));
    state = afterParts(state, results, { startMs: nowMs, endMs: nowMs });
  }
  return { state: state as VerificationState, parts };
}

describe("the rolling verification", () => {
  it("reads every part once in a period, the first one a step after the repository was made", () => {
    assert.equal(nextPartMs(repository(), undefined, periodMs), startMs + dayMs);
    const { state, parts } = runFor(30, () => sound);
    assert.deepEqual(
      parts.flat(),
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    assert.ok(hasVerifiedAll(state));
  });

  it("begins again when the period is over", () => {
    const { state, parts } = runFor(31, () => sound);
    assert.equal(parts.length, 31);
    assert.deepEqual([parts.at(-1), state.done, state.round], [[1], 1, "2026-02-01T00:00:00Z"]);
    assert.equal(hasVerifiedAll(state), false);
  });

  it("makes up for parts that were missed, four times as fast and no faster", () => {
    const state = { round: "2026-01-01T00:00:00Z", done: 3, at: "2026-01-04T00:00:00Z", damage: {} };
    const lateMs = startMs + 20 * dayMs;
    const due = nextPartMs(repository(), { ...state, at: "2026-01-21T00:00:00Z" }, periodMs);
    assert.equal(due, lateMs + dayMs / 4);
    assert.equal(nextPartMs(repository(), state, periodMs), startMs + 3.25 * dayMs);
  });

  it("remembers damage by part until that part is found well, and reads such parts again meanwhile", () => {
    const bad = (part: number, day: number): VerifyFacts =>
      part === 3 && day < 10 ? { structure: undefined, data: damage } : sound;
    const early = runFor(8, bad);
    assert.deepEqual(early.state.damage, { 3: damage });
    assert.deepEqual(early.parts.slice(0, 5), [[1], [2], [3], [4, 3], [5, 3]]);
    const late = runFor(30, bad);
    assert.deepEqual(late.state.damage, {});
    assert.ok(hasVerifiedAll(late.state), "it was repaired, and everything was read");
  });

  it("forgets damage of the structure as soon as one part finds none", () => {
    const bad = (_: number, day: number): VerifyFacts => ({ structure: day < 3 ? damage : undefined, data: undefined });
    assert.deepEqual(Object.keys(runFor(2, bad).state.damage), ["structure"]);
    assert.deepEqual(runFor(3, bad).state.damage, {});
  });

  it("has not verified all while anything is damaged", () => {
    const bad = (part: number): VerifyFacts => ({ structure: undefined, data: part === 30 ? damage : undefined });
    const { state } = runFor(30, bad);
    assert.equal(state.done, 30);
    assert.equal(hasVerifiedAll(state), false);
  });

  it("reads two of the damaged parts again at a time, those first for which the round comes last", () => {
    const state = { round: "", done: 9, at: "", damage: { 2: damage, 9: damage, 11: damage, structure: damage } };
    assert.deepEqual(partsToRead(state), [10, 9, 2]);
  });
});

describe("readVerification", () => {
  it("gives back what was written", () => {
    const state = { round: "2026-01-01T00:00:00Z", done: 3, at: "2026-01-04T00:00:00Z", damage: { 2: damage } };
    assert.deepEqual(readVerification(repository(JSON.stringify(state))), state);
  });

  it("begins anew where somebody has edited it", () => {
    for (const text of ["", "{", "[]", "null", '{"round":"soon","done":1,"at":"2026-01-04T00:00:00Z","damage":{}}'])
      assert.equal(readVerification(repository(text)), undefined, text);
    assert.equal(readVerification(repository()), undefined);
  });
});
