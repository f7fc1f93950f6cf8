import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import { deleteBackupRequests } from "../../../../../src/api/resources.ts";
import type { ReconcileResult } from "../../../../../src/kube/controller.ts";
import { KubeError } from "../../../../../src/kube/kube-errors.ts";
import { deletionReconciler } from "../../../../../src/server/deletion/request-reconciler.ts";
import { DeletionRig, namespace } from "../../../../support/deletion-rig.ts";

const { signal } = new AbortController();
const nothing = (): void => undefined;
const secondMs = 1000;
const hourMs = 3_600_000;

class Rig extends DeletionRig {
  #reconcile = deletionReconciler(this.context);

  restartServer(): void {
    this.#reconcile = deletionReconciler(this.context);
  }

  async reconcile(request = "r"): Promise<ReconcileResult> {
    return (await this.#reconcile(`velero/${request}`, signal)) ?? {};
  }

  errors(request = "r"): string {
    const { phase, errors } = this.request(request)?.status ?? {};
    return phase === "Processed" ? (errors ?? []).join("; ") : `not ended but ${phase ?? "New"}`;
  }

  number(name: string): Promise<string | undefined> {
    return this.metrics.text().then((text) => new RegExp(`^${name}{[a-z]+="[^"]*"} (.*)$`, "m").exec(text)?.[1]);
  }
}

/** A Backup with two volumes, one of them known to the bucket only, two Restores, and one request. */
function fullRig(settings?: { deletionLimit?: number }): Rig {
  const rig = new Rig(settings);
  rig.putBackup("b");
  rig.putVolumeBackup("b", "aaaaaaaa");
  rig.storedVolumes = [rig.volumeBackup("b", "aaaaaaaa"), rig.volumeBackup("b", "bbbbbbbb", "bank")];
  rig.putRestore("one", "b");
  rig.putRestore("other", "else");
  rig.putRequest("r", "b");
  return rig;
}

describe("a DeleteBackupRequest", () => {
  it("removes snapshots, files, Restores, volumes and the Backup, in this order, and itself", async () => {
    const rig = fullRig();
    await rig.reconcile();
    assert.deepEqual(rig.done, [
      "forget shop aaaaaaaa",
      "forget bank bbbbbbbb",
      "delete backups/b",
      "delete restores/one",
      "close",
    ]);
    assert.deepEqual(rig.objects, ["restores other"]);
    const deletes = rig.table.writes.filter((write) => write.startsWith("delete"));
    assert.deepEqual(deletes, [
      "delete restores velero/one",
      "delete podvolumebackups velero/b-aaaaaaaa",
      "delete backups velero/b",
      "delete deletebackuprequests velero/r",
    ]);
    assert.equal(await rig.number("velero_backup_deletion_success_total"), "1");
    assert.equal(await rig.number("velero_backup_deletion_attempt_total"), "1");
  });

  it("says that the Backup is being deleted before it removes anything", async () => {
    const rig = fullRig();
    rig.forget = () => {
      assert.equal(rig.backup("b")?.status?.phase, "Deleting");
      const { metadata, status } = rig.request("r") ?? {};
      assert.equal(status?.phase, "InProgress");
      assert.deepEqual(metadata?.labels, { "velero.io/backup-name": "b", "velero.io/backup-uid": "uid-b" });
      return [];
    };
    await rig.reconcile();
    assert.equal(rig.backup("b"), undefined);
  });

  it("keeps the Backup and its files when a snapshot could not be removed, and says why", async () => {
    const rig = fullRig();
    rig.forget = () => ["snapshot aaaaaaaa: the store said hunter2"];
    await rig.reconcile();
    assert.match(rig.errors(), /^repository of namespace shop: snapshot aaaaaaaa: the store said \*\*\*; /);
    assert.equal(rig.backup("b")?.status?.phase, "Deleting");
    assert.ok(rig.stored.has("b"));
    assert.equal(await rig.number("velero_backup_deletion_failure_total"), "1");
  });

  it("removes no snapshot at all where only Velero can remove one of them", async () => {
    const rig = fullRig();
    const kopia = rig.volumeBackup("b", "k123");
    rig.storedVolumes = [...rig.storedVolumes, { ...kopia, spec: { ...kopia.spec, uploaderType: "kopia" } }];
    await rig.reconcile();
    assert.match(rig.errors(), /was stored by kopia, which only Velero can delete/);
    assert.deepEqual(rig.done, ["close"]);
  });

  it("goes on where the last server stopped, wherever that was", async () => {
    const whole = fullRig();
    await whole.reconcile();
    const writes = whole.table.writes.length;
    for (let stop = 0; stop < writes; stop++) {
      const rig = fullRig();
      let left = stop;
      rig.table.beforeWrite = () => {
        if (left-- === 0) throw new KubeError("unavailable", "the server was killed here");
      };
      await assert.rejects(rig.reconcile(), { code: "unavailable" });
      rig.table.beforeWrite = nothing;
      rig.restartServer();
      await rig.reconcile();
      assert.deepEqual(rig.objects, ["restores other"], `killed at write ${stop}: ${whole.table.writes[stop]}`);
      assert.equal(rig.stored.size, 0);
    }
  });

  it("waits for a repository that somebody else uses, says so, and tries again", async () => {
    const rig = fullRig();
    let age = 10;
    rig.forget = () => {
      throw new RepositoryError("lock-held", `locked by PID 7 on node-1, ${age++} minutes old`);
    };
    // Soon at first, then at leisure.
    for (const seconds of [5, 5, 30]) {
      assert.deepEqual(await rig.reconcile(), { requeueAfterMs: seconds * secondMs });
      await rig.clock.advance(30 * secondMs);
    }
    assert.match(
      rig.request("r")?.metadata.annotations?.["stowage.dev/waiting-for"] ?? "",
      /locked by PID 7 on node-1/,
    );
    const told = rig.table.writes.filter((write) => write.startsWith("patch deletebackuprequests"));
    assert.equal(told.length, 2, "it is begun, and tells once what it waits for");
    rig.forget = () => [];
    await rig.reconcile();
    assert.equal(rig.backup("b"), undefined);
    assert.equal(await rig.number("velero_backup_deletion_attempt_total"), "1");
  });

  it("gives up after a day, with the reason", async () => {
    const rig = fullRig();
    rig.forget = () => {
      throw new RepositoryError("storage-unavailable", "the bucket is away");
    };
    await rig.reconcile();
    await rig.clock.advance(24 * hourMs);
    await rig.reconcile();
    assert.match(rig.errors(), /the bucket is away/);
    assert.equal(rig.request("r")?.metadata.annotations?.["stowage.dev/waiting-for"], undefined);
  });

  it("ends at once with what will never succeed", async () => {
    const rig = fullRig();
    rig.storeFailure = new RepositoryError("storage-denied", "access denied to hunter2");
    await rig.reconcile();
    assert.match(rig.errors(), /access denied to \*\*\*; check the credentials/);
  });

  it("is refused with the reason", async () => {
    const rig = new Rig();
    rig.putBackup("b", { phase: "InProgress" });
    rig.putRequest("r", "b");
    rig.putRequest("gone", "nothing");
    rig.putRequest("empty", "");
    rig.table.put(deleteBackupRequests, { metadata: { name: "bare", namespace } });
    for (const request of ["r", "gone", "empty", "bare"]) await rig.reconcile(request);
    assert.match(rig.errors(), /still in progress/);
    assert.match(rig.errors("gone"), /backup not found: there is no Backup nothing/);
    for (const request of ["empty", "bare"]) assert.match(rig.errors(request), /spec\.backupName is missing/);
    assert.equal(rig.backup("b")?.status?.phase, "InProgress");
    assert.equal(await rig.number("velero_backup_deletion_attempt_total"), undefined);
  });

  it("waits until its location was looked at for the first time", async () => {
    const rig = fullRig();
    rig.putLocation({}, {});
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: 500 });
    assert.equal(rig.request("r")?.status, undefined);
  });

