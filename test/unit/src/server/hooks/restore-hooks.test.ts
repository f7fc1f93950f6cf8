import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerStatus, Pod } from "../../../../../src/api/core.ts";
import { pods } from "../../../../../src/api/resources.ts";
import type { RestoreHook } from "../../../../../src/api/restore.ts";
import type { HookCounts } from "../../../../../src/server/hooks/exec-hook.ts";
import { RestoreHooks } from "../../../../../src/server/hooks/restore-hooks.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { settle } from "../../../../support/manual-clock.ts";
import { playExec } from "../../../../support/played-exec.ts";
import { type RecordedRunLog, recordedRunLog } from "../../../../support/recorded-run-log.ts";
import { WatchedPods } from "../../../../support/watched-pods.ts";

interface PodWish {
  readonly name?: string;
  readonly phase?: string;
  readonly running?: readonly string[];
  readonly ready?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

function pod({ name = "db-0", phase = "Running", running = [], ready = [], annotations = {} }: PodWish = {}): Pod {
  const statusOf = (container: string): ContainerStatus => ({
    name: container,
    ready: ready.includes(container),
    state: running.includes(container) ? { running: {} } : { waiting: { reason: "PodInitializing" } },
  });
  return {
    metadata: { name, namespace: "shop", uid: `uid-${name}`, annotations },
    spec: { containers: [{ name: "db" }, { name: "side" }] },
    status: { phase, containerStatuses: ["db", "side"].map(statusOf) },
  };
}

const hook = (command: string, changes: Partial<NonNullable<RestoreHook["exec"]>> = {}): RestoreHook => ({
  exec: { command: [command], ...changes },
});

class Rig {
  readonly pods = new WatchedPods();
  readonly clock = new FakeClock();
  readonly log: RecordedRunLog = recordedRunLog();
  readonly end = new AbortController();
  readonly commands: string[];
  readonly hooks: RestoreHooks;
  counts: HookCounts | undefined;

  constructor(postHooks: readonly RestoreHook[], play?: Parameters<typeof playExec>[0]) {
    const { exec, commands } = playExec(play);
    this.commands = commands;
    const restore = {
      metadata: { name: "r", uid: "restore-uid" },
      spec: { hooks: { resources: [{ name: "load", postHooks }] } },
    };
    this.hooks = new RestoreHooks({
      ...{ restore, exec, client: this.pods.client, log: this.log, clock: this.clock },
      ...{ defaultWaitMs: 3_600_000, signal: this.end.signal },
    });
  }

  async begin(wish: PodWish = {}): Promise<void> {
    this.hooks.begin(await this.pods.put(pod(wish)));
    await settle();
  }

  async become(wish: PodWish): Promise<void> {
    await this.pods.put(pod(wish));
  }

  async finish(): Promise<HookCounts> {
    return await this.hooks.finish();
  }

