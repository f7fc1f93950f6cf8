import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { MemoryContents } from "../support/memory-contents.ts";
import { type RestoreObjectsRig, startRestoreObjectsRig } from "../support/restore-objects-rig.ts";

const core = "/api/v1/namespaces";
const nothing = { warnings: {}, errors: {} };

interface Claim {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly volumeName?: string; readonly storageClassName?: string; readonly dataSource?: unknown };
}

describe("restoreObjects of claims and volumes", () => {
  let rig: RestoreObjectsRig;
  before(async () => {
    rig = await startRestoreObjectsRig();
  });
  after(async () => await rig.stop());

  const spec = { accessModes: ["ReadWriteOnce"], storageClassName: "fast" };

  const volume = (name: string, namespace: string, policy: string): KubeObject =>
    ({
      ...{ apiVersion: "v1", kind: "PersistentVolume", metadata: { name, annotations: { keep: "1", ...binding } } },
      spec: {
        ...{ ...spec, capacity: { storage: "1Gi" }, persistentVolumeReclaimPolicy: policy },
        csi: { driver: "csi.example.com", volumeHandle: name },
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace,
          name: "data",
          uid: "old",
          resourceVersion: "7",
        },
      },
      status: { phase: "Bound" },
    }) as KubeObject;

  const binding = { "pv.kubernetes.io/bound-by-controller": "yes" };
  const bindingOfClaim = {
    ...binding,
    "pv.kubernetes.io/bind-completed": "yes",
    "volume.beta.kubernetes.io/storage-provisioner": "csi.example.com",
    "volume.kubernetes.io/storage-provisioner": "csi.example.com",
    "volume.kubernetes.io/selected-node": "node-of-old",
  };

  /** A bound claim `data` and its volume. */
  const bound = (namespace: string, volumeName: string, policy = "Delete"): MemoryContents => {
    const contents = new MemoryContents();
    const resources = { requests: { storage: "1Gi" } };
    contents.add("persistentvolumeclaims", {
      ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", status: { phase: "Bound" } },
      metadata: { name: "data", namespace, annotations: { keep: "1", ...bindingOfClaim } },
      spec: { ...spec, resources, volumeName, dataSource: { kind: "PersistentVolumeClaim", name: "template" } },
    } as KubeObject);
    contents.add("persistentvolumes", volume(volumeName, namespace, policy));
    return contents;
  };

  const claimIn = async (namespace: string): Promise<Claim> =>
    (await rig.get(`${core}/${namespace}/persistentvolumeclaims/data`)) as unknown as Claim;
  const volumeIn = async (name: string) => await rig.find(`/api/v1/persistentvolumes/${name}`);

  const viaVolumeInfo = { podVolumeBackups: [] };

  it("provisions a volume anew whose data an agent will write, also when its own would be kept", async () => {
    const contents = bound("fs", "pv-fs", "Retain");
    const volumeInfo = [{ pvName: "pv-fs", pvcName: "data", pvcNamespace: "fs", backupMethod: "PodVolumeBackup" }];
    const run = await rig.restore(contents, { options: { volumes: { ...viaVolumeInfo, volumeInfo } } });
    assert.deepEqual(run.results, nothing);
    assert.equal(await volumeIn("pv-fs"), undefined);
    const claim = await claimIn("fs");
    assert.deepEqual(claim.metadata.annotations, { keep: "1" });
    assert.deepEqual(
      [claim.spec.volumeName, claim.spec.dataSource, claim.spec.storageClassName],
      [undefined, undefined, "fast"],
    );
    const reprovisioned = {
      claim: { namespace: "fs", name: "data" },
      sourceNamespace: "fs",
      persistentVolume: "pv-fs",
    };
    assert.deepEqual(run.reprovisioned, [reprovisioned]);
    assert.deepEqual(run.resourceList["v1/PersistentVolume"], ["pv-fs(skipped)"]);
  });

  it("knows it from the PodVolumeBackups where a Backup has no file about its volumes", async () => {
    const contents = bound("old", "pv-old", "Retain");
    const podVolumeBackups = [
      {
        metadata: { name: "x", annotations: { "velero.io/pvc-name": "data" } },
        ...{ spec: { pod: { namespace: "old", name: "web-1" } }, status: { snapshotID: "12ab34cd" } },
      },
    ] as unknown as PodVolumeBackup[];
    const namespaceMapping = { old: "new" };
    const options = { volumes: { volumeInfo: undefined, podVolumeBackups } };
    const run = await rig.restore(contents, { spec: { namespaceMapping }, options });
    assert.equal((await claimIn("new")).spec.volumeName, undefined);
    assert.deepEqual(run.reprovisioned[0]?.claim, { namespace: "new", name: "data" });
    assert.equal(run.reprovisioned[0]?.sourceNamespace, "old");
  });

  it("provisions anew, and says that it is empty, where the data are in a snapshot", async () => {
    const contents = bound("snap", "pv-snap", "Retain");
    const volumeInfo = [{ pvName: "pv-snap", backupMethod: "CSISnapshot" }];
    const run = await rig.restore(contents, { options: { volumes: { ...viaVolumeInfo, volumeInfo } } });
    assert.match(
      run.results.warnings.namespaces?.snap?.[0] ?? "",
      /pv-snap are in a CSISnapshot.*not supported.*empty/,
    );
    assert.equal(await volumeIn("pv-snap"), undefined);
  });

  it("provisions a volume without data anew when its reclaim policy is Delete", async () => {
    const run = await rig.restore(bound("plain", "pv-plain"), {
      options: { volumes: { ...viaVolumeInfo, volumeInfo: [] } },
    });
    assert.deepEqual(run.results, nothing);
    assert.deepEqual([(await claimIn("plain")).spec.volumeName, await volumeIn("pv-plain")], [undefined, undefined]);
  });

  it("brings a kept volume back as it was, bound anew to its claim where that is now", async () => {
    const contents = bound("kept", "pv-kept", "Retain");
    // Only the namespace was asked for: the volume comes with its claim, before it.
    const asked = { includedNamespaces: ["kept"], namespaceMapping: { kept: "moved" } };
    const run = await rig.restore(contents, {
      spec: asked,
      options: { volumes: { ...viaVolumeInfo, volumeInfo: [] } },
    });
    assert.deepEqual(run.results, nothing);
    const found = (await volumeIn("pv-kept")) as unknown as { spec: { claimRef: object }; metadata: Claim["metadata"] };
    assert.deepEqual(found.spec.claimRef, {
      ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: "moved", name: "data" },
    });
    assert.deepEqual(found.metadata.annotations, { keep: "1" });
    assert.equal((await claimIn("moved")).spec.volumeName, "pv-kept");
    assert.deepEqual(run.reprovisioned, []);
  });

  it("never leaves a claim waiting for a volume that is absent or somebody else's", async () => {
    const contents = bound("gone", "pv-gone", "Retain");
    const volumes = { ...viaVolumeInfo, volumeInfo: [] };
    const lonely = await rig.restore(contents, { spec: { includeClusterResources: false }, options: { volumes } });
    assert.match(
      lonely.results.warnings.namespaces?.gone?.[0] ?? "",
      /pv-gone of claim data is not in the cluster.*empty/,
    );
    assert.equal((await claimIn("gone")).spec.volumeName, undefined);

    await rig.restore(bound("owner", "pv-owned", "Retain"), { options: { volumes } });
    const copy = await rig.restore(bound("owner", "pv-owned", "Retain"), {
      spec: { namespaceMapping: { owner: "copy" } },
      name: "r2",
      options: { volumes },
    });
    assert.match(
      copy.results.warnings.namespaces?.copy?.[0] ?? "",
      /pv-owned of claim data belongs to claim owner\/data/,
    );
    assert.equal((await claimIn("copy")).spec.volumeName, undefined);
  });

  it("restores the claims of a chosen pod, but not one that its ephemeral volume gets anew", async () => {
    const contents = bound("pods", "pv-pods");
    const claim = (await contents.read("persistentvolumeclaims", { namespace: "pods", name: "data" })) as KubeObject;
    const owner = { apiVersion: "v1", kind: "Pod", name: "web-1", uid: "old", controller: true };
    const scratch = { ...claim.metadata, name: "web-1-scratch", ownerReferences: [owner] };
    contents.add("persistentvolumeclaims", { ...claim, metadata: scratch });
    const template = { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
    contents.add("pods", {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web-1", namespace: "pods", labels: { app: "shop" } } },
      spec: {
        containers: [{ name: "main", image: "shop:1" }],
        volumes: [
          { name: "data", persistentVolumeClaim: { claimName: "data" } },
          { name: "scratch", ephemeral: { volumeClaimTemplate: template } },
        ],
      },
    } as KubeObject);
    const run = await rig.restore(contents, { spec: { labelSelector: { matchLabels: { app: "shop" } } } });
    assert.deepEqual(run.results, nothing);
    assert.deepEqual(run.resourceList["v1/PersistentVolumeClaim"], ["pods/data(created)"]);
    const all = await rig.restore(contents, { name: "r3" });
    assert.ok(all.resourceList["v1/PersistentVolumeClaim"]?.includes("pods/web-1-scratch(skipped)"));
    assert.equal(await rig.find(`${core}/pods/persistentvolumeclaims/web-1-scratch`), undefined);
  });
});
