import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup } from "../../../../../../src/api/backup.ts";
import {
  attemptsOf,
  claimAnnotations,
  claimantOf,
  claimText,
  ForeignClaims,
} from "../../../../../../src/server/backup/run/run-claim.ts";
import { FakeClock } from "../../../../../support/fake-clock.ts";

function backupWith(annotations: Readonly<Record<string, string | null>>): Backup {
  const kept = Object.entries(annotations).filter((entry): entry is [string, string] => entry[1] !== null);
  return { metadata: { name: "b", namespace: "velero", uid: "uid", annotations: Object.fromEntries(kept) }, spec: {} };
}

const claimed = (text: string): Backup => backupWith({ "stowage.dev/claimed-by": text });

describe("claimAnnotations", () => {
  it("name the process and count the attempts", () => {
    const first = claimAnnotations(backupWith({}), "me", 1_700_000_000_000);
    assert.equal(claimantOf(backupWith(first)), "me");
    assert.equal(attemptsOf(backupWith(first)), 1);
    assert.equal(attemptsOf(backupWith(claimAnnotations(backupWith(first), "you", 0))), 2);
  });

  it("count from nothing where somebody has damaged the number", () => {
    for (const text of ["", "many", "-3", "1.5"])
      assert.equal(attemptsOf(backupWith({ "stowage.dev/attempts": text })), 0);
  });

  it("change with every renewal", () => {
    assert.notEqual(claimText("me", 60_000), claimText("me", 120_000));
  });
});

describe("ForeignClaims", () => {
  it("take a claim for dead that was not renewed for three minutes of this process's own clock", async () => {
    const clock = new FakeClock();
    const claims = new ForeignClaims(clock);
    assert.equal(claims.remainingMs(claimed("other/1")), 180_000);
    await clock.advance(100_000);
    assert.equal(claims.remainingMs(claimed("other/1")), 80_000);
    assert.equal(claims.remainingMs(claimed("other/2")), 180_000, "renewed");
    await clock.advance(200_000);
    assert.equal(claims.remainingMs(claimed("other/2")), 0);
  });

  it("do not wait for what was there before this process", () => {
    const claims = new ForeignClaims(new FakeClock());
    claims.inherit(claimed("other/1"));
    assert.equal(claims.remainingMs(claimed("other/1")), 0);
    claims.forget("uid");
    assert.equal(claims.remainingMs(claimed("another/1")), 180_000, "somebody else was faster");
  });
});