  it("does nothing before the server knows all Restores and requests", async () => {
    const rig = fullRig();
    const reconcile = deletionReconciler({ ...rig.context, isReady: () => false });
    assert.deepEqual(await reconcile("velero/r", signal), { requeueAfterMs: 200 });
    assert.deepEqual(rig.table.writes, []);
  });
});

describe("a Backup that is not the one in the bucket", () => {
  it("leaves the other one alone when it failed because the name was taken", async () => {
    const rig = fullRig();
    rig.putBackup("b", { phase: "Failed", startTimestamp: "2024-04-30T12:00:00Z" });
    rig.stored.set("b", { ...rig.putBackup("x"), metadata: { name: "b", uid: "of-another-cluster" } });
    await rig.reconcile();
    assert.ok(rig.stored.has("b"));
    assert.deepEqual(rig.done, ["forget shop aaaaaaaa", "delete restores/one", "close"]);
    assert.equal(rig.backup("b"), undefined);
  });

  it("takes it along when it came from the bucket and so has another uid", async () => {
    const rig = fullRig();
    const backup = rig.backup("b");
    assert.ok(backup !== undefined);
    rig.stored.set("b", { ...backup, metadata: { name: "b", uid: "of-another-cluster" } });
    await rig.reconcile();
    assert.equal(rig.stored.has("b"), false);
    assert.ok(rig.done.includes("forget bank bbbbbbbb"));
  });

  it("needs no location at all when it was refused", async () => {
    const rig = fullRig();
    rig.putBackup("b", { phase: "FailedValidation", startTimestamp: undefined });
    rig.putLocation({}, { phase: "Unavailable" });
    rig.stored.set("b", rig.putBackup("other"));
    await rig.reconcile();
    assert.deepEqual(rig.done, []);
    assert.equal(rig.backup("b"), undefined);
    assert.ok(rig.stored.has("b"), "the name belongs to somebody else there");
  });
});

