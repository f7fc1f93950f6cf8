// The server on Velero's own resource definitions, as they are found where Velero was installed before: they prune fields
// and refuse values that ours know.
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { goModuleDir } from "../support/peers.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

/** Of 1.14 neither `cancel` nor a list of maintenance runs, of 1.16 the list, of 1.18 both. */
const versions = [
  { version: "v1.14.0", knowsCancel: false, knowsMaintenance: false },
  { version: "v1.16.2", knowsCancel: false, knowsMaintenance: true },
  { version: "v1.18.3", knowsCancel: true, knowsMaintenance: true },
];

async function completesABackup(rig: ServerRig): Promise<void> {
  await rig.makePod({ name: "web" });
  await rig.makeBackup("plain", { spec: { includedNamespaces: ["app"] } });
  await rig.backupPlanned("plain");
  assert.deepEqual(await rig.volumesOf("plain"), ["web/data"]);
  await rig.settle("plain");
  const { status, spec } = await rig.backupEnd("plain");
  assert.deepEqual([status?.phase, status?.errors, spec.defaultVolumesToFsBackup], ["Completed", 0, true]);
}

async function refusesABackup(rig: ServerRig): Promise<void> {
  await rig.makeBackup("selective", { spec: { storageLocation: "absent" } });
  const { status } = await rig.backupEnd("selective");
  assert.deepEqual([status?.phase, status?.validationErrors?.length], ["FailedValidation", 1]);
}

async function endsALateBackup(rig: ServerRig, knowsCancel: boolean): Promise<void> {
  const annotations = { "velero.io/pod-volume-timeout": "8s" };
  await rig.makeBackup("late", { spec: { includedNamespaces: ["app"] }, annotations });
  await rig.backupPlanned("late");
  const [one] = await rig.volumeBackups("late");
  const name = one?.metadata.name ?? "";
  const claim = {
    metadata: { annotations: { "stowage.dev/claimed-by": "node-1/x" } },
    status: { phase: "InProgress" },
  };
  await rig.patch("podvolumebackups", name, claim);
  if (knowsCancel) {
    await rig.when<PodVolumeBackup>("podvolumebackups", name, ({ spec }) => spec.cancel === true);
    await rig.patch("podvolumebackups", name, { status: { phase: "Failed", message: "canceled" } });
  }
  const { status } = await rig.backupEnd("late");
  assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
  assert.match(status?.failureReason ?? "", /not finished within 8s/);
  const ended = await rig.get<PodVolumeBackup>("podvolumebackups", name);
  assert.equal(ended.status?.phase, "Failed");
  if (!knowsCancel) assert.equal(ended.metadata.annotations?.["stowage.dev/claimed-by"], undefined);
}

async function maintains(rig: ServerRig, knowsMaintenance: boolean): Promise<void> {
  const lastMaintenanceTime = "2026-01-01T00:00:00Z";
  await rig.patch("backuprepositories", "app-default-restic", { status: { lastMaintenanceTime } });
  const { status, metadata } = await rig.when<BackupRepository>(
    "backuprepositories",
    "app-default-restic",
    (repository) => repository.status?.lastMaintenanceTime !== "2026-01-01T00:00:00Z",
  );
  const kept = metadata.annotations?.["stowage.dev/recent-maintenance"];
  if (knowsMaintenance) assert.equal(status?.recentMaintenance?.[0]?.result, "Succeeded");
  else assert.match(kept ?? "", /"result":"Succeeded"/);
  assert.equal(kept === undefined, knowsMaintenance);
}

for (const { version, knowsCancel, knowsMaintenance } of versions) {
  describe(`the server on the resource definitions of Velero ${version}`, () => {
    it("completes, refuses and ends Backups, and prunes", async (t) => {
      const module = goModuleDir("github.com/vmware-tanzu/velero", version);
      const rig = await startServerRig(join(module, "config", "crd", "v1", "bases"));
      t.after(() => rig.stop());
      await rig.makeLocation("default");
      await rig.makeAgentPod("node-1");
      await rig.startServer("--default-volumes-to-fs");
      await completesABackup(rig);
      await refusesABackup(rig);
      await endsALateBackup(rig, knowsCancel);
      await maintains(rig, knowsMaintenance);
    });
  });
}
