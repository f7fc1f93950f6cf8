import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { RepositoryError } from "../../../../../../repo-format/errors.ts";
import { InMemoryStorage } from "../../../../../../repo-format/storage/in-memory.ts";
import type { Backup } from "../../../../../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import { backupStorageLocations, backups, namespaces, podVolumeBackups } from "../../../../../../src/api/resources.ts";
import type { BackupContext } from "../../../../../../src/server/backup/backup-context.ts";
import { runBackup } from "../../../../../../src/server/backup/run/run-backup.ts";
import { locationStoreOpener } from "../../../../../../src/server/location-store/open-location-store.ts";
import { BackupRig } from "../../../../../support/backup-rig.ts";
import { FaultyStorage } from "../../../../../support/faulty-storage.ts";
import { temporaryDirectory } from "../../../../../support/temporary-directory.ts";

/** A cluster that serves no kinds: what is left is the way from beginning to end. */
class Run {
  readonly rig = new BackupRig();
  readonly objects = new FaultyStorage(new InMemoryStorage());
  readonly scratch: string;
  readonly context: BackupContext;
  releases = 0;

  constructor(t: TestContext, attempts = "1") {
    this.scratch = temporaryDirectory(t, "run");
    const openObjects = async () => ({ storage: this.objects, prefix: "" });
    this.context = {
      ...this.rig.context,
      settings: { ...this.rig.context.settings, scratchDirectory: this.scratch },
      openLocationStore: locationStoreOpener({ openObjects }),
    };
    this.rig.table.put(namespaces, { metadata: { name: "app" } });
    const annotations = { "stowage.dev/claimed-by": "me/1", "stowage.dev/attempts": attempts };
    const status = { phase: "InProgress", startTimestamp: "2024-05-01T00:00:00Z" } as const;
    this.rig.putBackup(status, { spec: { storageLocation: "default" }, metadata: { annotations } });
  }

  async carryOut(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const location = this.rig.table.must<never>(backupStorageLocations, { namespace: "velero", name: "default" });
    const releaseSlot = () => void this.releases++;
    await runBackup({ backup: this.rig.backup, location, releaseSlot }, this.context, signal);
  }

  putVolume(): void {
    const labels = { "velero.io/backup-uid": "b-uid" };
    const spec = { node: "n1", volume: "data", pod: { namespace: "app", name: "web", uid: "u" } };
    this.rig.table.put(podVolumeBackups, { metadata: { name: "v", namespace: "velero", labels }, spec });
  }

  get volume(): PodVolumeBackup {
    return this.rig.table.must(podVolumeBackups, { namespace: "velero", name: "v" });
  }

  failPuts(error: Error): void {
    this.objects.plan = ({ method }) => {
      if (method === "put") throw error;
      return undefined;
    };
  }

  async stored(): Promise<Backup | undefined> {
    const keys = (await Array.fromAsync(this.objects.beneath.list("backups/"))).map(({ key }) => key);
    if (!keys.includes("backups/b/velero-backup.json")) return undefined;
    return JSON.parse((await this.objects.beneath.get("backups/b/velero-backup.json")).toString()) as Backup;
  }
}