describe("several DeleteBackupRequests for one Backup", () => {
  it("are carried out once, by the oldest; the others are dropped", async () => {
    const rig = fullRig();
    rig.putRequest("r", "b", { madeMs: 1000 });
    rig.putRequest("s", "b", { madeMs: 2000 });
    await rig.reconcile("r");
    assert.equal(rig.request("r"), undefined);
    assert.deepEqual(rig.done, []);
    await rig.reconcile("s");
    assert.equal(rig.backup("b"), undefined);
  });

  it("are carried out by the one that was begun", async () => {
    const rig = fullRig();
    rig.putBackup("b", { phase: "Deleting" });
    rig.putRequest("r", "b", { madeMs: 1000, phase: "InProgress" });
    rig.putRequest("s", "b", { madeMs: 2000 });
    await rig.reconcile("s");
    assert.deepEqual([rig.request("s"), rig.done], [undefined, []]);
  });

  it("replace those that ended with errors before", async () => {
    const rig = fullRig();
    rig.putRequest("old", "b", { madeMs: 5000, phase: "Processed" });
    rig.forget = () => ["no"];
    await rig.reconcile();
    assert.deepEqual(
      rig.requests.map(({ metadata }) => metadata.name),
      ["r"],
    );
  });
});

describe("a request that has ended", () => {
  it("stays a day and goes then", async () => {
    const rig = new Rig();
    rig.putRequest("r", "b", { phase: "Processed", madeMs: 23 * hourMs });
    assert.deepEqual(await rig.reconcile(), { requeueAfterMs: hourMs });
    await rig.clock.advance(hourMs);
    await rig.reconcile();
    assert.equal(rig.request("r"), undefined);
  });
});

