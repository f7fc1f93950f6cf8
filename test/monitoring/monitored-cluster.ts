// A server and an agent on the real control plane, scraped by a real Prometheus while they back up, restore, fail, wait for
// a lock and for a pod: every series that they can show is there at the end.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initRepository, openStorage, type Repository, withLock } from "../../repo-format/index.ts";
import type { Pod } from "../../src/api/core.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

const core = "/api/v1";
const node = "node-1";

export class MonitoredCluster {
  readonly prometheus: Prometheus;
  readonly server: RunningProcess;
  readonly agent: RunningProcess;
  readonly rig: ServerRig;
  readonly #s3: S3Server;
  readonly #unlock = Promise.withResolvers<void>();
  #lock: Promise<void> = Promise.resolve();
  #counter = 0;
  #data = "";

  constructor(parts: {
    rig: ServerRig;
    s3: S3Server;
    server: RunningProcess;
    agent: RunningProcess;
    prometheus: Prometheus;
  }) {
    this.rig = parts.rig;
    this.#s3 = parts.s3;
    this.server = parts.server;
    this.agent = parts.agent;
    this.prometheus = parts.prometheus;
  }

  /** Everything happens twice, with a scrape between: a counter that is only seen after its change has no rate. */
  async live(): Promise<void> {
    const { rig } = this;
    await this.#makeVolumes();
    const template = { includedNamespaces: ["shop"] };
    const schedule = { schedule: "0 3 * * *", skipImmediately: true, template };
    await rig.make("schedules", { kind: "Schedule", metadata: { name: "nightly" }, spec: schedule });
    for (const round of ["one", "two"]) {
      await this.#backUpAndRestore(round);
      await this.#scraped(`stowage_volume_objects{phase="Failed",direction="restore"} == ${round === "one" ? 1 : 2}`);
    }
    const spec = { backupName: "good-one" };
    await rig.make("deletebackuprequests", { kind: "DeleteBackupRequest", metadata: { name: "d" }, spec });
    await this.#scraped("velero_backup_deletion_success_total");
    await this.#holdRepository();
  }