describe("runBackup", () => {
  it("stores the end before it writes it, and leaves nothing behind on the disk", async (t) => {
    const run = new Run(t);
    const phases: (string | undefined)[] = [];
    run.rig.table.beforeWrite = () => void phases.push(run.rig.backup.status?.phase);
    await run.carryOut();
    const { status, metadata } = run.rig.backup;
    assert.deepEqual([status?.phase, status?.errors], ["Completed", 0]);
    assert.deepEqual((await run.stored())?.status, status);
    assert.equal(phases.at(-1), "Finalizing");
    assert.equal(metadata.annotations?.["stowage.dev/claimed-by"], undefined);
    assert.deepEqual(run.rig.events, ["Normal BackupCompleted"]);
    assert.deepEqual(readdirSync(run.scratch), []);
    assert.equal(run.releases > 0, true);
  });

  it("ends PartiallyFailed with the first reasons when something is missing", async (t) => {
    const run = new Run(t);
    const names = Array.from({ length: 7 }, (_, index) => `gone-${index}`);
    const { metadata, status } = run.rig.backup;
    run.rig.putBackup(status, { metadata, spec: { storageLocation: "default", includedNamespaces: names } });
    await run.carryOut();
    const ended = run.rig.backup.status;
    assert.deepEqual([ended?.phase, ended?.errors], ["PartiallyFailed", 7]);
    assert.match(ended?.failureReason ?? "", /^namespace gone-0 does not exist; .*gone-4 does not exist; and 2 more$/);
    assert.deepEqual(
      ended?.conditions?.map(({ type, status: value, reason }) => [type, value, reason]),
      [["Succeeded", "False", "PartiallyFailed"]],
    );
  });

  it("does not touch what another Backup of its name has stored", async (t) => {
    const run = new Run(t);
    const other = { kind: "Backup", metadata: { name: "b", uid: "another" }, spec: {}, status: { phase: "Completed" } };
    await run.objects.beneath.put("backups/b/velero-backup.json", Buffer.from(JSON.stringify(other)));
    run.putVolume();
    await run.carryOut();
    assert.equal(run.rig.backup.status?.phase, "Failed");
    assert.match(run.rig.backup.status?.failureReason ?? "", /already stored .*give the Backup another name/);
    assert.deepEqual(await run.stored(), other);
    assert.equal(run.volume.status?.phase, "Failed", "nobody waits for its volumes");
    assert.deepEqual(
      run.objects.calls.filter(({ method }) => method === "put"),
      [],
    );
  });

  it("ends Failed what can never be stored, and stops its volumes", async (t) => {
    const run = new Run(t);
    run.failPuts(new RepositoryError("storage-denied", "not yours"));
    await run.carryOut();
    assert.equal(run.rig.backup.status?.phase, "Failed");
    assert.match(run.rig.backup.status?.failureReason ?? "", /cannot be stored: not yours/);
    assert.deepEqual(run.rig.events, ["Warning BackupFailed"]);
    assert.deepEqual(readdirSync(run.scratch), []);
  });

  it("leaves what may pass to another try, and ends Failed when there were too many", async (t) => {
    const passing = new RepositoryError("storage-unavailable", "no answer");
    for (const [attempts, phase] of [
      ["1", "InProgress"],
      ["20", "Failed"],
    ] as const) {
      const run = new Run(t, attempts);
      run.objects.plan = () => {
        throw passing;
      };
      const carried = run.carryOut();
      if (phase === "InProgress") await assert.rejects(carried, { code: "storage-unavailable" });
      else await carried;
      assert.equal(run.rig.backup.status?.phase, phase);
    }
  });

  it("stops quietly when the Backup is deleted, and its volumes with it", async (t) => {
    const run = new Run(t);
    run.putVolume();
    const carried = run.carryOut();
    const { backup } = run.rig;
    run.context.runs.backupChanged({ type: "deleted", object: backup });
    run.rig.table.remove(backups, { namespace: "velero", name: "b" });
    await carried;
    assert.deepEqual([run.volume.status?.phase, run.volume.status?.message], ["Failed", "its Backup was deleted"]);
    assert.deepEqual([await run.stored(), run.rig.events], [undefined, []]);
  });

  it("writes nothing when the process ends", async (t) => {
    const run = new Run(t);
    run.putVolume();
    const shutdown = new AbortController();
    const carried = run.carryOut(shutdown.signal);
    shutdown.abort(new Error("SIGTERM"));
    await assert.rejects(carried, /SIGTERM/);
    assert.deepEqual([run.rig.table.writes, run.volume.status], [[], undefined]);
    assert.deepEqual(readdirSync(run.scratch), []);
  });
});
