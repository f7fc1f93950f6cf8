// Backups in a directory location that a test makes up, and Restores of them on the real control plane: the test plays the
// scheduler, the provisioner and the agents.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { PersistentVolumeClaim, Pod } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { isBackupEnded } from "../../src/api/phases.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore, PodVolumeRestoreStatus } from "../../src/api/pod-volume-restore.ts";
import type { Restore, RestoreSpec } from "../../src/api/restore.ts";
import type { RunResults } from "../../src/server/run-log/run-log.ts";
import { eventually } from "./processes.ts";
import type { ServerRig } from "./server-rig.ts";
import { makeTarball, type TarballEntry } from "./tarballs.ts";

const mergePatch = "application/merge-patch+json";

export type SavedObject = KubeObject & { readonly [field: string]: unknown };

export interface StoredBackup {
  /** "pods", "deployments.apps" → the objects as they were saved. */
  readonly objects: Readonly<Record<string, readonly SavedObject[]>>;
  /** Made in the cluster, too; as "pod/volume" → snapshot id ("" for none). */
  readonly volumes?: Readonly<Record<string, string>>;
  readonly volumeInfo?: readonly object[];
  readonly location?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly status?: object;
  /** Default true. */
  readonly hasTarball?: boolean;
}

export interface RestoreWish {
  readonly spec?: RestoreSpec;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly status?: object;
  readonly finalizers?: readonly string[];
}

/** A pod as a backup holds it. */
export function savedPod(
  namespace: string,
  name: string,
  change: { metadata?: object; spec?: object } = {},
): SavedObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, uid: `old-${name}`, resourceVersion: "1", ...change.metadata },
    spec: {
      nodeName: "old-node",
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "app", image: "none", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
      volumes: [{ name: "data", emptyDir: {} }],
      ...change.spec,
    },
    status: { phase: "Running" },
  };
}

export class RestoreRig {
  readonly rig: ServerRig;

  constructor(rig: ServerRig) {
    this.rig = rig;
  }

  /** Writes what a Backup leaves in its location, and the resources in the cluster. */
  async storeBackup(name: string, backup: StoredBackup): Promise<void> {
    const { location = "default", volumes = {}, labels = {}, status = { phase: "Completed" } } = backup;
    const folder = join(this.rig.folder, location, "bucket", "backups", name);
    mkdirSync(folder, { recursive: true });
    const spec = { storageLocation: location };
    const made = await this.rig.makeBackup(name, { spec, labels, status });
    const volumeBackups = Object.entries(volumes).map(([volume, id]) => volumeBackup(made, location, volume, id));
    for (const one of volumeBackups) await this.rig.make("podvolumebackups", one);
    const json = (file: string, value: unknown): void =>
      writeFileSync(join(folder, `${name}-${file}.json.gz`), gzipSync(JSON.stringify(value)));
    if (backup.hasTarball !== false)
      writeFileSync(join(folder, `${name}.tar.gz`), await makeTarball(entriesOf(backup.objects)));
    writeFileSync(join(folder, "velero-backup.json"), JSON.stringify(made));
    json("podvolumebackups", volumeBackups);
    if (backup.volumeInfo !== undefined) json("volumeinfo", backup.volumeInfo);
  }

  async makeRestore(name: string, { spec = {}, ...rest }: RestoreWish = {}): Promise<Restore> {
    const { annotations = {}, finalizers = [], status } = rest;
    return (await this.rig.make("restores", {
      kind: "Restore",
      metadata: { name, annotations, finalizers },
      spec,
      ...(status === undefined ? {} : { status }),
    })) as Restore;
  }

  async restoreEnd(name: string, timeoutMs = 30_000): Promise<Restore> {
    return await this.rig.when<Restore>("restores", name, isBackupEnded, timeoutMs);
  }

  async get<T>(path: string): Promise<T> {
    return (await this.rig.controlPlane.must("GET", path)) as T;
  }

