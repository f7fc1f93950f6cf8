import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { PersistentVolume } from "../../../../../../src/api/core.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../../../../../src/api/resources.ts";
import type { RestoreContext } from "../../../../../../src/server/restore/restore-context.ts";
import {
  type ClaimToFinish,
  patchPersistentVolumes,
} from "../../../../../../src/server/restore/volumes/patch-persistent-volumes.ts";
import { FakeClock } from "../../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../../support/object-table.ts";
import { type RecordedRunLog, recordedRunLog } from "../../../../../support/recorded-run-log.ts";

const storageClasses = { plural: "storageclasses" };
const minute = 60_000;

let table: ObjectTable;
let clock: FakeClock;
let log: RecordedRunLog;

beforeEach(() => {
  table = new ObjectTable();
  clock = new FakeClock();
  log = recordedRunLog();
});

function putClaim(name: string, change: { annotations?: object; spec?: object; phase?: string } = {}): void {
  const { annotations = {}, spec = {}, phase = "Bound" } = change;
  table.put(persistentVolumeClaims, {
    metadata: { namespace: "app", name, annotations },
    spec: { volumeName: `pv-${name}`, ...spec },
    status: { phase },
  });
}

function putVolume(name: string, change: { labels?: object; spec?: object } = {}): void {
  table.put(persistentVolumes, {
    metadata: { name: `pv-${name}`, labels: { own: "label", ...change.labels } },
    spec: { claimRef: { namespace: "app", name }, persistentVolumeReclaimPolicy: "Delete", ...change.spec },
  });
}

const wish = (name: string, change: Partial<ClaimToFinish> = {}): ClaimToFinish => ({
  namespace: "app",
  name,
  reclaimPolicy: "Retain",
  labels: { tier: "gold" },
  ...change,
});

async function patch(...claims: ClaimToFinish[]): Promise<void> {
  const context = {
    client: table.client,
    clock,
    settings: { resourceTimeoutMs: 10 * minute },
  } as unknown as RestoreContext;
  const done = patchPersistentVolumes(claims, { context, log, signal: new AbortController().signal });
  await clock.advance(15 * minute);
  await done;
}

const volume = (name: string): PersistentVolume =>
  table.must<PersistentVolume>(persistentVolumes, { name: `pv-${name}` });

describe("patchPersistentVolumes()", () => {
  it("gives reclaim policy and labels to the new volume, which keeps its own labels", async () => {
    putClaim("data");
    putVolume("data");
    await patch(wish("data"));
    assert.equal(volume("data").spec?.persistentVolumeReclaimPolicy, "Retain");
    assert.deepEqual(volume("data").metadata.labels, { own: "label", tier: "gold" });
    assert.deepEqual(log.errors, []);
  });

  it("writes nothing where there is nothing to change", async () => {
    putClaim("data");
    putVolume("data", { labels: { tier: "gold" }, spec: { persistentVolumeReclaimPolicy: "Retain" } });
    await patch(wish("data"), wish("unknown", { reclaimPolicy: "", labels: {} }));
    assert.deepEqual(table.writes, []);
  });

  it("waits until a claim is bound", async () => {
    putClaim("data", { phase: "Pending", spec: { volumeName: undefined } });
    clock.after(minute, () => {
      putClaim("data");
      putVolume("data");
    });
    await patch(wish("data"));
    assert.equal(volume("data").spec?.persistentVolumeReclaimPolicy, "Retain");
    assert.deepEqual(log.errors, []);
  });

  it("counts a claim that is never bound, once, and does not let the others wait for it", async () => {
    putClaim("lost", { phase: "Pending" });
    putClaim("data");
    putVolume("data");
    await patch(wish("lost"), wish("data"));
    assert.equal(volume("data").spec?.persistentVolumeReclaimPolicy, "Retain");
    assert.equal(log.errors.length, 1);
    assert.match(log.errors[0] ?? "", /^namespace app: claim app\/lost was not bound to a volume within 10m0s/);
  });

  it("does not wait for a claim that itself waits for its first pod, unless the scheduler has chosen a node", async () => {
    table.put(storageClasses, { metadata: { name: "late" }, volumeBindingMode: "WaitForFirstConsumer" });
    const spec = { storageClassName: "late", volumeName: undefined };
    putClaim("idle", { phase: "Pending", spec });
    await patch(wish("idle"));
    assert.deepEqual(log.errors, []);
    putClaim("busy", { phase: "Pending", spec, annotations: { "volume.kubernetes.io/selected-node": "n1" } });
    await patch(wish("busy"));
    assert.equal(log.errors.length, 1);
  });

  it("leaves a volume of somebody else's claim alone", async () => {
    putClaim("data");
    putVolume("data", { spec: { claimRef: { namespace: "other", name: "data" } } });
    await patch(wish("data"));
    assert.deepEqual(table.writes, []);
    assert.match(log.errors.join(), /PersistentVolume pv-data belongs to claim other\/data/);
  });

  it("has nothing to do for a claim that was deleted", async () => {
    await patch(wish("gone"));
    assert.deepEqual(log.errors, []);
  });
});