  /** What the pod's annotation says. */
  ended(name = "db-0"): unknown {
    const { metadata } = this.pods.table.must<Pod>(pods, { namespace: "shop", name });
    return JSON.parse(metadata.annotations?.["stowage.dev/restore-hooks"] ?? "null");
  }
}

describe("RestoreHooks", () => {
  it("runs a hook when its container runs, and marks the pod", async () => {
    const rig = new Rig([hook("load")]);
    await rig.begin();
    assert.deepEqual([rig.commands, rig.hooks.waitingPods], [[], 1]);
    await rig.become({ running: ["side"] });
    assert.deepEqual(rig.commands, []);
    await rig.become({ running: ["db"] });
    assert.deepEqual(rig.commands, ["shop/db-0/db: load"]);
    assert.deepEqual(await rig.finish(), { attempted: 1, failed: 0 });
    assert.deepEqual(rig.ended(), { restore: "restore-uid", hooks: { 0: "ended" } });
    assert.deepEqual([rig.hooks.waitingPods, rig.log.errors, rig.log.warnings], [0, [], []]);
    assert.deepEqual([...rig.pods.selectors], ["velero.io/restore-name=r"]);
    await settle();
    assert.equal(rig.pods.watches, 0);
  });

  it("waits for readiness where the hook wants it", async () => {
    const rig = new Rig([hook("load", { waitForReady: true })]);
    await rig.begin({ running: ["db"] });
    assert.deepEqual(rig.commands, []);
    await rig.become({ running: ["db"], ready: ["db"] });
    assert.deepEqual(rig.commands, ["shop/db-0/db: load"]);
    await rig.finish();
  });

  it("does nothing for pods without hooks, not even watch", async () => {
    const rig = new Rig([]);
    await rig.begin({ running: ["db"] });
    assert.deepEqual(await rig.finish(), { attempted: 0, failed: 0 });
    assert.equal(rig.pods.selectors.size, 0);
    assert.equal(rig.ended(), null);
  });

  it("runs the hooks of one container in order, and lets another container's go ahead", async () => {
    const first = Promise.withResolvers<number>();
    const hooks = [hook("a"), hook("b"), hook("s", { container: "side" })];
    const rig = new Rig(hooks, ({ command }) => (command[0] === "a" ? first.promise : 0));
    await rig.begin({ running: ["db", "side"] });
    assert.deepEqual(rig.commands, ["shop/db-0/db: a", "shop/db-0/side: s"]);
    first.resolve(0);
    assert.deepEqual(await rig.finish(), { attempted: 3, failed: 0 });
    assert.deepEqual(rig.commands.at(-1), "shop/db-0/db: b");
  });

  it("gives up on a container that is not up in time: as on-error says", async () => {
    const rig = new Rig([
      hook("a", { waitTimeout: "1m", onError: "Continue" }),
      hook("b", { waitTimeout: "2m" }),
      hook("c", { waitTimeout: "3m" }),
    ]);
    await rig.begin();
    await rig.clock.advance(60_000);
    const sentence = (minutes: number): string =>
      `namespace shop: post hook load in pod shop/db-0 failed: container db was not running within ${minutes}m0s`;
    assert.deepEqual(rig.log.warnings, [sentence(1)]);
    await rig.clock.advance(60_000);
    assert.deepEqual(rig.log.errors, [`${sentence(2)}; its other hooks do not run`]);
    assert.deepEqual(await rig.finish(), { attempted: 2, failed: 2 });
    assert.deepEqual(rig.commands, []);
  });

  it("waits as long as the Restore lets it where the hook names no time", async () => {
    const rig = new Rig([hook("a")]);
    await rig.begin();
    await rig.clock.advance(3_599_000);
    assert.equal(rig.hooks.waitingPods, 1);
    await rig.clock.advance(1000);
    assert.deepEqual(await rig.finish(), { attempted: 1, failed: 1 });
    assert.match(rig.log.errors.join(), /container db was not running within 1h0m0s/);
  });

  it("stops the other hooks of the pod after a failure that matters, but not those of other pods", async () => {
    const rig = new Rig([hook("bad"), hook("never"), hook("late", { container: "side" })], ({ pod: name, command }) =>
      name === "db-0" && command[0] === "bad" ? 1 : 0,
    );
    await rig.begin({ running: ["db"] });
    assert.deepEqual(rig.ended(), { restore: "restore-uid", hooks: { 0: { problem: "exit code 1" } } });
    await rig.begin({ name: "db-1", running: ["db", "side"] });
    await rig.become({ running: ["db", "side"] });
    assert.deepEqual(await rig.finish(), { attempted: 4, failed: 1 });
    assert.deepEqual(
      rig.commands.filter((command) => command.startsWith("shop/db-0")),
      ["shop/db-0/db: bad"],
    );
    assert.equal(rig.log.errors.length, 1);
  });

  it("fails at once when the pod is deleted, or ends", async () => {
    const gone = new Rig([hook("a")]);
    await gone.begin();
    await gone.pods.remove(pod());
    assert.deepEqual(await gone.finish(), { attempted: 1, failed: 1 });
    assert.match(gone.log.errors.join(), /the pod was deleted or replaced before the hook could run/);
    const ended = new Rig([hook("a")]);
    await ended.begin();
    await ended.become({ phase: "Failed" });
    assert.deepEqual(await ended.finish(), { attempted: 1, failed: 1 });
    assert.match(ended.log.errors.join(), /the pod ended \(phase Failed\) before the hook could run/);
  });

  const marked = (uid: string, hooks: object): PodWish => ({
    running: ["db"],
    annotations: { "stowage.dev/restore-hooks": JSON.stringify({ restore: uid, hooks }) },
  });

  it("runs no hook again that an earlier server has run, and tells again which have failed", async () => {
    const rig = new Rig([hook("a"), hook("b", { onError: "Continue" }), hook("c")]);
    await rig.begin(marked("restore-uid", { 0: "ended", 1: { problem: "exit code 7" } }));
    assert.deepEqual(await rig.finish(), { attempted: 3, failed: 1 });
    assert.deepEqual(rig.commands, ["shop/db-0/db: c"]);
    assert.match(rig.log.warnings.join(), /post hook load in pod shop\/db-0 failed: exit code 7$/);
  });

  it("does not run one again during which the server was killed, says so, and runs none after it", async () => {
    const rig = new Rig([hook("a"), hook("b")]);
    await rig.begin(marked("restore-uid", { 0: "begun" }));
    assert.deepEqual(await rig.finish(), { attempted: 1, failed: 1 });
    assert.deepEqual(rig.commands, []);
    assert.match(rig.log.errors.join(), /the server was restarted while it ran: .* not run again; its other hooks/);
  });

  it("believes no marks of an earlier Restore, nor what somebody else has written", async () => {
    for (const wish of [marked("an earlier restore", { 0: "ended" }), marked("restore-uid", { 0: "whatever" })]) {
      const rig = new Rig([hook("a")]);
      await rig.begin(wish);
      assert.deepEqual(await rig.finish(), { attempted: 1, failed: 0 });
      assert.deepEqual(rig.commands, ["shop/db-0/db: a"]);
    }
  });

  it("marks a hook before it runs", async () => {
    let duringRun: unknown;
    const rig: Rig = new Rig([hook("a")], () => {
      duringRun = rig.ended();
      return 3;
    });
    await rig.begin({ running: ["db"] });
    await rig.finish();
    assert.deepEqual(duringRun, { restore: "restore-uid", hooks: { 0: "begun" } });
    assert.deepEqual(rig.ended(), { restore: "restore-uid", hooks: { 0: { problem: "exit code 3" } } });
  });

  it("warns of annotations that it cannot use", async () => {
    const rig = new Rig([]);
    await rig.begin({
      running: ["db"],
      annotations: { "post.hook.restore.velero.io/command": "x", "post.hook.restore.velero.io/on-error": "no" },
    });
    assert.deepEqual(await rig.finish(), { attempted: 1, failed: 0 });
    assert.match(rig.log.warnings.join(), /^namespace shop: pod shop\/db-0: the annotation .*on-error is "no"/);
  });

  it("ends with what the signal says, and writes nothing then", async () => {
    const rig = new Rig([hook("a")]);
    await rig.begin();
    rig.end.abort(new Error("the server ends"));
    await assert.rejects(rig.finish(), /the server ends/);
    assert.deepEqual([rig.commands, rig.log.errors, rig.ended()], [[], [], null]);
  });
});