  async #makeVolumes(): Promise<void> {
    const { rig } = this;
    await rig.makeAgentPod(node);
    const pod = await rig.makePod({ namespace: "shop", name: "web" });
    this.#data = rig.volumePath(pod, "data");
    for (let file = 0; file < 20; file++) writeFileSync(join(this.#data, `file-${file}`), `${file} `.repeat(20_000));
    // Nothing is mounted where this one ought to be: its backups fail.
    await rig.makeClaim({ namespace: "mixed", name: "claim" });
    const volumes = [{ name: "lost", persistentVolumeClaim: { claimName: "claim" } }];
    const broken = await rig.makePod({ namespace: "mixed", name: "broken", volumes });
    mkdirSync(join(rig.hostPods, broken.metadata.uid ?? "", "volumes"), { recursive: true });
    const location = { provider: "aws", objectStorage: { bucket: "backups", prefix: "denied" } };
    const { region, endpoint, accessKeyId } = this.#s3;
    const cloud = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = wrong\n`;
    await rig.controlPlane.must("POST", `${core}/namespaces/velero/secrets`, {
      metadata: { name: "denied" },
      stringData: { cloud },
    });
    await rig.makeLocation("denied", {
      ...location,
      credential: { name: "denied", key: "cloud" },
      config: { region, s3Url: endpoint, s3ForcePathStyle: "true" },
    });
  }

  async #backUpAndRestore(round: string): Promise<void> {
    const { rig } = this;
    // So that each round has something new to store.
    writeFileSync(join(this.#data, round), randomBytes(50_000));
    const defaultVolumesToFsBackup = true;
    await rig.makeBackup(`good-${round}`, { spec: { includedNamespaces: ["shop"], defaultVolumesToFsBackup } });
    await rig.backupEnd(`good-${round}`, 60_000);
    const labels = { "velero.io/schedule-name": "nightly" };
    const spec = { includedNamespaces: ["mixed"], defaultVolumesToFsBackup };
    await rig.makeBackup(`bad-${round}`, { spec, labels });
    await rig.backupEnd(`bad-${round}`, 60_000);
    const [made] = await rig.volumeBackups(`good-${round}`);
    if (made === undefined) throw new Error("the Backup has no volume");
    const good = await this.#restore(made, { running: {} });
    const bad = await this.#restore(made, { terminated: { exitCode: 0 } });
    for (const name of [good, bad]) {
      await rig.when<PodVolumeRestore>("podvolumerestores", name, isEnded);
    }
    await this.#backUpWithoutRights(made, round);
  }

  /** A PodVolumeRestore into a new pod whose restore-wait is in this state. */
  async #restore({ spec, status }: PodVolumeBackup, state: object): Promise<string> {
    const name = `restored-${++this.#counter}`;
    const pods = `${core}/namespaces/shop/pods`;
    const waiting = { name: "restore-wait", image: "none" };
    const pod = (await this.rig.controlPlane.must("POST", pods, {
      metadata: { name },
      spec: {
        nodeName: node,
        initContainers: [waiting],
        containers: [{ name: "app", image: "none" }],
        volumes: [{ name: "data", emptyDir: {} }],
      },
    })) as Pod;
    this.rig.volumePath(pod, "data");
    const container = { name: "restore-wait", image: "none", imageID: "", ready: false, restartCount: 0, state };
    const patch = { status: { phase: "Pending", initContainerStatuses: [container] } };
    await this.rig.controlPlane.must("PATCH", `${pods}/${name}/status`, patch, "application/merge-patch+json");
    const owner = { apiVersion: "velero.io/v1", kind: "Restore", name: "r", uid: randomUUID(), controller: true };
    await this.rig.make("podvolumerestores", {
      kind: "PodVolumeRestore",
      metadata: { name, ownerReferences: [owner], labels: { "velero.io/restore-name": "r" } },
      spec: {
        pod: { kind: "Pod", namespace: "shop", name, uid: pod.metadata.uid },
        volume: "data",
        backupStorageLocation: spec.backupStorageLocation,
        repoIdentifier: spec.repoIdentifier,
        sourceNamespace: "shop",
        snapshotID: status?.snapshotID ?? "",
        uploaderType: "restic",
      },
    });
    return name;
  }

  /** The store answers with 403. */
  async #backUpWithoutRights({ spec }: PodVolumeBackup, round: string): Promise<void> {
    const repoIdentifier = this.#s3.location("backups", "denied/restic/shop");
    const name = `denied-${round}`;
    const change = { backupStorageLocation: "denied", repoIdentifier };
    await this.rig.make("podvolumebackups", {
      kind: "PodVolumeBackup",
      metadata: { name },
      spec: { ...spec, ...change },
    });
    await this.rig.when<PodVolumeBackup>("podvolumebackups", name, isEnded);
  }

  /** Another program's lock: one volume waits for it, one for the slot of the first, and a restore for its pod. */
  async #holdRepository(): Promise<void> {
    const { rig } = this;
    const repository = await this.#makeRepository("held");
    const isLocked = Promise.withResolvers<void>();
    this.#lock = withLock(repository, { exclusive: true }, async () => {
      isLocked.resolve();
      await this.#unlock.promise;
    }).finally(() => repository.close());
    await isLocked.promise;
    const pod = await rig.makePod({
      namespace: "held",
      name: "web",
      volumes: [
        { name: "a", emptyDir: {} },
        { name: "b", emptyDir: {} },
      ],
    });
    for (const volume of ["a", "b"]) writeFileSync(join(rig.volumePath(pod, volume), "file"), "content");
    await rig.makeBackup("held", { spec: { includedNamespaces: ["held"], defaultVolumesToFsBackup: true } });
    const [made] = await rig.volumeBackups("good-two");
    if (made !== undefined) await this.#restore(made, { waiting: {} });
    await this.#scraped("stowage_lock_wait_seconds > 0");
    await this.#scraped('stowage_volumes_waiting{direction="backup"} > 0');
    await this.#scraped('stowage_repository_locked_since_timestamp_seconds{kind="exclusive"}');
  }

  async #makeRepository(namespace: string): Promise<Repository> {
    const { accessKeyId, secretAccessKey, region } = this.#s3;
    const secret = (await this.rig.controlPlane.must(
      "GET",
      `${core}/namespaces/velero/secrets/velero-repo-credentials`,
    )) as {
      data: Record<string, string>;
    };
    return await initRepository({
      storage: await openStorage(this.#s3.location("backups", `cluster/restic/${namespace}`), {
        create: true,
        s3: { region, credentials: { accessKeyId, secretAccessKey } } as never,
      }),
      password: Buffer.from(secret.data["repository-password"] ?? "", "base64").toString(),
      identity: { hostname: "elsewhere", username: "somebody", pid: process.pid, uid: 0, gid: 0 },
      kdf: { N: 2 ** 10, r: 8, p: 1 },
    });
  }

  async #scraped(expr: string): Promise<void> {
    const isThere = async (): Promise<boolean> => (await this.prometheus.query(expr)).length > 0;
    await eventually(`Prometheus has ${expr}`, isThere, 60_000).catch((error: Error) => {
      const outputs = [this.server, this.agent].map((one) => one.output().slice(-3000)).join("\n---\n");
      throw new Error(`${error.message}\n${outputs}`);
    });
  }

  async stop(): Promise<void> {
    this.#unlock.resolve();
    await this.#lock;
    await this.prometheus.process.stop();
    await this.rig.stop();
    await this.#s3.stop();
  }
}

/** Starts everything; call stop() at the end. */
export async function startMonitoredCluster(): Promise<MonitoredCluster> {
  const [rig, s3] = await Promise.all([startServerRig(), startS3Server({ buckets: ["backups"] })]);
  await rig.makeS3Location(s3, "cluster");
  const [server, agent] = await Promise.all([rig.startServer(), rig.startAgent(node)]);
  const folder = join(rig.folder, "prometheus");
  mkdirSync(folder);
  const prometheus = await startPrometheus(folder, [
    { port: metricsPort(agent), labels: { job: "stowage-agent", namespace: "velero", pod: "node-agent-x", node } },
    { port: metricsPort(server), labels: { job: "stowage-server", namespace: "velero", pod: "stowage-x" } },
  ]);
  return new MonitoredCluster({ rig, s3, server, agent, prometheus });
}

export function metricsPort(process_: RunningProcess): number {
  return Number(/serving metrics.*?port=(\d+)/.exec(process_.output())?.[1]);
}

function isEnded({ status }: PodVolumeBackup | PodVolumeRestore): boolean {
  return status?.phase === "Completed" || status?.phase === "Failed";
}
