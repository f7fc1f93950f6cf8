// Restores on the real control plane: from a Backup's files to objects, volumes and what is written about them. The test
// plays the scheduler, the provisioner and the agents.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { PersistentVolume, Pod } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { Restore } from "../../src/api/restore.ts";
import { type PlayedKubelet, playKubelet } from "../support/played-kubelet.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { RestoreRig, type RestoreWish, savedPod } from "../support/restore-rig.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

let rig: ServerRig;
let restores: RestoreRig;
let server: RunningProcess;
let kubelet: PlayedKubelet;

before(async () => {
  rig = await startServerRig();
  restores = new RestoreRig(rig);
  await rig.makeLocation("default", { default: true });
  await rig.makeAgentPod("node-1");
  kubelet = await playKubelet(rig.controlPlane, "node-1", { run: () => 0 });
  server = await rig.startServer("--resource-timeout", "5s", "--restore-helper-image", "registry.example/stowage:1");
});

after(async () => {
  await kubelet?.stop();
  await rig?.stop();
});

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

describe("a Restore into another namespace", () => {
  it("takes the data of the old namespace's repository, also when only the location knows the volumes", async () => {
    await restores.storeBackup("mapped", {
      objects: { namespaces: [namespace("from")], pods: [savedPod("from", "web")] },
      volumes: { "from/web/data": "11111111" },
    });
    await rig.delete("podvolumebackups", "mapped-from-web-data");
    await restores.makeRestore("mapped", { spec: { backupName: "mapped", namespaceMapping: { from: "to" } } });
    const pod = await restores.pod("to", "web");
    const [volume] = await restores.volumeRestores("mapped", 1);
    assert.deepEqual(
      [volume?.spec.pod.namespace, volume?.spec.pod.uid, volume?.spec.sourceNamespace, volume?.spec.snapshotID],
      ["to", pod.metadata.uid, "from", "11111111"],
    );
    assert.match(volume?.spec.repoIdentifier ?? "", /restic\/from$/);
    await restores.bind(pod, "node-1");
    if (volume !== undefined) await restores.settle(volume);
    assert.equal((await restores.restoreEnd("mapped")).status?.phase, "Completed");
    assert.equal((await rig.controlPlane.call("GET", "/api/v1/namespaces/from")).status, 404);
  });
});

describe("a Restore of a schedule", () => {
  it("takes the newest Backup that is Completed", async () => {
    const at = (day: number): string => `2026-01-0${day}T00:00:00Z`;
    const labels = { "velero.io/schedule-name": "weekly" };
    for (const [name, phase, day] of [
      ["weekly-1", "Completed", 1],
      ["weekly-2", "Completed", 2],
      ["weekly-3", "PartiallyFailed", 3],
    ] as const) {
      const objects = { namespaces: [namespace(name)] };
      await restores.storeBackup(name, { objects, labels, status: { phase, startTimestamp: at(day) } });
    }
    await restores.makeRestore("of-schedule", { spec: { scheduleName: "weekly" } });
    const { spec, status } = await restores.restoreEnd("of-schedule");
    assert.deepEqual([status?.phase, spec.backupName], ["Completed", "weekly-2"]);
    assert.equal((await rig.controlPlane.call("GET", "/api/v1/namespaces/weekly-2")).status, 200);
    assert.equal((await rig.controlPlane.call("GET", "/api/v1/namespaces/weekly-1")).status, 404);
  });
});

describe("volumes that come back without their data", () => {
  it("are named: warnings where nothing was stored, errors where it cannot be read, and no pod waits for them", async () => {
    const volumes = ["empty", "failed", "kopia"].map((name) => ({ name, emptyDir: {} }));
    const pod = savedPod("bare", "web", { spec: { volumes, containers: [{ name: "app", image: "none" }] } });
    await restores.storeBackup("bare", {
      objects: { namespaces: [namespace("bare")], pods: [pod] },
      volumes: { "bare/web/empty": "", "bare/web/failed": "", "bare/web/kopia": "aaaa", "bare/web/lost": "22222222" },
    });
    await rig.patch("podvolumebackups", "bare-bare-web-failed", {
      status: { phase: "Failed", message: "disk on fire" },
    });
    await rig.patch("podvolumebackups", "bare-bare-web-kopia", { spec: { uploaderType: "kopia" } });
    await restores.makeRestore("bare", { spec: { backupName: "bare" } });
    const { status } = await restores.restoreEnd("bare");
    assert.deepEqual([status?.phase, status?.warnings, status?.errors], ["PartiallyFailed", 2, 1]);
    const { warnings, errors } = restores.results("bare");
    assert.match(warnings.namespaces?.bare?.[0] ?? "", /volume failed .*Failed \(disk on fire\)/);
    assert.match(warnings.namespaces?.bare?.[1] ?? "", /volume lost .*no such volume/);
    assert.match(errors.namespaces?.bare?.[0] ?? "", /volume kopia .*uploader kopia/);
    assert.match(status?.failureReason ?? "", /volume kopia/);
    assert.equal((await restores.pod("bare", "web")).spec?.initContainers, undefined);
    assert.deepEqual(await restores.volumeRestores("bare", 0), []);
  });
});