  /** Once it is there. */
  async pod(namespace: string, name: string): Promise<Pod> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    await eventually(
      `pod ${name} is there`,
      async () => (await this.rig.controlPlane.call("GET", path)).status === 200,
    );
    return await this.get<Pod>(path);
  }

  async bind(pod: Pod, node: string): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/binding`;
    const target = { apiVersion: "v1", kind: "Node", name: node };
    await this.rig.controlPlane.must("POST", path, { metadata: { name: pod.metadata.name }, target });
  }

  async setPodStatus(pod: Pod, status: object): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/status`;
    await this.rig.controlPlane.must("PATCH", path, { status }, mergePatch);
  }

  async deletePod(pod: Pod): Promise<void> {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    await this.rig.controlPlane.must("DELETE", path, { gracePeriodSeconds: 0 });
  }

  /** As many as there are to be, by volume. */
  async volumeRestores(restore: string, count: number): Promise<readonly PodVolumeRestore[]> {
    let found: PodVolumeRestore[] = [];
    await eventually(`${count} volumes of restore ${restore}`, async () => {
      found = await this.rig.list<PodVolumeRestore>("podvolumerestores", `velero.io/restore-name=${restore}`);
      return found.length === count;
    });
    return found.toSorted((a, b) => (a.spec.volume < b.spec.volume ? -1 : 1));
  }

  /** Writes what an agent would at the end. */
  async settle(
    { metadata }: PodVolumeRestore,
    status: PodVolumeRestoreStatus = { phase: "Completed", progress: { totalBytes: 7, bytesDone: 7 } },
  ): Promise<void> {
    await this.rig.patch("podvolumerestores", metadata.name, { status });
  }

  /** A new volume for a claim. */
  async provision(namespace: string, name: string, volume: string): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
    const { metadata, spec } = await this.get<PersistentVolumeClaim>(path);
    await this.rig.controlPlane.must("POST", "/api/v1/persistentvolumes", {
      metadata: { name: volume, labels: { made: "anew" } },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: spec?.accessModes,
        persistentVolumeReclaimPolicy: "Delete",
        claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid: metadata.uid },
        csi: { driver: "test.csi", volumeHandle: volume },
      },
    });
    await this.rig.controlPlane.must("PATCH", path, { spec: { volumeName: volume } }, mergePatch);
    await this.rig.controlPlane.must("PATCH", `${path}/status`, { status: { phase: "Bound" } }, mergePatch);
  }

  /** The path of a Restore's file. */
  filePath(restore: string, file: string, location = "default"): string {
    return join(this.rig.folder, location, "bucket", "restores", restore, file);
  }

  readFile(restore: string, file: string): string {
    return gunzipSync(readFileSync(this.filePath(restore, file))).toString("utf8");
  }

  hasFile(restore: string, file: string): boolean {
    return existsSync(this.filePath(restore, file));
  }

  results(restore: string): RunResults {
    return JSON.parse(this.readFile(restore, `restore-${restore}-results.gz`));
  }
}

function volumeBackup(backup: KubeObject, location: string, name: string, snapshotID: string): PodVolumeBackup {
  const [namespace = "", pod = "", volume = ""] = name.split("/");
  return {
    apiVersion: "velero.io/v1",
    kind: "PodVolumeBackup",
    metadata: {
      name: `${backup.metadata.name}-${namespace}-${pod}-${volume}`,
      namespace: "velero",
      labels: { "velero.io/backup-name": backup.metadata.name, "velero.io/backup-uid": backup.metadata.uid ?? "" },
    },
    spec: {
      node: "old-node",
      pod: { kind: "Pod", namespace, name: pod, uid: `old-${pod}` },
      volume,
      backupStorageLocation: location,
      repoIdentifier: "",
      uploaderType: "restic",
    },
    status: { phase: "Completed", snapshotID, progress: { totalBytes: 7, bytesDone: 7 } },
  };
}

function entriesOf(objects: StoredBackup["objects"]): TarballEntry[] {
  const entries: TarballEntry[] = [{ name: "metadata/version", content: "1.1.0\n" }];
  for (const [groupResource, items] of Object.entries(objects)) {
    for (const item of items) {
      const { namespace, name } = item.metadata;
      const place = namespace === undefined ? "cluster" : `namespaces/${namespace}`;
      entries.push({ name: `resources/${groupResource}/${place}/${name}.json`, content: JSON.stringify(item) });
    }
  }
  return entries;
}
