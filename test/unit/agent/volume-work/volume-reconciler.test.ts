import assert from "node:assert/strict";
import { test } from "node:test";
import { readAgentConfig } from "../../../../agent/agent-config.ts";
import type { AgentContext } from "../../../../agent/agent-context.ts";
import { createAgentMetrics } from "../../../../agent/agent-metrics.ts";
import { Cancellation } from "../../../../agent/data-path/cancellation.ts";
import { DataPathManager, type TransferControl } from "../../../../agent/data-path/data-path-manager.ts";
import { Slots } from "../../../../agent/data-path/slots.ts";
import { failureState } from "../../../../agent/volume-work/end-state.ts";
import { VolumeReconciler } from "../../../../agent/volume-work/volume-reconciler.ts";
import type { VolumeObject, VolumeWork } from "../../../../agent/volume-work/volume-work.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { Metrics } from "../../../../src/platform/metrics.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

interface Stored extends VolumeObject {
  readonly status: { readonly phase?: "" | "New" | "InProgress" | "Completed" | "Failed"; readonly message?: string };
}
const never = new AbortController().signal;
const name = "velero/b";

function object(phase: Stored["status"]["phase"], annotations: Record<string, string> = {}): Stored {
  const metadata = { namespace: "velero", name: "b", uid: "u1", resourceVersion: "1", annotations };
  return { metadata, spec: { pod: {}, volume: "data" }, status: { phase: phase ?? "" } };
}

/** One object on a server that checks versions, and a transfer that the test ends. */
function setUp(initial: Stored, takeOverProblem: VolumeWork<Stored, string>["takeOverProblem"] = () => undefined) {
  const clock = new FakeClock();
  let stored: Stored | undefined = initial;
  let cached: Stored | undefined = initial;
  let finds = 0;
  const told: string[] = [];
  const merge = (patch: { metadata?: { annotations?: object; resourceVersion?: string }; status?: object }): Stored => {
    if (stored === undefined) throw new KubeError("not-found", "gone");
    const wanted = patch.metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== stored.metadata.resourceVersion) throw new KubeError("conflict", "changed");
    const annotations = { ...stored.metadata.annotations, ...patch.metadata?.annotations };
    const resourceVersion = String(Number(stored.metadata.resourceVersion) + 1);
    stored = {
      ...stored,
      metadata: { ...stored.metadata, annotations, resourceVersion },
      status: { ...stored.status, ...patch.status },
    };
    return stored;
  };
  const client = {
    mergePatch: async (_: unknown, __: unknown, patch: object) => merge(patch),
    find: async () => {
      finds++;
      return stored;
    },
  };
  const config = readAgentConfig([], { NODE_NAME: "n1" });
  const context = {
    ...{ config, namespace: "velero", agentId: "n1/me", client, clock, log: silentLogger },
    crds: { find: async () => undefined },
    events: { record: (_: unknown, { reason }: { reason: string }) => void told.push(reason) },
    metrics: createAgentMetrics(new Metrics()),
  } as unknown as AgentContext;
  const transfer = Promise.withResolvers<string>();
  const control = Promise.withResolvers<TransferControl>();
  const work: VolumeWork<Stored, string> = {
    resource: { group: "velero.io", version: "v1", kind: "B", plural: "bs", isNamespaced: true },
    direction: "backup",
    isDue: () => true,
    wasBegunHere: () => true,
    refusal: () => undefined,
    takeOverProblem,
    transfer: (_, given) => {
      control.resolve(given);
      given.signal.addEventListener("abort", () => transfer.reject(given.signal.reason));
      return transfer.promise;
    },
    completed: () => ({ status: { phase: "Completed", completionTimestamp: "t" }, reason: "" }),
    failed: (_, error) => failureState((error as Error).message, "x", 0),
    measure: () => ({ bytes: 1, addedBytes: 1, files: 1, warnings: 0 }),
  };
  const manager = new DataPathManager<string>({
    ...{ slots: new Slots(1), clock, log: silentLogger },
    onSettled: () => undefined,
  });
  const informer = { get: () => cached, list: () => (cached === undefined ? [] : [cached]) } as never;
  const reconciler = new VolumeReconciler({ context, informer, manager, work });
  return {
    ...{ clock, manager, reconciler, transfer, control: control.promise, merge },
    ...{ told, finds: () => finds },
    stored: () => stored,
    refresh: () => {
      cached = stored;
    },
    /** The watch has not said so yet. */
    removeUnseen: () => {
      stored = undefined;
    },
    remove: () => {
      stored = undefined;
      cached = undefined;
    },
  };
}

test("New becomes InProgress before anything moves, and Completed when it has moved", async () => {
  const rig = setUp(object("New"));
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.stored()?.status.phase, "InProgress");
  rig.refresh();
  rig.transfer.resolve("result");
  await rig.clock.advance(0);
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.stored()?.status.phase, "Completed");
  assert.equal(rig.manager.find(name), undefined);
});

test("an old copy of a finished object starts nothing: the claim meets a conflict", async () => {
  const rig = setUp(object("New"));
  rig.merge({ status: { phase: "Completed" } });
  await assert.rejects(rig.reconciler.reconcile(name, never), { code: "conflict" });
  assert.equal(rig.manager.find(name), undefined);
});