describe("restored claims", () => {
  it("are provisioned anew, and their new volumes get the old ones' reclaim policy and labels", async () => {
    const labels = { tier: "gold" };
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data", namespace: "bank" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        volumeName: "pv-old",
        storageClassName: "standard",
      },
      status: { phase: "Bound" },
    };
    const volume = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "pv-old", labels },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: "standard",
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { kind: "PersistentVolumeClaim", namespace: "bank", name: "data", uid: "old" },
        csi: { driver: "test.csi", volumeHandle: "old" },
      },
    };
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
    await restores.storeBackup("bank", {
      objects: {
        namespaces: [namespace("bank")],
        persistentvolumeclaims: [claim],
        persistentvolumes: [volume],
        pods: [savedPod("bank", "db", { spec: { volumes } })],
      },
      volumes: { "bank/db/data": "33333333" },
      volumeInfo: [
        {
          pvcName: "data",
          pvcNamespace: "bank",
          pvName: "pv-old",
          backupMethod: "PodVolumeBackup",
          pvInfo: { reclaimPolicy: "Retain", labels },
        },
      ],
    });
    await restores.makeRestore("bank", { spec: { backupName: "bank" } });
    const pod = await restores.pod("bank", "db");
    const [made] = await restores.volumeRestores("bank", 1);
    const restored = await restores.get<KubeObject>("/api/v1/namespaces/bank/persistentvolumeclaims/data");
    assert.equal(made?.metadata.labels?.["velero.io/pvc-uid"], restored.metadata.uid);
    await restores.provision("bank", "data", "pv-new");
    await restores.bind(pod, "node-1");
    if (made !== undefined) await restores.settle(made);
    const { status } = await restores.restoreEnd("bank");
    assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
    const anew = await restores.get<PersistentVolume>("/api/v1/persistentvolumes/pv-new");
    assert.equal(anew.spec?.persistentVolumeReclaimPolicy, "Retain");
    assert.deepEqual(anew.metadata.labels, { tier: "gold", made: "anew" });
    assert.equal((await rig.controlPlane.call("GET", "/api/v1/persistentvolumes/pv-old")).status, 404);
    const [info] = JSON.parse(restores.readFile("bank", "bank-volumeinfo.json.gz"));
    assert.deepEqual([info.pvcName, info.pvcNamespace, info.pvName], ["data", "bank", "pv-new"]);
  });
});

describe("hooks of restored pods", () => {
  const annotations = {
    "init.hook.restore.velero.io/container-image": "none",
    "init.hook.restore.velero.io/container-name": "prepare",
    "post.hook.restore.velero.io/command": "warm-up",
  };

  async function begin(name: string): Promise<Pod> {
    const pod = savedPod(name, "web", { metadata: { annotations } });
    const objects = { namespaces: [namespace(name)], pods: [pod] };
    await restores.storeBackup(name, { objects, volumes: { [`${name}/web/data`]: "55555555" } });
    await restores.makeRestore(name, { spec: { backupName: name } });
    const made = await restores.pod(name, "web");
    await restores.bind(made, "node-1");
    return made;
  }

  it("run once their container does, and are counted", async () => {
    const pod = await begin("hooked");
    assert.deepEqual(
      pod.spec?.initContainers?.map(({ name }) => name),
      ["restore-wait", "prepare"],
    );
    const [volume] = await restores.volumeRestores("hooked", 1);
    if (volume !== undefined) await restores.settle(volume);
    assert.deepEqual(kubelet.commands, []);
    const app = { name: "app", image: "none", imageID: "", ready: true, restartCount: 0, state: { running: {} } };
    await restores.setPodStatus(pod, { phase: "Running", containerStatuses: [app] });
    const { status } = await restores.restoreEnd("hooked");
    assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
    assert.deepEqual(status?.hookStatus, { hooksAttempted: 1, hooksFailed: 0 });
    assert.deepEqual(kubelet.commands, ["hooked/web/app: warm-up"]);
  });

  it("are given up when a volume of their pod fails: the application will not start", async () => {
    await begin("unhooked");
    const [volume] = await restores.volumeRestores("unhooked", 1);
    if (volume !== undefined) await restores.settle(volume, { phase: "Failed", message: "no such snapshot" });
    const { status } = await restores.restoreEnd("unhooked");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    assert.deepEqual(status?.hookStatus, { hooksAttempted: 0, hooksFailed: 0 });
  });
});

