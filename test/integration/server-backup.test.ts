// Backups on the real control plane: which volumes are chosen, with what weight each obstacle counts, and what is written
// on the way. The test plays the agents.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";
import { StoredBackup } from "../support/stored-backup.ts";

let rig: ServerRig;
let server: RunningProcess;

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("default", { default: true });
  await rig.makeLocation("archive", { accessMode: "ReadOnly" });
  await rig.makeLocation("lost", { config: { path: "/nowhere/at/all" } });
  await rig.makeAgentPod("node-1");
  await rig.makeAgentPod("node-2", { name: "node-agent" });
  server = await rig.startServer();
});

after(() => rig.stop());

const optIn = (...names: string[]): Record<string, string> => ({ "backup.velero.io/backup-volumes": names.join(",") });

/** Makes a Backup of one namespace, ends its volumes well and gives what came of it. */
async function backUp(namespace: string, spec: object = {}): Promise<Backup> {
  const name = `of-${namespace}${Object.keys(spec).length === 0 ? "" : "-all"}`;
  await rig.makeBackup(name, { spec: { includedNamespaces: [namespace], ...spec } });
  await rig.backupPlanned(name);
  await rig.settle(name);
  return await rig.backupEnd(name);
}

const stored = (name: string): StoredBackup => new StoredBackup(join(rig.folder, "default", "bucket"), name);

describe("a Backup of pods that opt in", () => {
  it("makes a PodVolumeBackup as Velero does, and ends Completed when that has", async () => {
    const claim = await rig.makeClaim({ namespace: "shop", name: "claim" });
    const volumes = [
      { name: "data", persistentVolumeClaim: { claimName: "claim" } },
      { name: "cache", emptyDir: {} },
    ];
    const pod = await rig.makePod({ namespace: "shop", name: "web", volumes, annotations: optIn("data") });
    const schedule = { "velero.io/schedule-name": "nightly" };
    const created = await rig.makeBackup("first", {
      spec: { includedNamespaces: ["shop"], uploaderConfig: { parallelFilesUpload: 3 } },
      labels: schedule,
    });
    await rig.backupPlanned("first");
    const [made, ...others] = await rig.volumeBackups("first");
    assert.deepEqual(others, []);
    assert.match(made?.metadata.name ?? "", /^first-[0-9a-f]{10}$/);
    assert.deepEqual(made?.metadata.labels, {
      "velero.io/backup-name": "first",
      "velero.io/backup-uid": created.metadata.uid,
      "velero.io/pvc-uid": claim.metadata.uid,
    });
    assert.deepEqual(made?.metadata.annotations, { "velero.io/pvc-name": "claim" });
    assert.deepEqual(made?.metadata.ownerReferences, [
      { apiVersion: "velero.io/v1", kind: "Backup", name: "first", uid: created.metadata.uid, controller: true },
    ]);
    const repository = await rig.get<BackupRepository>("backuprepositories", "shop-default-restic");
    assert.equal(repository.status?.phase, "Ready");
    assert.deepEqual(made?.spec, {
      node: "node-1",
      pod: { kind: "Pod", namespace: "shop", name: "web", uid: pod.metadata.uid },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: repository.spec.resticIdentifier,
      uploaderType: "restic",
      uploaderSettings: { ParallelFilesUpload: "3" },
      tags: {
        backup: "first",
        "backup-uid": created.metadata.uid,
        pod: "web",
        "pod-uid": pod.metadata.uid,
        ns: "shop",
        volume: "data",
        "pvc-uid": claim.metadata.uid,
      },
    });
    assert.equal(made?.status, undefined);
    const waiting = await rig.get<Backup>("backups", "first");
    assert.equal(waiting.status?.phase, "InProgress");
    await rig.settle("first");
    const { metadata, spec, status } = await rig.backupEnd("first");
    assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["Completed", 0, 0]);
    assert.ok((status?.progress?.itemsBackedUp ?? 0) >= 2, "the pod and its claim at least");
    assert.equal(status?.progress?.itemsBackedUp, status?.progress?.totalItems);
    assert.deepEqual([status?.version, status?.formatVersion], [1, "1.1.0"]);
    const [start, end, expiration] = [status?.startTimestamp, status?.completionTimestamp, status?.expiration].map(
      (time) => Date.parse(time ?? ""),
    );
    assert.ok((end as number) >= (start as number));
    assert.equal(expiration, (start as number) + 720 * 3_600_000);
    assert.deepEqual([spec.storageLocation, spec.ttl, spec.defaultVolumesToFsBackup], ["default", "720h0m0s", false]);
    assert.deepEqual(metadata.labels, { ...schedule, "velero.io/storage-location": "default" });
    assert.match(metadata.annotations?.["velero.io/source-cluster-k8s-gitversion"] ?? "", /^v1\./);
    assert.match(metadata.annotations?.["velero.io/source-cluster-k8s-major-version"] ?? "", /^1$/);
    assert.match(metadata.annotations?.["velero.io/source-cluster-k8s-minor-version"] ?? "", /^\d+\+?$/);
    assert.equal(metadata.annotations?.["velero.io/resource-timeout"], "10m0s");
  });

  it("tells its story in events and metrics", async () => {
    await eventually("the events are there", async () => (await rig.eventsOf("first")).length >= 2);
    const events = (await rig.eventsOf("first")).sort();
    assert.match(
      events.join("\n"),
      /^Normal BackupCompleted: [2-9]\d* objects .*\nNormal BackupStarted: .*location default$/,
    );
    const metrics = await rig.metrics(server);
    for (const name of ["attempt_total", "success_total", "duration_seconds_count", "last_status"])
      assert.match(metrics, new RegExp(`^velero_backup_${name}{schedule="nightly"} 1$`, "m"));
    assert.match(metrics, /^velero_backup_last_successful_timestamp\{schedule="nightly"\} 1\.?\d+/m);
    assert.match(metrics, /^velero_backup_total [1-9]/m);
    assert.match(metrics, /^stowage_storage_location_available\{location="lost"\} 0$/m);
  });

  it("has nothing to do where nobody opts in", async () => {
    await rig.makePod({ namespace: "quiet", name: "web" });
    const { status } = await backUp("quiet");
    assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["Completed", 0, 0]);
    assert.deepEqual(await rig.volumesOf("of-quiet"), []);
    const repositories = await rig.list<BackupRepository>("backuprepositories", "velero.io/volume-namespace=quiet");
    assert.deepEqual(repositories, [], "no repository is made for nothing");
  });

  it("warns of what an annotation lists and nobody can back up, with all else in order", async () => {
    const volumes = [
      { name: "data", emptyDir: {} },
      { name: "settings", configMap: { name: "x" } },
    ];
    await rig.makePod({ namespace: "typo", name: "web", volumes, annotations: optIn("data", "dta", "settings") });
    const backup = await backUp("typo");
    assert.deepEqual([backup.status?.phase, backup.status?.warnings, backup.status?.errors], ["Completed", 2, 0]);
    const { warnings } = stored("of-typo");
    assert.match(warnings, /volume settings .* never backed up/);
    assert.match(warnings, /volume dta .*no such volume/);
    assert.deepEqual(await rig.volumesOf("of-typo"), ["web/data"]);
  });
});

