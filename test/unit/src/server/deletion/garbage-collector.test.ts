import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backupStorageLocations, backups } from "../../../../../src/api/resources.ts";
import type { ReconcileResult } from "../../../../../src/kube/controller.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { garbageCollector } from "../../../../../src/server/deletion/garbage-collector.ts";
import { DeletionRig, namespace } from "../../../../support/deletion-rig.ts";

const { signal } = new AbortController();
const hourMs = 3_600_000;
const expired = { expiration: "2024-04-30T23:59:59Z" };

class Rig extends DeletionRig {
  readonly #reconcile = garbageCollector(this.context);

  async reconcile(backup = "b"): Promise<ReconcileResult> {
    return (await this.#reconcile(`${namespace}/${backup}`, signal)) ?? {};
  }

  get failure(): string | undefined {
    return this.backup("b")?.metadata.labels?.["velero.io/gc-failure"];
  }
}

function expiredRig(status: object = {}): Rig {
  const rig = new Rig();
  rig.putBackup("b", { ...expired, ...status });
  return rig;
}

describe("garbageCollector", () => {
  it("asks for the deletion of what has expired, as Velero does, and only once", async () => {
    const rig = expiredRig();
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: hourMs });
    await rig.reconcile();
    assert.equal(rig.requests.length, 1);
    const [request] = rig.requests;
    assert.match(request?.metadata.name ?? "", /^b-/);
    assert.deepEqual(request?.metadata.labels, { "velero.io/backup-name": "b", "velero.io/backup-uid": "uid-b" });
    assert.deepEqual(request?.spec, { backupName: "b" });
  });

  it("leaves alone what has not expired, never expires, or goes on", async () => {
    const rig = new Rig();
    rig.putBackup("young", { expiration: "2024-05-01T00:20:00Z" });
    rig.putBackup("old", { expiration: "2024-06-01T00:00:00Z" });
    rig.putBackup("endless");
    rig.putBackup("busy", { ...expired, phase: "InProgress" });
    assert.deepEqual(await rig.reconcile("young"), { requeueAfterMs: 1_200_000 });
    assert.deepEqual(await rig.reconcile("old"), { requeueAfterMs: hourMs }, "not for long: the clock may be set");
    assert.deepEqual(await rig.reconcile("endless"), {});
    assert.deepEqual(await rig.reconcile("busy"), {});
    assert.deepEqual(await rig.reconcile("gone"), {});
    assert.deepEqual(rig.requests, []);
  });

  it("also asks for what was refused or has failed, and for a deletion that ended with errors", async () => {
    for (const status of [{ phase: "Failed" }, { phase: "FailedValidation" }, { phase: "Deleting" }]) {
      const rig = expiredRig(status);
      await rig.reconcile();
      assert.equal(rig.requests.length, 1, status.phase);
    }
  });

  it("asks again an hour after a deletion that ended with errors, not before", async () => {
    const rig = expiredRig({ phase: "Deleting" });
    rig.putRequest("failed", "b", { phase: "Processed", uid: "uid-b", madeMs: hourMs / 2 });
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: hourMs / 2 });
    assert.equal(rig.requests.length, 1);
    await rig.clock.advance(hourMs / 2);
    await rig.reconcile();
    assert.equal(rig.requests.length, 2);
  });

  it("is not kept from it by a request for an earlier Backup of the same name", async () => {
    const rig = expiredRig();
    rig.putRequest("earlier", "b", { uid: "uid-of-another" });
    await rig.reconcile();
    assert.equal(rig.requests.length, 2);
  });

  it("says in a label why it cannot, and takes the label away when it can", async () => {
    const rig = expiredRig();
    const cases: readonly (readonly [string, () => void])[] = [
      ["BSLReadOnly", () => rig.putLocation({ accessMode: "ReadOnly" })],
      ["BSLUnavailable", () => rig.putLocation({}, { phase: "Unavailable" })],
      ["BSLNotFound", () => rig.table.remove(backupStorageLocations, { namespace, name: "default" })],
    ];
    for (const [failure, change] of cases) {
      change();
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: hourMs });
      assert.equal(rig.failure, failure);
    }
    assert.deepEqual(rig.requests, []);
    const writes = rig.table.writes.length;
    await rig.reconcile();
    assert.equal(rig.table.writes.length, writes, "and does not write it again");
    rig.putLocation();
    await rig.reconcile();
    assert.deepEqual([rig.failure, rig.requests.length], [undefined, 1]);
  });

  it("says so when the API server does not give it the location", async () => {
    const rig = expiredRig();
    const { client } = rig.table;
    const find = async (resource: { plural: string }, address: { name: string }): Promise<unknown> => {
      if (resource.plural === "backupstoragelocations") throw new KubeError("forbidden", "no");
      return await client.find(backups, { namespace, ...address });
    };
    const context = { ...rig.context, client: { ...client, find } as unknown as typeof client };
    await garbageCollector(context)("velero/b", signal);
    assert.equal(rig.failure, "BSLCannotGet");
  });
});
