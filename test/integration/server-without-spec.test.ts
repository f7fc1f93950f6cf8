// Objects without a spec: the CRDs let them in. Each is answered, and none stops the server for the others.
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { DeleteBackupRequest } from "../../src/api/requests.ts";
import type { Restore } from "../../src/api/restore.ts";
import type { Schedule } from "../../src/api/schedule.ts";
import { type ServerRig, startServerRig, type VeleroPlural } from "../support/server-rig.ts";

let rig: ServerRig;

const kinds: readonly (readonly [VeleroPlural, string])[] = [
  ["backupstoragelocations", "BackupStorageLocation"],
  ["backuprepositories", "BackupRepository"],
  ["podvolumebackups", "PodVolumeBackup"],
  ["podvolumerestores", "PodVolumeRestore"],
  ["backups", "Backup"],
  ["restores", "Restore"],
  ["schedules", "Schedule"],
  ["deletebackuprequests", "DeleteBackupRequest"],
  ["downloadrequests", "DownloadRequest"],
];

before(async () => {
  rig = await startServerRig();
  for (const [plural, kind] of kinds) await rig.make(plural, { kind, metadata: { name: "bare" } });
  await rig.makeLocation("default", { default: true });
  await rig.startServer();
});

after(() => rig.stop());

it("a storage location is Unavailable, with what is missing", async () => {
  const { status } = await rig.when<BackupStorageLocation>(
    "backupstoragelocations",
    "bare",
    ({ status: found }) => found?.phase !== undefined,
  );
  assert.equal(status?.phase, "Unavailable");
  assert.match(status?.message ?? "", /objectStorage\.bucket is empty/);
});

it("a Backup takes everything, as with an empty spec", async () => {
  assert.equal((await rig.backupEnd("bare")).status?.phase, "Completed");
});

it("a Restore and a Schedule are refused with the reason", async () => {
  const refused = ({ status }: Restore | Schedule): boolean => status?.phase === "FailedValidation";
  const restore = await rig.when<Restore>("restores", "bare", refused);
  assert.match(restore.status?.validationErrors?.join() ?? "", /backup/i);
  const schedule = await rig.when<Schedule>("schedules", "bare", refused);
  assert.match(schedule.status?.validationErrors?.join() ?? "", /schedule/i);
});

it("a request to delete nothing is answered", async () => {
  const processed = ({ status }: DeleteBackupRequest): boolean => status?.phase === "Processed";
  const { status } = await rig.when<DeleteBackupRequest>("deletebackuprequests", "bare", processed);
  assert.notDeepEqual(status?.errors ?? [], []);
});

it("the server goes on for the others", async () => {
  await rig.makeBackup("after", { spec: { includedNamespaces: ["default"] } });
  assert.equal(
    (await rig.backupEnd("after")).status?.phase,
    "Completed" satisfies NonNullable<Backup["status"]>["phase"],
  );
});