describe("a Backup of all volumes", () => {
  const all = { defaultVolumesToFsBackup: true };

  it("takes everything but the opt-out list and what is never backed up", async () => {
    const volumes = [
      { name: "data", emptyDir: {} },
      { name: "cache", emptyDir: {} },
      { name: "node", hostPath: { path: "/tmp" } },
      { name: "keys", secret: { secretName: "x" } },
      { name: "settings", configMap: { name: "x" } },
      { name: "token", projected: { sources: [] } },
      { name: "labels", downwardAPI: {} },
      { name: "default-token-abc", emptyDir: {} },
      {
        name: "scratch",
        ephemeral: {
          volumeClaimTemplate: {
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
          },
        },
      },
      { name: "csi", csi: { driver: "inline.csi" } },
      { name: "share", nfs: { server: "s", path: "/" } },
    ];
    const annotations = { "backup.velero.io/backup-volumes-excludes": "cache", ...optIn("cache") };
    await rig.makeClaim({ namespace: "kinds", name: "web-scratch" });
    await rig.makePod({ namespace: "kinds", name: "web", volumes, annotations });
    const { status } = await backUp("kinds", all);
    assert.deepEqual(await rig.volumesOf("of-kinds-all"), ["web/csi", "web/data", "web/scratch", "web/share"]);
    assert.deepEqual([status?.phase, status?.warnings, status?.errors], ["Completed", 0, 0]);
  });

  it("honours the field's older name, and the newer one before it", async () => {
    await rig.makePod({ namespace: "older", name: "web" });
    await backUp("older", { defaultVolumesToRestic: true });
    assert.deepEqual(await rig.volumesOf("of-older-all"), ["web/data"]);
    await rig.makeBackup("older-off", {
      spec: { includedNamespaces: ["older"], defaultVolumesToRestic: true, defaultVolumesToFsBackup: false },
    });
    await rig.backupEnd("older-off");
    assert.deepEqual(await rig.volumesOf("older-off"), []);
  });

  it("takes a claim that two pods share once", async () => {
    await rig.makeClaim({ namespace: "shared", name: "claim" });
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "claim" } }];
    for (const [name, node] of [
      ["a", "node-1"],
      ["b", "node-2"],
    ] as const)
      await rig.makePod({ namespace: "shared", name, node, volumes });
    const { status } = await backUp("shared", all);
    assert.deepEqual([status?.phase, status?.warnings], ["Completed", 0]);
    assert.deepEqual(await rig.volumesOf("of-shared-all"), ["a/data"]);
  });

  it("skips pods that do not run with a warning", async () => {
    await rig.makePod({ namespace: "idle", name: "done", phase: "Succeeded" });
    await rig.makePod({ namespace: "idle", name: "pending", phase: "Pending", node: "" });
    await rig.makePod({ namespace: "idle", name: "leaving", finalizers: ["test.stowage.dev/keep"] });
    await rig.controlPlane.must("DELETE", "/api/v1/namespaces/idle/pods/leaving");
    await rig.makePod({ namespace: "idle", name: "out", labels: { "velero.io/exclude-from-backup": "true" } });
    const backup = await backUp("idle", all);
    assert.deepEqual([backup.status?.phase, backup.status?.warnings, backup.status?.errors], ["Completed", 2, 0]);
    const { warnings, resourceList } = stored("of-idle-all");
    for (const sentence of [/done: .*phase Succeeded/, /pending: .*Pending/]) assert.match(warnings, sentence);
    assert.deepEqual(resourceList["v1/Pod"], ["idle/done", "idle/pending"], "what is being deleted is left out");
  });

  it("skips single volumes with a warning: hostPath behind a claim, raw devices, mounted by nobody that runs", async () => {
    await rig.makeClaim({ namespace: "odd", name: "node-claim", volume: { hostPath: { path: "/tmp/x" } } });
    const raw = { volumeMode: "Block", csi: { driver: "test.csi", volumeHandle: "h" } } as const;
    await rig.makeClaim({ namespace: "odd", name: "raw-claim", volume: raw });
    const volumes = [
      { name: "node", persistentVolumeClaim: { claimName: "node-claim" } },
      { name: "raw", persistentVolumeClaim: { claimName: "raw-claim" } },
      { name: "seed", emptyDir: {} },
      { name: "data", emptyDir: {} },
    ];
    await rig.makePod({
      ...{ namespace: "odd", name: "web", volumes, mounted: ["node", "data"], devices: ["raw"], initMounted: ["seed"] },
    });
    const backup = await backUp("odd", all);
    assert.deepEqual([backup.status?.phase, backup.status?.warnings, backup.status?.errors], ["Completed", 3, 0]);
    const { warnings } = stored("of-odd-all");
    for (const sentence of [/node .*hostPath/, /raw .*block device/, /seed .*no container mounts/])
      assert.match(warnings, sentence);
    assert.deepEqual(await rig.volumesOf("of-odd-all"), ["web/data"]);
  });

  it("is PartiallyFailed, with the reasons, where a claim or an agent is missing, and backs up the rest", async () => {
    const volumes = [
      { name: "data", emptyDir: {} },
      { name: "gone", persistentVolumeClaim: { claimName: "gone" } },
    ];
    await rig.makePod({ namespace: "broken", name: "claimless", volumes });
    await rig.makePod({ namespace: "broken", name: "lonely", node: "node-3" });
    const { status } = await backUp("broken", all);
    assert.deepEqual([status?.phase, status?.warnings, status?.errors], ["PartiallyFailed", 0, 2]);
    assert.match(status?.failureReason ?? "", /volume gone .* claim gone does not exist/);
    assert.match(status?.failureReason ?? "", /pod broken\/lonely: no node-agent/);
    assert.deepEqual(await rig.volumesOf("of-broken-all"), ["claimless/data"]);
  });

  it("is PartiallyFailed with the agent's message when a volume fails", async () => {
    await rig.makePod({ namespace: "unlucky", name: "a" });
    await rig.makePod({ namespace: "unlucky", name: "b" });
    await rig.makeBackup("unlucky", { spec: { includedNamespaces: ["unlucky"], ...all } });
    await rig.backupPlanned("unlucky");
    const [first, second] = await rig.volumeBackups("unlucky");
    const failed = { phase: "Failed", message: "the disk is on fire" };
    await rig.patch("podvolumebackups", first?.metadata.name ?? "", { status: failed });
    const done = { metadata: { annotations: { "stowage.dev/warnings": "[]" } }, status: { phase: "Completed" } };
    await rig.patch("podvolumebackups", second?.metadata.name ?? "", done);
    const { status } = await rig.backupEnd("unlucky");
    assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["PartiallyFailed", 1, 1]);
    assert.match(status?.failureReason ?? "", /volume data of pod unlucky\/[ab]: the disk is on fire/);
    await eventually("an event tells", async () => (await rig.eventsOf("unlucky")).join().includes("disk is on fire"));
  });

  it("reports an error at once where a namespace's repository is not ready", async () => {
    await rig.makePod({ namespace: "locked", name: "web" });
    const labels = { volume: "locked", location: "default", type: "restic" };
    await rig.make("backuprepositories", {
      kind: "BackupRepository",
      metadata: {
        name: "by-hand",
        labels: {
          "velero.io/volume-namespace": labels.volume,
          "velero.io/storage-location": labels.location,
          "velero.io/repository-type": labels.type,
        },
      },
      spec: {
        volumeNamespace: "locked",
        backupStorageLocation: "no-such-location",
        repositoryType: "restic",
        maintenanceFrequency: "0s",
        resticIdentifier: "",
      },
    });
    await rig.when<BackupRepository>("backuprepositories", "by-hand", ({ status }) => status?.phase === "NotReady");
    const { status } = await backUp("locked", all);
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    assert.match(
      status?.failureReason ?? "",
      /pod locked\/web: BackupRepository by-hand is not ready: .*no-such-location/,
    );
  });
});

