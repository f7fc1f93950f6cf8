// The main job: Backups make PodVolumeBackups, the agent fills a restic repository, a PodVolumeRestore brings the files
// back while the real restore-helper waits, and stock restic judges the repository.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type Cluster, nodeName, startRoles } from "./cluster.ts";
import { assertSame } from "./embedded.ts";
import { finishInit, type PlayedPod, runPod } from "./kubelet.ts";
import { heading, say, timed } from "./narration.ts";
import { changeSampleFiles, writeSampleFiles } from "./sample-files.ts";

const velero = "/apis/velero.io/v1/namespaces/velero";
const demo = "demo";

interface Resource {
  readonly metadata: { readonly name: string; readonly uid: string; readonly annotations?: Record<string, string> };
  readonly spec: Record<string, unknown> & {
    readonly pod: { readonly name: string };
    readonly volume: string;
    readonly repoIdentifier: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly failureReason?: string;
    readonly snapshotID?: string;
  };
}

/** The whole story; throws at the first thing that is not as it should be. */
export async function showCluster(cluster: Cluster, folder: string): Promise<void> {
  heading("A storage location, the server and the agent");
  await createLocation(cluster);
  // The server asks for a running agent pod on the node before it makes a PodVolumeBackup.
  await runPod(cluster, {
    name: "node-agent-1",
    namespace: "velero",
    labels: { name: "node-agent", role: "node-agent" },
    volumes: [],
  });
  mkdirSync(cluster.podsDirectory, { recursive: true });
  await startRoles(cluster);
  heading("Two pods; this program plays the kubelet for them in a temporary directory");
  await cluster.control.must("POST", "/api/v1/namespaces", { metadata: { name: demo } });
  const notes = await runPod(cluster, {
    name: "notes",
    namespace: demo,
    volumes: ["data", "cache"],
    annotations: { "backup.velero.io/backup-volumes": "data" },
  });
  const plain = await runPod(cluster, { name: "plain", namespace: demo, volumes: ["files"] });
  writeSampleFiles(notes.volume("data"), 256);
  writeSampleFiles(plain.volume("files"), 32);
  say("pod notes opts in with the annotation backup.velero.io/backup-volumes=data; pod plain has no annotation");
  await backUp(cluster, "first", {}, "opt-in: one volume");
  changeSampleFiles(notes.volume("data"));
  const second = await backUp(cluster, "second", {}, "again after one new file: next to nothing is new");
  await backUp(cluster, "everything", { defaultVolumesToFsBackup: true }, "opt-out: every volume of both pods");
  await restoreVolume({ cluster, folder, original: notes, source: second.find((one) => one.spec.volume === "data") });
  await askRestic(cluster, second);
}

async function createLocation({ control, store }: Cluster): Promise<void> {
  const cloud = `[default]\naws_access_key_id = ${store.accessKeyId}\naws_secret_access_key = ${store.secretAccessKey}\n`;
  await control.must("POST", "/api/v1/namespaces/velero/secrets", {
    metadata: { name: "cloud-credentials" },
    stringData: { cloud },
  });
  await control.must("POST", `${velero}/backupstoragelocations`, {
    metadata: { name: "default" },
    apiVersion: "velero.io/v1",
    kind: "BackupStorageLocation",
    spec: {
      provider: "aws",
      default: true,
      objectStorage: { bucket: "backups" },
      credential: { name: "cloud-credentials", key: "cloud" },
      config: { region: store.region, s3Url: store.endpoint, s3ForcePathStyle: "true" },
    },
  });
}

async function backUp(cluster: Cluster, name: string, spec: object, what: string): Promise<readonly Resource[]> {
  heading(`Backup "${name}", ${what}`);
  const { control } = cluster;
  await control.must("POST", `${velero}/backups`, {
    apiVersion: "velero.io/v1",
    kind: "Backup",
    metadata: { name },
    spec: { includedNamespaces: [demo], storageLocation: "default", ...spec },
  });
  const backup = await timed("done", () => ended(cluster, `${velero}/backups/${name}`));
  const { stdout } = await control.kubectl([
    "-n",
    "velero",
    "get",
    "podvolumebackups",
    "-l",
    `velero.io/backup-name=${name}`,
  ]);
  say(`$ kubectl -n velero get podvolumebackups -l velero.io/backup-name=${name}`);
  say(stdout);
  if (backup.status?.phase !== "Completed")
    throw new Error(`Backup ${name} ended ${backup.status?.phase}: ${backup.status?.failureReason}`);
  const list = await control.must("GET", `${velero}/podvolumebackups?labelSelector=velero.io/backup-name=${name}`);
  const items = (list as { items: Resource[] }).items;
  const summary = items.map((one) => one.status as { incrementalBytes?: number; progress?: { totalBytes?: number } });
  const sum = (values: (number | undefined)[]): number =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const [total, added] = [
    sum(summary.map((one) => one.progress?.totalBytes)),
    sum(summary.map((one) => one.incrementalBytes)),
  ];
  say(`${(total / 1e6).toFixed(1)} MB in the volumes, ${(added / 1e6).toFixed(3)} MB of it were new`);
  return items;
}