describe("too many deletions in an hour", () => {
  async function deleteMany(rig: Rig, from: number, to: number): Promise<number> {
    for (let number = from; number < to; number++) {
      rig.putBackup(`b${number}`);
      rig.putRequest(`r${number}`, `b${number}`);
      await rig.reconcile(`r${number}`);
    }
    return rig.requests.length;
  }

  const conditionOf = (rig: Rig): string => {
    const { status, reason } = rig.location.status?.conditions?.find(({ type }) => type === "DeletionsPaused") ?? {};
    return `${status} ${reason}`;
  };

  it("wait until somebody repeats the word that the location's condition names", async () => {
    const rig = new Rig({ deletionLimit: 3 });
    assert.equal(await deleteMany(rig, 0, 3), 0);
    assert.equal(conditionOf(rig), "undefined undefined");
    assert.equal(await deleteMany(rig, 3, 6), 3);
    assert.equal(conditionOf(rig), "True TooManyDeletions");
    const message = rig.location.status?.conditions?.[0]?.message ?? "";
    assert.match(message, /annotate --overwrite backupstoragelocation default stowage\.dev\/allow-deletions=word$/);
    assert.equal(rig.events.length, 1);
    assert.equal(rig.request("r4")?.metadata.annotations?.["stowage.dev/waiting-for"], message);
    assert.equal(rig.request("r4")?.status, undefined);
    assert.equal(rig.backup("b4")?.status?.phase, "Completed");
    assert.equal(await rig.number("stowage_deletions_paused"), "1");
    await rig.clock.advance(2 * hourMs);
    await rig.reconcile("r4");
    assert.ok(rig.backup("b4") !== undefined, "time alone is no agreement");
    const { metadata, spec } = rig.location;
    const annotations = { ...metadata.annotations, "stowage.dev/allow-deletions": "word" };
    rig.table.put(
      { plural: "backupstoragelocations" },
      { ...rig.location, metadata: { ...metadata, annotations }, spec },
    );
    for (const number of [3, 4, 5]) await rig.reconcile(`r${number}`);
    assert.deepEqual([rig.requests.length, conditionOf(rig)], [0, "False DeletionsUsual"]);
    assert.equal(await rig.number("stowage_deletions_paused"), "0");
  });

  it("do not hold up one that was begun before", async () => {
    const rig = new Rig({ deletionLimit: 1 });
    rig.putBackup("b");
    rig.putRequest("r", "b");
    rig.putVolumeBackup("b", "aaaaaaaa");
    rig.forget = () => {
      throw new RepositoryError("lock-held", "locked");
    };
    await rig.reconcile();
    assert.equal(await deleteMany(rig, 0, 1), 2);
    rig.forget = () => [];
    await rig.reconcile();
    assert.equal(rig.backup("b"), undefined);
  });

  it("do not count those that are refused", async () => {
    const rig = new Rig({ deletionLimit: 1 });
    rig.putBackup("busy", { phase: "InProgress" });
    for (let times = 0; times < 5; times++) {
      rig.putRequest(`busy-${times}`, "busy");
      await rig.reconcile(`busy-${times}`);
    }
    rig.putBackup("b");
    rig.putRequest("r", "b");
    await rig.reconcile();
    assert.equal(rig.backup("b"), undefined);
  });

  it("are counted one by one though several are asked for at the same time", async () => {
    const rig = new Rig({ deletionLimit: 1 });
    for (const name of ["x", "y"]) {
      rig.putBackup(name);
      rig.putRequest(`r-${name}`, name);
    }
    const results = await Promise.allSettled(["r-x", "r-y"].map((request) => rig.reconcile(request)));
    const conflicts = results.filter((one) => one.status === "rejected" && KubeError.is(one.reason, "conflict"));
    assert.equal(conflicts.length, 1);
    assert.equal(rig.requests.length, 1);
  });
});