describe("the namespaces of a Backup", () => {
  it("are all that are active when none is named, without the excluded and those that are labelled out", async () => {
    await rig.makeNamespace("hidden", { "velero.io/exclude-from-backup": "true" });
    await rig.makePod({ namespace: "hidden", name: "web", annotations: optIn("data") });
    await rig.makeNamespace("visible");
    await rig.makePod({ namespace: "visible", name: "web", annotations: optIn("data") });
    await rig.makeBackup("everywhere", { spec: { excludedNamespaces: ["typo", "kinds"] } });
    await rig.backupPlanned("everywhere");
    const namespaces = (await rig.volumeBackups("everywhere")).map((one: PodVolumeBackup) => one.spec.pod.namespace);
    assert.deepEqual(namespaces.sort(), ["shop", "visible"]);
    await rig.settle("everywhere");
    assert.equal((await rig.backupEnd("everywhere")).status?.phase, "Completed");
  });

  it("are errors where they are named and not there", async () => {
    await rig.makeBackup("nowhere", { spec: { includedNamespaces: ["visible", "nowhere", "hidden"] } });
    await rig.backupPlanned("nowhere");
    await rig.settle("nowhere");
    const { status } = await rig.backupEnd("nowhere");
    assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["PartiallyFailed", 1, 1]);
    assert.equal(status?.failureReason, "namespace nowhere does not exist");
  });
});

