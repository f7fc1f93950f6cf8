import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod, Volume } from "../../../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import {
  type PodSnapshots,
  podSnapshots,
  VolumeBackupsByPod,
} from "../../../../../../src/server/restore/volumes/pod-snapshots.ts";

const emptyDir = (name: string): Volume => ({ name, emptyDir: {} });

function podIn(namespace: string, volumes: readonly Volume[], annotations: Record<string, string> = {}): Pod {
  return { metadata: { name: "web", namespace, annotations }, spec: { containers: [], volumes } };
}

function backupOf(volume: string, change: { spec?: object; status?: object } = {}): PodVolumeBackup {
  const spec = {
    node: "n",
    pod: { namespace: "old", name: "web" },
    volume,
    backupStorageLocation: "b",
    repoIdentifier: "",
  };
  return {
    metadata: { name: `${volume}-${JSON.stringify(change)}` },
    spec: { ...spec, ...change.spec } as PodVolumeBackup["spec"],
    status: { phase: "Completed", snapshotID: `id-${volume}`, ...change.status },
  };
}

function find(
  backups: readonly PodVolumeBackup[],
  volumes: readonly Volume[] = [emptyDir("data")],
  { annotations = {}, leavesOutClaims = false } = {},
): PodSnapshots {
  const original = podIn("old", volumes, annotations);
  return podSnapshots(podIn("new", volumes), original, {
    volumeBackups: new VolumeBackupsByPod(backups),
    leavesOutClaims,
  });
}

describe("podSnapshots()", () => {
  it("finds volumes by the name and the old namespace of the pod, in the order of their names", () => {
    const volumes = ["logs", "data", "none"].map(emptyDir);
    const sized = backupOf("data", { status: { progress: { totalBytes: 9 } } });
    const other = { pod: { namespace: "old", name: "other" } };
    const elsewhere = { pod: { namespace: "new", name: "web" } };
    const backups = [backupOf("logs"), sized, backupOf("none", { spec: other }), backupOf("none", { spec: elsewhere })];
    assert.deepEqual(find(backups, volumes), {
      snapshots: [
        { volume: "data", snapshotId: "id-data", sizeBytes: 9 },
        { volume: "logs", snapshotId: "id-logs" },
      ],
      warnings: [],
      errors: [],
    });
  });

  it("says nothing of a volume that was empty, and warns of one whose backup failed", () => {
    assert.deepEqual(find([backupOf("data", { status: { snapshotID: "" } })]).warnings, []);
    const { snapshots, warnings } = find([
      backupOf("data", { status: { phase: "Failed", snapshotID: "", message: "no space" } }),
    ]);
    assert.deepEqual(snapshots, []);
    assert.deepEqual(warnings, [
      "volume data of pod new/web comes back without its data: its backup is Failed (no space)",
    ]);
  });

  it("takes the newest of several that have a snapshot", () => {
    const at = (startTimestamp: string, snapshotID: string): PodVolumeBackup =>
      backupOf("data", { status: { startTimestamp, snapshotID } });
    const backups = [
      at("2024-01-02T00:00:00Z", "second"),
      at("2024-01-01T00:00:00Z", "first"),
      at("2024-01-03T00:00:00Z", ""),
    ];
    assert.equal(find(backups).snapshots[0]?.snapshotId, "second");
  });

  it("counts what another uploader has stored as an error; an empty uploader is restic", () => {
    const { snapshots, errors } = find([backupOf("data", { spec: { uploaderType: "kopia" } })]);
    assert.deepEqual(snapshots, []);
    assert.match(errors.join(), /volume data .*uploader kopia/);
    assert.equal(find([backupOf("data", { spec: { uploaderType: "" } })]).snapshots.length, 1);
  });

  it("warns of a volume that the restored pod has not", () => {
    const { snapshots, warnings } = find([backupOf("gone")]);
    assert.deepEqual(snapshots, []);
    assert.match(warnings.join(), /volume gone .*no such volume/);
  });

  it("leaves alone what the kubelet makes out of the API", () => {
    for (const source of [{ projected: {} }, { downwardAPI: {} }])
      assert.deepEqual(find([backupOf("data")], [{ name: "data", ...source }]).snapshots, []);
  });

  it("leaves claims as they are when the Restore leaves claims out, but not what lives in the pod", () => {
    const volumes = [
      { name: "claimed", persistentVolumeClaim: { claimName: "c" } },
      { name: "generated", ephemeral: {} },
      emptyDir("data"),
    ];
    const backups = volumes.map(({ name }) => backupOf(name));
    const { snapshots, warnings } = find(backups, volumes, { leavesOutClaims: true });
    assert.deepEqual(
      snapshots.map(({ volume }) => volume),
      ["data"],
    );
    assert.equal(warnings.length, 2);
    assert.equal(find(backups, volumes).snapshots.length, 3);
  });

  it("reads the annotations of old Veleros where there is nothing else", () => {
    const annotations = {
      "snapshot.velero.io/data": "legacy",
      "snapshot.velero.io/gone": "x",
      "snapshot.velero.io/logs": "",
    };
    const volumes = ["data", "logs"].map(emptyDir);
    assert.deepEqual(find([], volumes, { annotations }).snapshots, [{ volume: "data", snapshotId: "legacy" }]);
    const both = find([backupOf("logs")], volumes, { annotations });
    assert.deepEqual(both.snapshots, [{ volume: "logs", snapshotId: "id-logs" }]);
  });
});
