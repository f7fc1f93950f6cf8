import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import {
  type Admission,
  admitDeletion,
  type BreakerState,
  readBreaker,
} from "../../../../../src/server/deletion/deletion-breaker.ts";

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 1);

/** A location that remembers what the breaker said. */
class Breaker {
  state: BreakerState = { recent: [] };
  agreed = "";
  minute = 0;
  tokens = 0;

  ask(limit = 3): Admission {
    const annotations = {
      "stowage.dev/deletions": JSON.stringify(this.state),
      ...(this.agreed === "" ? {} : { "stowage.dev/allow-deletions": this.agreed }),
    };
    const location: BackupStorageLocation = {
      metadata: { name: "default", annotations },
      spec: { provider: "aws", objectStorage: { bucket: "b" } },
    };
    const nowMs = startMs + this.minute * minuteMs;
    const admission = admitDeletion(location, { limit, nowMs, newToken: () => `word-${++this.tokens}` });
    this.state = admission.state;
    return admission;
  }

  /** How many of so many deletions may go on. */
  count(tries: number, limit = 3): number {
    return Array.from({ length: tries }, () => this.ask(limit)).filter(({ mayGoOn }) => mayGoOn).length;
  }
}

describe("admitDeletion", () => {
  it("lets as many go on in an hour as the limit says, and none after that", () => {
    const breaker = new Breaker();
    assert.equal(breaker.count(10), 3);
    assert.equal(breaker.state.pausedAs, "word-1");
    assert.equal(breaker.tokens, 1, "the word stays the same while it is paused");
  });

  it("lets any number go on that come slowly enough", () => {
    const breaker = new Breaker();
    for (breaker.minute = 0; breaker.minute < 6000; breaker.minute += 20) assert.equal(breaker.ask().mayGoOn, true);
    assert.ok(breaker.state.recent.length <= 3, "and remembers the last hour only");
  });

  it("stays paused when the hour is over, until somebody agrees", () => {
    const breaker = new Breaker();
    breaker.count(4);
    breaker.minute = 600;
    assert.equal(breaker.ask().mayGoOn, false);
  });

  it("goes on for an hour in any number when somebody repeats the word, and counts anew then", () => {
    const breaker = new Breaker();
    breaker.count(4);
    breaker.agreed = "word-1";
    assert.deepEqual(breaker.ask().change, "agreed");
    assert.equal(breaker.count(50), 50);
    breaker.minute = 59;
    assert.equal(breaker.count(50), 50);
    breaker.minute = 60;
    assert.equal(breaker.count(50), 3);
    assert.equal(breaker.state.pausedAs, "word-2");
  });

  it("does not take an old word, or another one, for an agreement", () => {
    const breaker = new Breaker();
    breaker.count(4);
    breaker.agreed = "word-1";
    breaker.ask();
    breaker.minute = 61;
    assert.equal(breaker.count(10), 3, "the old annotation is still there");
    breaker.agreed = "true";
    assert.equal(breaker.ask().mayGoOn, false);
  });

  it("is not made to agree for longer, or to forget, by a clock that is set back", () => {
    const agreed = new Breaker();
    agreed.state = { recent: [], allowedUntil: "2026-06-01T00:00:00Z" };
    assert.equal(agreed.count(10), 3);
    const counted = new Breaker();
    counted.minute = 30;
    counted.count(3);
    counted.minute = 0;
    assert.equal(counted.ask().mayGoOn, false);
  });

  it("counts nothing without a limit", () => {
    const breaker = new Breaker();
    assert.equal(breaker.count(100, 0), 100);
    assert.deepEqual(breaker.state, { recent: [] });
  });
});

describe("readBreaker", () => {
  it("takes an annotation that somebody has broken for none", () => {
    for (const text of ["{", "null", "[]", '{"recent":7,"pausedAs":1}']) {
      const metadata = { name: "l", annotations: { "stowage.dev/deletions": text } };
      const spec = { provider: "aws", objectStorage: { bucket: "b" } };
      assert.deepEqual(readBreaker({ metadata, spec }), { recent: [] }, text);
    }
  });
});
