import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { BackupStorageLocation } from "../../../../../../src/api/backup-storage-location.ts";
import type { Pod } from "../../../../../../src/api/core.ts";
import type { PodVolumeRestore, PodVolumeRestoreStatus } from "../../../../../../src/api/pod-volume-restore.ts";
import { persistentVolumeClaims, pods, podVolumeRestores } from "../../../../../../src/api/resources.ts";
import type { Restore } from "../../../../../../src/api/restore.ts";
import { KubeError } from "../../../../../../src/kube/kube-errors.ts";
import type { EnsuredRepository } from "../../../../../../src/server/backup-repository/ensure-repository.ts";
import type { RestoreContext } from "../../../../../../src/server/restore/restore-context.ts";
import type { EndedVolumeRestore } from "../../../../../../src/server/restore/volumes/restore-volume-info.ts";
import { VolumeRestores } from "../../../../../../src/server/restore/volumes/volume-restores.ts";
import { FakeClock } from "../../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../../support/object-table.ts";
import { type RecordedRunLog, recordedRunLog } from "../../../../../support/recorded-run-log.ts";

const namespace = "velero";
const minute = 60_000;
const location = { metadata: { name: "default" } } as BackupStorageLocation;

let table: ObjectTable;
let clock: FakeClock;
let log: RecordedRunLog;
let stop: AbortController;
/** What the local copy knows; the table itself when undefined. */
let localCopy: readonly PodVolumeRestore[] | undefined;
let repository: EnsuredRepository;

beforeEach(() => {
  table = new ObjectTable();
  clock = new FakeClock();
  log = recordedRunLog();
  stop = new AbortController();
  localCopy = undefined;
  repository = { identifier: "s3:repo" };
  agentOn("n1");
});

function agentOn(nodeName: string): void {
  const metadata = { namespace, name: `agent-${nodeName}`, labels: { role: "node-agent" } };
  table.put(pods, { metadata, spec: { nodeName, containers: [] }, status: { phase: "Running" } });
}

function start(change: { annotations?: Record<string, string> } = {}): VolumeRestores {
  const restore: Restore = {
    metadata: { name: "r", namespace, uid: "r-uid", ...change },
    spec: {},
    status: { startTimestamp: new Date(clock.now()).toISOString() },
  };
  const context = {
    client: table.client,
    namespace,
    clock,
    settings: { fsBackupTimeoutMs: 240 * minute, resourceTimeoutMs: 10 * minute },
    ensureRepository: async () => repository,
    volumeRestores: { list: () => localCopy ?? table.list<PodVolumeRestore>(podVolumeRestores) },
  } as unknown as RestoreContext;
  return new VolumeRestores({ context, restore, location, log, signal: stop.signal });
}

function makePod(name = "web", change: { nodeName?: string; volumes?: readonly object[] } = {}): Pod {
  const pod = {
    metadata: { name, namespace: "app", uid: `${name}-uid`, labels: { "velero.io/restore-name": "r" } },
    spec: { nodeName: "n1", containers: [], initContainers: [{ name: "restore-wait" }], ...change },
  };
  table.put(pods, pod);
  return pod as unknown as Pod;
}

function begin(volumes: VolumeRestores, pod: Pod, ...names: string[]): void {
  const snapshots = names.map((volume) => ({ volume, snapshotId: `id-${volume}` }));
  volumes.begin({ pod, sourceNamespace: "old", snapshots });
}

const made = (): PodVolumeRestore[] => table.list<PodVolumeRestore>(podVolumeRestores);

async function settle(one: PodVolumeRestore | undefined, status: PodVolumeRestoreStatus, metadata = {}): Promise<void> {
  const { name = "" } = one?.metadata ?? {};
  await table.client.mergePatch(podVolumeRestores, { namespace, name }, { status, metadata });
}

/** Moves the clock until all have ended. */
async function finish(volumes: VolumeRestores, ms = 15 * minute): Promise<readonly EndedVolumeRestore[]> {
  const finished = volumes.finish();
  await clock.advance(ms);
  return await finished;
}