test("what another process has begun is left alone, unless it was begun before this process started", async () => {
  const rig = setUp(object("InProgress", { "stowage.dev/claimed-by": "n1/other" }));
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.manager.find(name), undefined);
  assert.equal(rig.reconciler.findOrphans().length, 1);
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.stored()?.metadata.annotations?.["stowage.dev/claimed-by"], "n1/me");
});

test("what another process has begun and cannot be taken over yet stays as it is until it can", async () => {
  let problem: "later" | undefined = "later";
  const rig = setUp(object("InProgress", { "stowage.dev/claimed-by": "n1/other" }), () => problem);
  rig.reconciler.findOrphans();
  await rig.reconciler.reconcile(name, never);
  assert.deepEqual([rig.manager.find(name), rig.stored()?.status.phase], [undefined, "InProgress"]);
  problem = undefined;
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.stored()?.metadata.annotations?.["stowage.dev/claimed-by"], "n1/me");
});

test("what was begun three times without an end is given up", async () => {
  const rig = setUp(object("InProgress", { "stowage.dev/attempts": "3" }));
  rig.reconciler.findOrphans();
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.stored()?.status.phase, "Failed");
  assert.match(rig.stored()?.status.message ?? "", /ended 3 times/);
});

test("the end of a transfer whose claim was lost is not written", async () => {
  const rig = setUp(object("New"));
  await rig.reconciler.reconcile(name, never);
  rig.merge({ metadata: { annotations: { "stowage.dev/claimed-by": "n1/other" } } });
  rig.refresh();
  rig.transfer.resolve("result");
  await rig.clock.advance(0);
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.stored()?.status.phase, "InProgress");
  assert.equal(rig.manager.find(name), undefined);
});

test("a deleted object stops its transfer, which is then forgotten", async () => {
  const rig = setUp(object("New"));
  await rig.reconciler.reconcile(name, never);
  rig.remove();
  await rig.reconciler.reconcile(name, never);
  await rig.clock.advance(0);
  assert.equal(rig.manager.find(name)?.outcome?.isSuccess, false);
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.manager.find(name), undefined);
});

test("at the end of the process a stopped transfer goes back to New, one that was done is written down", async () => {
  const stopped = setUp(object("New"));
  await stopped.reconciler.reconcile(name, never);
  await stopped.manager.stop(new Cancellation("shutdown", "ending"));
  await stopped.reconciler.settleAll(never);
  assert.equal(stopped.stored()?.status.phase, "New");
  assert.equal(stopped.stored()?.metadata.annotations?.["stowage.dev/attempts"], "0");

  const done = setUp(object("New"));
  await done.reconciler.reconcile(name, never);
  done.transfer.resolve("result");
  await done.clock.advance(0);
  await done.manager.stop(new Cancellation("shutdown", "ending"));
  await done.reconciler.settleAll(never);
  assert.equal(done.stored()?.status.phase, "Completed");
});

test("a lost lock starts the volume over, three times at most; any other failure ends it at once", async () => {
  const phases: (string | undefined)[] = [];
  for (const [code, attempts] of [
    ["lock-lost", "0"],
    ["lock-lost", "2"],
    ["wrong-password", "0"],
  ] as const) {
    const rig = setUp(object("New", { "stowage.dev/attempts": attempts }));
    await rig.reconciler.reconcile(name, never);
    rig.refresh();
    rig.transfer.reject(Object.assign(new Error(code), { code }));
    await rig.clock.advance(0);
    await rig.reconciler.reconcile(name, never);
    phases.push(rig.stored()?.status.phase);
  }
  assert.deepEqual(phases, ["New", "Failed", "Failed"]);
});

test("the end is written without asking how the object looks, unless somebody has changed it", async () => {
  for (const [isChanged, expected] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const rig = setUp(object("New"));
    await rig.reconciler.reconcile(name, never);
    if (isChanged) rig.merge({ metadata: { annotations: { note: "of somebody" } } });
    rig.refresh();
    rig.transfer.resolve("result");
    await rig.clock.advance(0);
    await rig.reconciler.reconcile(name, never);
    assert.equal(rig.finds(), expected);
    assert.equal(rig.stored()?.status.phase, "Completed");
    assert.equal(rig.stored()?.metadata.annotations?.note, isChanged ? "of somebody" : undefined);
  }
});

test("an object that was deleted at the last moment is forgotten without a failure", async () => {
  const rig = setUp(object("New"));
  await rig.reconciler.reconcile(name, never);
  rig.refresh();
  rig.transfer.resolve("result");
  await rig.clock.advance(0);
  rig.removeUnseen();
  await rig.reconciler.reconcile(name, never);
  assert.equal(rig.manager.find(name), undefined);
});

test("the beginning is told of a volume that takes two seconds, and not of one that has ended by then", async () => {
  for (const [seconds, expected] of [
    [1, ["VolumeBackupCompleted"]],
    [2, ["VolumeBackupStarted", "VolumeBackupCompleted"]],
  ] as const) {
    const rig = setUp(object("New"));
    await rig.reconciler.reconcile(name, never);
    rig.refresh();
    await rig.clock.advance(seconds * 1000);
    rig.transfer.resolve("result");
    await rig.clock.advance(0);
    await rig.reconciler.reconcile(name, never);
    await rig.clock.advance(5000);
    assert.deepEqual(rig.told, expected);
  }
});
