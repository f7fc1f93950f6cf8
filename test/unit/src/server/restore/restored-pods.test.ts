import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Pod } from "../../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../../src/api/pod-volume-backup.ts";
import { configMaps } from "../../../../../src/api/resources.ts";
import type { Restore, RestoreSpec } from "../../../../../src/api/restore.ts";
import type { RestoreContext } from "../../../../../src/server/restore/restore-context.ts";
import { leavesOutClaims, RestoredPods } from "../../../../../src/server/restore/restored-pods.ts";
import { VolumeBackupsByPod } from "../../../../../src/server/restore/volumes/pod-snapshots.ts";
import type { RestoredPod } from "../../../../../src/server/restore/volumes/restored-pod.ts";
import { ObjectTable } from "../../../../support/object-table.ts";
import { type RecordedRunLog, recordedRunLog } from "../../../../support/recorded-run-log.ts";

let table: ObjectTable;
let log: RecordedRunLog;
let volumes: RestoredPod[];
let hooked: Pod[];

beforeEach(() => {
  table = new ObjectTable();
  log = recordedRunLog();
  volumes = [];
  hooked = [];
});

function podIn(namespace: string, annotations: Record<string, string> = {}): Pod {
  const spec = { containers: [{ name: "app" }], volumes: [{ name: "data", emptyDir: {} }] };
  return { metadata: { name: "web", namespace, annotations }, spec };
}

const stored = {
  metadata: { name: "v" },
  spec: { pod: { namespace: "old", name: "web" }, volume: "data" },
  status: { phase: "Completed", snapshotID: "0123" },
} as PodVolumeBackup;

function restoredPods(backups: readonly PodVolumeBackup[], spec: RestoreSpec = {}): RestoredPods {
  const settings = { restoreHelperImage: "helper:1" };
  const context = { client: table.client, namespace: "velero", settings } as unknown as RestoreContext;
  const restore: Restore = { metadata: { name: "r", uid: "r-uid" }, spec };
  return new RestoredPods({
    ...{ context, restore, log, signal: new AbortController().signal },
    volumeBackups: new VolumeBackupsByPod(backups),
    volumes: { begin: (pod) => void volumes.push(pod) },
    hooks: { begin: (pod) => void hooked.push(pod) },
  });
}

const names = (pod: Pod): string[] => (pod.spec?.initContainers ?? []).map(({ name }) => name);

describe("RestoredPods", () => {
  it("puts restore-wait before the init containers of hooks", async () => {
    const annotations = {
      "init.hook.restore.velero.io/container-image": "x",
      "init.hook.restore.velero.io/container-name": "hook",
    };
    const pod = await restoredPods([stored]).transform(podIn("new", annotations), podIn("old", annotations));
    assert.deepEqual(names(pod), ["restore-wait", "hook"]);
    assert.deepEqual(
      [pod.spec?.initContainers?.[0]?.image, pod.spec?.initContainers?.[0]?.args],
      ["helper:1", ["r-uid"]],
    );
  });

  it("leaves a pod without data of volumes as it is, and asks for no settings", async () => {
    const config = { namespace: "velero", labels: { "velero.io/pod-volume-restore": "RestoreItemAction" } };
    for (const name of ["a", "b"]) table.put(configMaps, { metadata: { ...config, name } });
    const pod = podIn("new");
    assert.equal(await restoredPods([]).transform(pod, podIn("old")), pod);
  });

  it("hands a pod's volumes and hooks on once it is made, and tells what comes back without data", () => {
    const failed = {
      ...stored,
      spec: { ...stored.spec, volume: "logs" },
      status: { phase: "Failed" },
    } as PodVolumeBackup;
    const pod = podIn("new");
    const restored = restoredPods([stored, failed]);
    restored.begin(pod, podIn("old"));
    assert.deepEqual(restored.originals, [podIn("old")]);
    assert.deepEqual(volumes, [{ pod, sourceNamespace: "old", snapshots: [{ volume: "data", snapshotId: "0123" }] }]);
    assert.deepEqual(hooked, [pod]);
    assert.match(log.warnings.join(), /^namespace new: volume logs of pod new\/web comes back without its data/);
  });
});

describe("leavesOutClaims()", () => {
  for (const [spec, expected] of [
    [{}, false],
    [{ includedResources: ["*"] }, false],
    [{ includedResources: ["pods", "PVC"] }, false],
    [{ includedResources: ["pods", "persistentvolumeclaims"], excludedResources: ["persistentvolumes"] }, false],
    [{ includedResources: ["pods"] }, true],
    [{ excludedResources: ["secrets"] }, false],
    [{ excludedResources: ["persistentvolumeclaims"] }, true],
    [{ includedResources: null, excludedResources: ["pvc"] }, true],
    [{ excludedResources: ["persistent*"] }, true],
    [{ includedResources: ["pods", "persistentvolume*"] }, false],
  ] as const) {
    it(`is ${expected} for ${JSON.stringify(spec)}`, () => {
      assert.equal(leavesOutClaims(spec), expected);
    });
  }
});
