// Restores on the real control plane: from a Backup's files to objects, volumes and what is written about them. The test
// plays the scheduler, the provisioner and the agents.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { Restore } from "../../src/api/restore.ts";
import { RestoreRig, savedPod } from "../support/restore-rig.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let restores: RestoreRig;

before(async () => {
  rig = await startServerRig();
  restores = new RestoreRig(rig);
  await rig.makeLocation("default", { default: true });
  await rig.makeAgentPod("node-1");
  await rig.startServer("--resource-timeout", "5s", "--restore-helper-image", "registry.example/stowage:1");
});

after(() => rig.stop());

const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

describe("a Restore of a Backup with one volume", () => {
  it("brings the pod back behind restore-wait, asks an agent for its volume, and ends Completed when that is done", async () => {
    const pod = savedPod("shop", "web", { spec: { initContainers: [{ name: "own", image: "none" }] } });
    await restores.storeBackup("nightly-1", {
      objects: { namespaces: [namespace("shop")], pods: [pod] },
      volumes: { "shop/web/data": "01234567" },
      labels: { "velero.io/schedule-name": "nightly" },
    });
    const uploaderConfig = { writeSparseFiles: true, parallelFilesDownload: 3 };
    const restore = await restores.makeRestore("first", { spec: { backupName: "nightly-1", uploaderConfig } });
    const made = await restores.pod("shop", "web");
    const [wait, own, ...others] = made.spec?.initContainers ?? [];
    assert.deepEqual([own?.name, others], ["own", []]);
    assert.deepEqual(
      [wait?.name, wait?.image, wait?.command, wait?.args],
      ["restore-wait", "registry.example/stowage:1", ["/velero-restore-helper"], [restore.metadata.uid]],
    );
    assert.deepEqual(wait?.volumeMounts, [{ name: "data", mountPath: "/restores/data" }]);
    assert.equal(made.spec?.nodeName, undefined);
    const [volume] = await restores.volumeRestores("first", 1);
    const repository = await rig.get<BackupRepository>("backuprepositories", "shop-default-restic");
    assert.deepEqual(volume?.spec, {
      pod: { kind: "Pod", namespace: "shop", name: "web", uid: made.metadata.uid },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: repository.spec.resticIdentifier,
      snapshotID: "01234567",
      snapshotSize: 7,
      sourceNamespace: "shop",
      uploaderType: "restic",
      uploaderSettings: { WriteSparseFiles: "true", ParallelFilesDownload: "3" },
    });
    assert.deepEqual(volume?.metadata.labels, {
      "velero.io/restore-name": "first",
      "velero.io/restore-uid": restore.metadata.uid,
      "velero.io/pod-uid": made.metadata.uid,
    });
    assert.deepEqual(volume?.metadata.ownerReferences, [
      { apiVersion: "velero.io/v1", kind: "Restore", name: "first", uid: restore.metadata.uid, controller: true },
    ]);
    await restores.bind(made, "node-1");
    const waiting = await rig.get<Restore>("restores", "first");
    assert.equal(waiting.status?.phase, "InProgress");
    assert.deepEqual(waiting.metadata.finalizers, ["restores.velero.io/external-resources-finalizer"]);
    if (volume !== undefined) await restores.settle(volume);
    const { status } = await restores.restoreEnd("first");
    assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["Completed", 0, 0]);
    assert.deepEqual(
      status?.conditions?.map((condition) => [condition.type, condition.status, condition.reason]),
      [
        ["Accepted", "True", "Valid"],
        ["Succeeded", "True", "Completed"],
      ],
    );
    assert.ok(Date.parse(status?.completionTimestamp ?? "") >= Date.parse(status?.startTimestamp ?? ""));
  });

  it("leaves log, results, resource list and what became of its volume in the location", () => {
    assert.match(restores.readFile("first", "restore-first-logs.gz"), /msg="a volume is restored".*volume=data/);
    assert.deepEqual(restores.results("first"), { warnings: {}, errors: {} });
    const list = JSON.parse(restores.readFile("first", "restore-first-resource-list.json.gz"));
    assert.deepEqual(list["v1/Pod"], ["shop/web(created)"]);
    assert.deepEqual(JSON.parse(restores.readFile("first", "restore-first-itemoperations.json.gz")), []);
    assert.deepEqual(JSON.parse(restores.readFile("first", "first-volumeinfo.json.gz")), [
      {
        restoreMethod: "PodVolumeRestore",
        snapshotDataMoved: false,
        pvrInfo: {
          snapshotHandle: "01234567",
          size: 7,
          uploaderType: "restic",
          volumeName: "data",
          podName: "web",
          podNamespace: "shop",
        },
      },
    ]);
  });
});