describe("VolumeRestores", () => {
  it("makes one for each volume, and gives them when all have ended", async () => {
    const claim = { namespace: "app", name: "claim" };
    table.put(persistentVolumeClaims, { metadata: { ...claim, uid: "claim-uid" } });
    const pod = makePod("web", { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "claim" } }] });
    const volumes = start();
    begin(volumes, pod, "data", "logs");
    const finished = volumes.finish();
    await clock.advance(1000);
    const [data, logs] = made();
    assert.deepEqual(
      [data?.spec.volume, data?.spec.repoIdentifier, data?.spec.sourceNamespace],
      ["data", "s3:repo", "old"],
    );
    assert.equal(data?.metadata.labels?.["velero.io/pvc-uid"], "claim-uid");
    for (const one of [data, logs]) await settle(one, { phase: "Completed", progress: { totalBytes: 3 } });
    await clock.advance(1000);
    const ended = await finished;
    assert.deepEqual(
      ended.map(({ volumeRestore }) => volumeRestore.spec.volume),
      ["data", "logs"],
    );
    assert.deepEqual([log.errors, log.warnings, volumes.failedPods], [[], [], []]);
  });

  it("is done at once when no pod has a volume to restore", async () => {
    const volumes = start();
    begin(volumes, makePod());
    assert.deepEqual(await volumes.finish(), []);
    assert.deepEqual(made(), []);
  });

  it("waits for the repository before it makes any", async () => {
    repository = "wait";
    const volumes = start();
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(5000);
    assert.deepEqual(made(), []);
    repository = { identifier: "s3:late" };
    await clock.advance(1000);
    const [one] = made();
    assert.equal(one?.spec.repoIdentifier, "s3:late");
    await settle(one, { phase: "Completed" });
    await clock.advance(1000);
    assert.equal((await finished).length, 1);
  });

  it("tells why none can be made, and that the pod goes on waiting", async () => {
    repository = { error: "the bucket is gone" };
    const volumes = start();
    begin(volumes, makePod(), "data", "logs");
    assert.deepEqual(await finish(volumes), []);
    assert.deepEqual(log.errors, [
      "namespace app: the volumes data, logs of pod app/web cannot be restored: the bucket is gone; the pod waits for them in its container restore-wait",
    ]);
    assert.deepEqual(
      volumes.failedPods.map(({ metadata }) => metadata.name),
      ["web"],
    );
  });

  it("tries again when the API server is away for a moment", async () => {
    let failures = 3;
    table.beforeWrite = () => {
      if (failures-- > 0) throw new KubeError("unavailable", "no answer");
    };
    const volumes = start();
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(minute);
    await settle(made()[0], { phase: "Completed" });
    await clock.advance(minute);
    assert.equal((await finished).length, 1);
    assert.deepEqual(log.errors, []);
  });

  it("finds what an earlier run has made", async () => {
    const pod = makePod();
    const first = start();
    begin(first, pod, "data");
    first.finish().catch(() => undefined);
    await clock.advance(1000);
    const [before] = made();
    await settle(before, { phase: "Completed" });
    stop.abort(new Error("the server ends"));
    stop = new AbortController();
    const second = start();
    begin(second, pod, "data");
    const ended = await finish(second);
    assert.deepEqual(made().length, 1);
    assert.equal(ended[0]?.volumeRestore.metadata.name, before?.metadata.name);
  });

  it("counts a failure with the agent's reason", async () => {
    const volumes = start();
    begin(volumes, makePod(), "data");
    await clock.advance(0);
    await settle(made()[0], { phase: "Failed", message: "no such snapshot" });
    assert.equal((await finish(volumes)).length, 1);
    assert.deepEqual(log.errors, ["namespace app: volume data of pod app/web is not restored: no such snapshot"]);
    assert.equal(volumes.failedPods.length, 1);
  });

  it("warns of files that were not restored as they were", async () => {
    const volumes = start();
    begin(volumes, makePod(), "data");
    await clock.advance(0);
    const noted = { annotations: { "stowage.dev/warnings": "[]" } };
    await settle(made()[0], { phase: "Completed", message: "2 devices were left out" }, noted);
    await finish(volumes);
    assert.deepEqual(log.warnings, [
      "namespace app: volume data of pod app/web is restored, but not all of it as it was: 2 devices were left out",
    ]);
  });

  it("counts one that somebody deletes, once the API server confirms it", async () => {
    const volumes = start();
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(1000);
    table.remove(podVolumeRestores, { namespace, name: made()[0]?.metadata.name ?? "" });
    await clock.advance(1000);
    assert.deepEqual(await finished, []);
    assert.match(log.errors.join(), /its PodVolumeRestore r-[0-9a-f]{10} was deleted before it ended/);
  });

  it("bears a local copy that lags behind", async () => {
    localCopy = [];
    const volumes = start();
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(5000);
    assert.deepEqual(log.errors, []);
    await settle(made()[0], { phase: "Completed" });
    await clock.advance(20_000);
    assert.equal((await finished).length, 1);
    assert.deepEqual(log.errors, []);
  });

  it("ends what no agent will take: the pod was replaced", async () => {
    const volumes = start();
    begin(volumes, makePod(), "data", "logs");
    const finished = volumes.finish();
    await clock.advance(1000);
    table.put(pods, { metadata: { name: "web", namespace: "app", uid: "another" }, spec: { containers: [] } });
    await clock.advance(10_000);
    const ended = await finished;
    assert.deepEqual(
      ended.map(({ volumeRestore }) => volumeRestore.status?.phase),
      ["Failed", "Failed"],
    );
    assert.equal(log.errors.length, 2);
    assert.match(log.errors[0] ?? "", /volume data .*was replaced before its volumes were restored/);
  });

  it("asks the agent to stop what it works on, and ends it after half a minute when it does not", async () => {
    const volumes = start();
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(500);
    await settle(made()[0], { phase: "InProgress" }, { annotations: { "stowage.dev/claimed-by": "n1/abc" } });
    table.remove(pods, { namespace: "app", name: "web" });
    await clock.advance(10_000);
    assert.deepEqual([made()[0]?.spec.cancel, made()[0]?.status?.phase], [true, "InProgress"]);
    await clock.advance(minute);
    await finished;
    assert.match(made()[0]?.status?.message ?? "", /was deleted before .*the agent of node n1 did not stop/);
  });

  it("bears an agent that is away for a moment, and not one that stays away", async () => {
    const pod = makePod("web", { nodeName: "n2" });
    const volumes = start();
    begin(volumes, pod, "data");
    const finished = volumes.finish();
    await clock.advance(40_000);
    agentOn("n2");
    await clock.advance(40_000);
    table.remove(pods, { namespace, name: "agent-n2" });
    await clock.advance(40_000);
    assert.deepEqual(log.errors, [], "each time it was away for less than a minute");
    await clock.advance(2 * minute);
    await finished;
    assert.match(log.errors.join(), /no node-agent pod is running on node n2/);
  });

  it("gives each circumstance its own time", async () => {
    const pod = makePod("web", { nodeName: "" });
    const volumes = start();
    begin(volumes, pod, "data");
    const finished = volumes.finish();
    await clock.advance(9 * minute);
    makePod("web", { nodeName: "n2" });
    await clock.advance(minute / 2);
    assert.deepEqual(log.errors, [], "its node's agent has just begun to be missed");
    agentOn("n2");
    await clock.advance(minute);
    await settle(made()[0], { phase: "Completed" });
    await clock.advance(minute);
    await finished;
    assert.deepEqual(log.errors, []);
  });

  it("ends all of them when the Restore's time is over, and says which time", async () => {
    const volumes = start({ annotations: { "velero.io/pod-volume-timeout": "5m" } });
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(4 * minute);
    assert.equal(made()[0]?.status, undefined);
    await clock.advance(2 * minute);
    await finished;
    assert.match(log.errors.join(), /not finished within 5m0s, the time for all volumes of its Restore/);
    assert.equal(made()[0]?.status?.phase, "Failed");
  });

  it("gives up in the end when nothing can be written any more", async () => {
    const volumes = start({ annotations: { "velero.io/pod-volume-timeout": "5m" } });
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(minute);
    table.beforeWrite = () => {
      throw new KubeError("unavailable", "no answer");
    };
    await clock.advance(20 * minute);
    assert.deepEqual(await finished, []);
    assert.equal(log.errors.length, 1);
  });

  it("stops with what the signal says", async () => {
    const volumes = start();
    begin(volumes, makePod(), "data");
    const finished = volumes.finish();
    await clock.advance(1000);
    stop.abort(new Error("the Restore was deleted"));
    await assert.rejects(finished, /the Restore was deleted/);
    assert.equal(clock.pending, 0);
  });
});
