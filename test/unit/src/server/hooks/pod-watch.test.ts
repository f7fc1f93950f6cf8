import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../../../src/api/core.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { silentLogger } from "../../../../../src/platform/logger.ts";
import { type PodState, PodWatch } from "../../../../../src/server/hooks/pod-watch.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { settle } from "../../../../support/manual-clock.ts";
import { WatchedPods } from "../../../../support/watched-pods.ts";

const pod = (phase: string, uid = "one"): Pod => ({
  metadata: { name: "db-0", namespace: "shop", uid, labels: { of: "restore" } },
  status: { phase },
});

class Rig {
  readonly pods = new WatchedPods();
  readonly clock = new FakeClock();
  readonly end = new AbortController();
  readonly watch = new PodWatch({
    ...{ client: this.pods.client, clock: this.clock, log: silentLogger },
    ...{ labelSelector: "of=restore", signal: this.end.signal },
  });

  /** The state, as soon as there is one. */
  waitFor(timeoutMs = 60_000, signal: AbortSignal = this.end.signal): { state: PodState | undefined } {
    const found: { state: PodState | undefined } = { state: undefined };
    const isWanted = ({ status }: Pod): boolean => status?.phase === "Running";
    void this.watch.until(pod("Pending"), isWanted, { timeoutMs, signal }).then((state) => {
      found.state = state;
    });
    return found;
  }
}

const phaseOf = (state: PodState | undefined): unknown => (typeof state === "object" ? state.status?.phase : state);

describe("PodWatch", () => {
  it("gives the pod once it is as wanted, without waiting for a timer", async () => {
    const rig = new Rig();
    await rig.pods.put(pod("Pending"));
    const found = rig.waitFor();
    await settle();
    for (let change = 0; change < 3; change++) await rig.pods.put(pod("Pending"));
    assert.equal(found.state, undefined);
    assert.equal(rig.clock.pending, 1, "changes leave no timers behind");
    await rig.pods.put(pod("Running"));
    assert.equal(phaseOf(found.state), "Running");
    assert.deepEqual([...rig.pods.selectors], ["of=restore"]);
    rig.end.abort();
  });

  it("gives a pod at once that is as wanted already", async () => {
    const rig = new Rig();
    await rig.pods.put(pod("Running"));
    const found = rig.waitFor(0);
    await settle();
    assert.equal(phaseOf(found.state), "Running");
    rig.end.abort();
  });

  it("says when the time is over", async () => {
    const rig = new Rig();
    await rig.pods.put(pod("Pending"));
    const found = rig.waitFor(25_000);
    await rig.clock.advance(24_999);
    assert.equal(found.state, undefined);
    await rig.clock.advance(1);
    assert.equal(found.state, "timed-out");
    rig.end.abort();
  });

  it("says when the pod is deleted, replaced, or was never there", async () => {
    for (const happens of [
      async (rig: Rig) => await rig.pods.remove(pod("Pending")),
      async (rig: Rig) => void (await rig.pods.put(pod("Running", "another"))),
    ]) {
      const rig = new Rig();
      await rig.pods.put(pod("Pending"));
      const found = rig.waitFor();
      await settle();
      await happens(rig);
      // The watch knew the pod by its uid; who waits looks again within ten seconds.
      await rig.clock.advance(10_000);
      assert.equal(found.state, "gone");
      rig.end.abort();
    }
    const rig = new Rig();
    const found = rig.waitFor();
    await settle();
    assert.equal(found.state, "gone");
    rig.end.abort();
  });

  it("asks for a pod that the watch does not show, and goes on through outages", async () => {
    const rig = new Rig();
    await rig.pods.put(pod("Pending"));
    rig.pods.outage = new KubeError("unavailable", "away");
    const found = rig.waitFor();
    await settle();
    rig.pods.removeUnseen(pod("Pending"));
    await rig.clock.advance(10_000);
    assert.equal(found.state, undefined, "an outage says nothing about the pod");
    rig.end.abort();
    await settle();
    assert.equal(found.state, "stopped");
  });

  it("stops when its signal fires, and opens one watch for all who wait", async () => {
    const rig = new Rig();
    await rig.pods.put(pod("Pending"));
    const stop = new AbortController();
    const [first, second] = [rig.waitFor(60_000, stop.signal), rig.waitFor()];
    await settle();
    assert.equal(rig.pods.watches, 1);
    stop.abort();
    await settle();
    assert.deepEqual([first.state, second.state], ["stopped", undefined]);
    rig.end.abort();
    await settle();
    assert.deepEqual([second.state, rig.pods.watches], ["stopped", 0]);
    assert.equal(rig.clock.pending, 0, "no timer is left");
  });
});