describe("the ConfigMap for restore-wait", () => {
  it("changes the container; a second one is refused", async () => {
    const maps = "/api/v1/namespaces/velero/configmaps";
    const labels = { "velero.io/plugin-config": "", "velero.io/pod-volume-restore": "RestoreItemAction" };
    const data = {
      image: "mirror.example/helper:2",
      cpuLimit: "0",
      memLimit: "1Gi",
      command: "/helper",
      secCtx: "runAsUser: 7",
    };
    await rig.controlPlane.must("POST", maps, { metadata: { name: "waiting", labels }, data });
    await restores.storeBackup("configured", {
      objects: { namespaces: [namespace("configured")], pods: [savedPod("configured", "web")] },
      volumes: { "configured/web/data": "44444444" },
    });
    await restores.makeRestore("configured", { spec: { backupName: "configured" } });
    const wait = (await restores.pod("configured", "web")).spec?.initContainers?.[0];
    assert.deepEqual([wait?.image, wait?.command], ["mirror.example/helper:2", ["/helper"]]);
    assert.deepEqual(wait?.resources, { limits: { memory: "1Gi" }, requests: { cpu: "100m", memory: "128Mi" } });
    assert.deepEqual(wait?.securityContext, { runAsUser: 7 });
    await rig.controlPlane.must("POST", maps, { metadata: { name: "waiting-too", labels }, data });
    await restores.makeRestore("refused", { spec: { backupName: "configured" } });
    const { status, metadata } = await restores.restoreEnd("refused");
    assert.equal(status?.phase, "FailedValidation");
    assert.match(status?.validationErrors?.join() ?? "", /more than one ConfigMap .*waiting, waiting-too/);
    assert.equal(metadata.finalizers, undefined);
    for (const name of ["waiting", "waiting-too"]) await rig.controlPlane.must("DELETE", `${maps}/${name}`);
  });
});

describe("a Restore that cannot be carried out", () => {
  const refusals: Readonly<Record<string, readonly [RestoreWish, RegExp]>> = {
    "has no source": [{}, /^exactly one of spec\.backupName and spec\.scheduleName/],
    "has two sources": [{ spec: { backupName: "a", scheduleName: "b" } }, /^exactly one of/],
    "names no Backup that is there": [{ spec: { backupName: "nowhere" } }, /^Backup nowhere does not exist/],
    "names a schedule without Backups": [{ spec: { scheduleName: "never" } }, /^no Backup of the schedule never is/],
    "is of a Backup under way": [{ spec: { backupName: "busy" } }, /^Backup busy is WaitingForPluginOperations/],
    "is of a Backup in a location that is gone": [
      { spec: { backupName: "lost" } },
      /^BackupStorageLocation gone of Backup lost/,
    ],
    "has a time that is none": [
      { spec: { backupName: "mapped" }, annotations: { "velero.io/pod-volume-timeout": "soon" } },
      /"soon" is not a duration/,
    ],
    "has a hook without a command": [
      { spec: { backupName: "mapped", hooks: { resources: [{ name: "h", postHooks: [{}] }] } } },
      /postHooks\[0\] has neither exec nor init/,
    ],
  };

  it("is refused with a sentence that says why", async () => {
    await rig.makeBackup("busy", {
      spec: { storageLocation: "gone" },
      status: { phase: "WaitingForPluginOperations" },
    });
    await rig.makeBackup("lost", { spec: { storageLocation: "gone" }, status: { phase: "Completed" } });
    for (const [index, [what, [wish, reason]]] of Object.entries(refusals).entries()) {
      await restores.makeRestore(`refused-${index}`, wish);
      const { status } = await restores.restoreEnd(`refused-${index}`);
      assert.equal(status?.phase, "FailedValidation", what);
      assert.match(status?.validationErrors?.join("\n") ?? "", reason, what);
      const accepted = status?.conditions?.find(({ type }) => type === "Accepted");
      assert.deepEqual([accepted?.status, accepted?.reason], ["False", "Invalid"], what);
    }
  });
});

describe("the story of Restores", () => {
  it("is told in events and metrics", async () => {
    await eventually("the events are there", async () => (await rig.eventsOf("first")).length >= 2);
    const events = (await rig.eventsOf("first")).sort().join("\n");
    assert.match(
      events,
      /^Normal RestoreCompleted: 2 objects are restored\nNormal RestoreStarted: restoring nightly-1$/,
    );
    const metrics = await rig.metrics(server);
    assert.match(metrics, /^velero_restore_success_total\{schedule="nightly"\} 1$/m);
    assert.match(metrics, /^velero_restore_attempt_total\{schedule="nightly"\} 1$/m);
    assert.match(metrics, /^velero_restore_validation_failed_total\{schedule=""\} \d$/m);
    assert.match(metrics, /^stowage_restore_volumes_total\{result="completed"\} 4$/m);
    assert.match(metrics, /^velero_restore_total \d\d$/m);
  });
});
