import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backups } from "../../../../../../src/api/resources.ts";
import { KubeError } from "../../../../../../src/kube/kube-errors.ts";
import { BackupRecord } from "../../../../../../src/server/backup/run/backup-record.ts";
import { RunLost } from "../../../../../../src/server/backup/run/run-lost.ts";
import { BackupRig } from "../../../../../support/backup-rig.ts";

const address = { namespace: "velero", name: "b" };
const mine = { "stowage.dev/claimed-by": "me/1" };

function begun(): { readonly rig: BackupRig; readonly record: BackupRecord } {
  const rig = new BackupRig();
  rig.putBackup({ phase: "InProgress" }, { metadata: { annotations: mine } });
  return { rig, record: new BackupRecord(rig.backup, rig.context) };
}

/** What somebody else does to the Backup meanwhile. */
function change(rig: BackupRig, parts: { readonly metadata?: object; readonly status?: object }): void {
  const { metadata, status, ...rest } = rig.backup;
  rig.table.put(backups, {
    ...rest,
    metadata: { ...metadata, ...parts.metadata },
    status: { ...status, ...parts.status },
  });
}

const lost = (why: RunLost["why"]) => (error: unknown) => error instanceof RunLost && error.why === why;

describe("BackupRecord", () => {
  it("writes over the changes of others, and keeps them", async () => {
    const { rig, record } = begun();
    change(rig, { metadata: { labels: { touched: "yes" } } });
    await record.patch({ status: { errors: 1 } });
    assert.deepEqual([rig.backup.metadata.labels, rig.backup.status?.errors], [{ touched: "yes" }, 1]);
    assert.equal(record.backup.metadata.labels?.touched, "yes");
  });

  it("writes one after the other, however many ask at once", async () => {
    const { rig, record } = begun();
    const annotate = (name: string) => record.patch({ metadata: { annotations: { [name]: "x" } } });
    await Promise.all([annotate("a"), annotate("b"), annotate("c")]);
    assert.deepEqual(Object.keys(rig.backup.metadata.annotations ?? {}).sort(), ["a", "b", "c", ...Object.keys(mine)]);
  });

  it("stops where the Backup is not this process's any more", async () => {
    const claims: [RunLost["why"], (rig: BackupRig) => void][] = [
      ["deleted", (rig) => rig.table.remove(backups, address)],
      ["deleted", (rig) => change(rig, { metadata: { uid: "of another one" } })],
      ["deleted", (rig) => change(rig, { metadata: { deletionTimestamp: "2024-05-01T00:00:00Z" } })],
      ["ended", (rig) => change(rig, { status: { phase: "Completed" } })],
      ["taken over", (rig) => change(rig, { metadata: { annotations: { "stowage.dev/claimed-by": "other/1" } } })],
    ];
    for (const [why, happen] of claims) {
      const { rig, record } = begun();
      happen(rig);
      await assert.rejects(record.patch({ status: { errors: 1 } }), lost(why), why);
    }
  });

  it("tells of outages, and can be used again", async () => {
    const { rig, record } = begun();
    rig.table.beforeWrite = () => {
      throw new KubeError("unavailable", "no answer");
    };
    await assert.rejects(record.patch({ status: { errors: 1 } }), { code: "unavailable" });
    rig.table.beforeWrite = () => undefined;
    await record.patch({ status: { errors: 2 } });
    assert.equal(rig.backup.status?.errors, 2);
  });

  it("writes progress at most once a second, the latest, and nothing where nothing moves", async () => {
    const { rig, record } = begun();
    const over = new AbortController();
    const kept = record.keepCurrent(over.signal);
    for (let itemsBackedUp = 1; itemsBackedUp <= 100; itemsBackedUp++) {
      record.progress({ totalItems: 100, itemsBackedUp });
      await rig.clock.advance(30);
    }
    await rig.clock.advance(1000);
    assert.deepEqual(rig.backup.status?.progress, { totalItems: 100, itemsBackedUp: 100 });
    assert.ok(rig.table.writes.length <= 4, `${rig.table.writes.length} writes in four seconds`);
    const before = rig.table.writes.length;
    await rig.clock.advance(20_000);
    assert.equal(rig.table.writes.length, before);
    over.abort();
    await kept;
  });

  it("renews the claim every minute, so that no other server takes the Backup over", async () => {
    const { rig, record } = begun();
    const over = new AbortController();
    const kept = record.keepCurrent(over.signal);
    const claims = new Set<string>();
    for (let minute = 0; minute < 5; minute++) {
      claims.add(rig.backup.metadata.annotations?.["stowage.dev/claimed-by"] ?? "");
      await rig.clock.advance(61_000);
    }
    assert.equal(claims.size, 5);
    over.abort();
    await kept;
  });

  it("notices while it waits that the Backup is lost", async () => {
    const { rig, record } = begun();
    const kept = record.keepCurrent(new AbortController().signal);
    const rejection = assert.rejects(kept, lost("deleted"));
    rig.table.remove(backups, address);
    await rig.clock.advance(61_000);
    await rejection;
  });

  it("remembers on the Backup which pods are between their hooks", async () => {
    const { rig, record } = begun();
    assert.equal(record.openHooks, undefined);
    await record.noteOpenHooks(["uid-1"]);
    assert.deepEqual(new BackupRecord(rig.backup, rig.context).openHooks, ["uid-1"]);
    await record.noteOpenHooks([]);
    assert.deepEqual(record.openHooks, []);
  });
});