/** Waits for an end phase. */
async function ended(cluster: Cluster, path: string): Promise<Resource> {
  let found: Resource | undefined;
  await eventually(
    `${path} reaches an end phase`,
    async () => {
      found = (await cluster.control.must("GET", path)) as Resource;
      return ["Completed", "PartiallyFailed", "Failed", "FailedValidation", "Canceled"].includes(
        found.status?.phase ?? "",
      );
    },
    120_000,
  );
  return found as Resource;
}

interface RestoreStory {
  readonly cluster: Cluster;
  readonly folder: string;
  readonly original: PlayedPod;
  readonly source: Resource | undefined;
}

async function restoreVolume({ cluster, folder, original, source }: RestoreStory): Promise<void> {
  heading("The pod is gone; a new one waits in its init container until the agent has brought the files back");
  if (source === undefined) throw new Error("the PodVolumeBackup of the volume data is missing");
  const { control } = cluster;
  await control.must("DELETE", `/api/v1/namespaces/${demo}/pods/${original.name}`);
  const restore = (await control.must("POST", `${velero}/restores`, {
    apiVersion: "velero.io/v1",
    kind: "Restore",
    metadata: { name: "back" },
    spec: { backupName: "second" },
  })) as Resource;
  const { uid } = restore.metadata;
  const pod = await runPod(cluster, { name: "notes", namespace: demo, volumes: ["data"], restoreUid: uid });
  // In a real pod the volumes are mounted below /restores; here their directories lie side by side as they are.
  const restores = dirname(pod.volume("data"));
  const helper = await cluster.startRole("restore-helper", [
    "restore-helper",
    uid,
    "--restores-dir",
    restores,
    "--termination-log",
    join(folder, "termination-log"),
  ]);
  const owner = { apiVersion: "velero.io/v1", kind: "Restore", name: "back", uid, controller: true };
  await control.must("POST", `${velero}/podvolumerestores`, {
    apiVersion: "velero.io/v1",
    kind: "PodVolumeRestore",
    metadata: {
      name: "back-data",
      ownerReferences: [owner],
      labels: { "velero.io/pod-uid": pod.uid, "velero.io/restore-uid": uid },
    },
    spec: {
      pod: { kind: "Pod", namespace: demo, name: pod.name, uid: pod.uid },
      volume: "data",
      backupStorageLocation: "default",
      repoIdentifier: source.spec.repoIdentifier,
      snapshotID: source.status?.snapshotID,
      sourceNamespace: demo,
      uploaderType: "restic",
    },
  });
  const done = await timed("done", () => ended(cluster, `${velero}/podvolumerestores/back-data`));
  if (done.status?.phase !== "Completed")
    throw new Error(`the PodVolumeRestore ended ${done.status?.phase}: ${done.status?.message}`);
  const { code } = await helper.ended;
  say(`the restore-helper ended with ${code}; its last words: ${helper.output().trim().split("\n").at(-1)}`);
  if (code !== 0) throw new Error(`the restore-helper failed:\n${helper.output()}`);
  await finishInit(cluster, pod);
  assertSame(original.volume("data"), pod.volume("data"));
}

async function askRestic({ control, store }: Cluster, volumeBackups: readonly Resource[]): Promise<void> {
  heading("What stock restic says about the repository");
  const secret = await control.must("GET", "/api/v1/namespaces/velero/secrets/velero-repo-credentials");
  const encoded = (secret as { data: Record<string, string> }).data["repository-password"] ?? "";
  const repository = volumeBackups[0]?.spec.repoIdentifier ?? "";
  const options = { repository, password: Buffer.from(encoded, "base64").toString(), env: store.env };
  for (const args of [
    ["snapshots", "--compact"],
    ["check", "--read-data"],
  ]) {
    say(`$ restic -r ${repository} ${args.join(" ")}`);
    say((await resticMust(args, options)).stdout);
  }
  say(`the pods' node was ${nodeName}; the repository lies under restic/${demo} in the bucket "backups"`);
}
