import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodVolumeBackup } from "../../../../../src/api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../../../../src/api/resources.ts";
import { stopVolumes } from "../../../../../src/server/volume-work/stop-volumes.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

type Phase = NonNullable<PodVolumeBackup["status"]>["phase"];

const namespace = "velero";

function tableWith(phase: Phase | undefined, cancel?: boolean): ObjectTable {
  const table = new ObjectTable();
  table.put(podVolumeBackups, {
    metadata: { name: "v", namespace, annotations: { "stowage.dev/claimed-by": "n1/1" } },
    spec: { node: "n1", ...(cancel === undefined ? {} : { cancel }) },
    ...(phase === undefined ? {} : { status: { phase } }),
  });
  return table;
}

async function stop(table: ObjectTable, isPatienceOver = false): Promise<PodVolumeBackup> {
  const items = table.list<PodVolumeBackup>(podVolumeBackups);
  const client = table.client;
  await stopVolumes(podVolumeBackups, items, {
    client,
    namespace,
    clock: new FakeClock(),
    reason: "too late",
    isPatienceOver,
  });
  return table.must<PodVolumeBackup>(podVolumeBackups, { namespace, name: "v" });
}

describe("stopVolumes", () => {
  it("ends what nobody works on, with the reason", async () => {
    for (const phase of [undefined, "", "New"] as const) {
      const { status, metadata, spec } = await stop(tableWith(phase));
      assert.deepEqual([status?.phase, status?.message], ["Failed", "too late"]);
      assert.equal(status?.completionTimestamp, "2024-05-01T00:00:00Z");
      assert.deepEqual([metadata.annotations, spec.cancel], [{}, undefined]);
    }
  });

  it("asks the agent to stop what it works on, and leaves the end to it", async () => {
    const { status, spec } = await stop(tableWith("InProgress"));
    assert.deepEqual([status?.phase, spec.cancel], ["InProgress", true]);
  });

  it("ends it when the agent did not stop in time, and takes its claim away", async () => {
    assert.equal((await stop(tableWith("InProgress", true))).status?.phase, "InProgress");
    const { status, metadata } = await stop(tableWith("InProgress", true), true);
    assert.deepEqual([status?.phase, metadata.annotations], ["Failed", {}]);
    assert.match(status?.message ?? "", /too late; the agent of node n1 did not stop/);
  });

  it("ends it at once where the installed CRD drops the wish to cancel", async () => {
    const table = tableWith("InProgress");
    const { mergePatch, ...rest } = table.client as unknown as { mergePatch: (...args: unknown[]) => Promise<unknown> };
    const pruning = async (resource: unknown, address: unknown, patch: { spec?: unknown }): Promise<unknown> =>
      await mergePatch(resource, address, { ...patch, spec: undefined });
    Object.defineProperty(table, "client", { value: { ...rest, mergePatch: pruning } });
    assert.equal((await stop(table)).status?.phase, "Failed");
  });

  it("touches nothing that has ended", async () => {
    for (const phase of ["Completed", "Failed", "Canceled"] as const) {
      const table = tableWith(phase);
      await stop(table, true);
      assert.deepEqual(table.writes, []);
    }
  });

  it("goes on when one was deleted or changed meanwhile", async () => {
    const table = tableWith("New");
    const stale = table.list<PodVolumeBackup>(podVolumeBackups);
    table.put(podVolumeBackups, { ...stale[0], status: { phase: "Completed" } });
    const gone = { ...stale[0], metadata: { name: "gone", namespace } } as PodVolumeBackup;
    const options = { client: table.client, namespace, clock: new FakeClock(), reason: "late", isPatienceOver: true };
    await stopVolumes(podVolumeBackups, [gone, ...stale], options);
    const [kept] = table.list<PodVolumeBackup>(podVolumeBackups);
    assert.equal(kept?.status?.phase, "Completed");
  });
});