describe("a Backup that cannot be carried out", () => {
  const refusals: [string, object, RegExp][] = [
    ["snapshots", { snapshotMoveData: true }, /spec\.snapshotMoveData is not supported/],
    [
      "hooks",
      { hooks: { resources: [{ name: "h", pre: [{ exec: { command: ["x"], timeout: "?" } }] }] } },
      /timeout "\?"/,
    ],
    ["policy", { resourcePolicy: { kind: "configmap", name: "p" } }, /ConfigMap velero\/p does not exist/],
    ["pattern", { includedNamespaces: ["app-["] }, /app-\[/],
    ["both", { includedNamespaces: ["app"], excludedNamespaces: ["app"] }, /both included and excluded/],
    ["read-only", { storageLocation: "archive" }, /archive is read-only/],
    ["unavailable", { storageLocation: "lost" }, /lost is unavailable: .*\/nowhere\/at\/all is not a directory/],
    ["absent", { storageLocation: "absent" }, /absent does not exist/],
  ];

  it("is refused with a sentence for each reason", async () => {
    await Promise.all(refusals.map(([name, spec]) => rig.makeBackup(name, { spec })));
    for (const [name, , reason] of refusals) {
      const { status } = await rig.backupEnd(name);
      assert.deepEqual([status?.phase, status?.validationErrors?.length], ["FailedValidation", 1], name);
      assert.match(status?.validationErrors?.[0] ?? "", reason);
      assert.equal(status?.startTimestamp, undefined);
    }
    assert.match(await rig.metrics(server), /^velero_backup_validation_failure_total\{schedule=""\} 8$/m);
  });
});
