// The main job: two annotated workloads, a Backup, the namespace deleted, a Restore, every file compared, and stock restic's
// verdict on the repository.
import { join } from "node:path";
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { copyTree } from "../support/copy-tree.ts";
import { demoWorkload } from "../support/demo-workload.ts";
import { resticMust } from "../support/restic.ts";
import { startChild } from "./children.ts";
import { type Cluster, startRoles } from "./cluster.ts";
import { assertSame } from "./embedded.ts";
import { heading, say, timed } from "./narration.ts";
import { changeSampleFiles, writeSampleFiles } from "./sample-files.ts";

const demo = "demo";
const program = join(import.meta.dirname, "..", "..", "src", "main.ts");

/** A volume of a workload: what it held, as a copy. */
interface KeptVolume {
  readonly app: string;
  readonly volume: string;
  readonly copy: string;
}

/** The whole story; throws at the first thing that is not as it should be. */
export async function showCluster(cluster: Cluster, folder: string): Promise<void> {
  heading("The server and the agent");
  await startRoles(cluster);
  const kept = await startWorkloads(cluster, folder);
  heading("A Backup of the namespace, and another one after a small change");
  await backUp(cluster, "first");
  const web = await volumeOf(cluster, kept[0] as KeptVolume);
  changeSampleFiles(web);
  copyTree(web, (kept[0] as KeptVolume).copy);
  await backUp(cluster, "second");
  await loseAndRestore(cluster, kept);
  await askRestic(cluster);
}

async function startWorkloads(cluster: Cluster, folder: string): Promise<readonly KeptVolume[]> {
  heading("Two workloads opt in with the annotation backup.velero.io/backup-volumes");
  await cluster.living.apply(...demoWorkload(demo));
  const kept: readonly KeptVolume[] = [
    { app: "web", volume: "data", copy: join(folder, "web") },
    { app: "plain", volume: "files", copy: join(folder, "plain") },
  ];
  for (const [index, one] of kept.entries()) {
    const path = await volumeOf(cluster, one);
    writeSampleFiles(path, index === 0 ? 256 : 32);
    copyTree(path, one.copy);
  }
  say(await cluster.living.kubectl("-n", demo, "get", "deployments,pods,persistentvolumeclaims,configmaps"));
  return kept;
}

async function volumeOf({ living }: Cluster, { app, volume }: KeptVolume): Promise<string> {
  return await living.node.findVolume(demo, await living.runningPod(demo, `app=${app}`), volume);
}

/** Our own command line; its output is shown. */
async function stowage({ living }: Cluster, ...words: string[]): Promise<void> {
  say(`$ stowage ${words.join(" ")}`);
  const { ended } = startChild(process.execPath, [program, ...words], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, KUBECONFIG: living.controlPlane.adminKubeconfig },
  });
  const code = await ended;
  if (code !== 0) throw new Error(`stowage ${words.join(" ")} ended with ${code}\n${living.outputs()}`);
}

async function backUp(cluster: Cluster, name: string): Promise<void> {
  await timed("done", () => stowage(cluster, "backup", "create", name, "--include-namespaces", demo, "--wait"));
  say(`$ kubectl -n velero get podvolumebackups -l velero.io/backup-name=${name}`);
  const selector = ["-l", `velero.io/backup-name=${name}`];
  say(await cluster.living.kubectl("-n", "velero", "get", "podvolumebackups", ...selector));
}

async function loseAndRestore(cluster: Cluster, kept: readonly KeptVolume[]): Promise<void> {
  heading("The namespace is deleted, and everything in it");
  const { living } = cluster;
  say(`$ kubectl delete namespace ${demo}`);
  await timed("gone, with its pods, its claim and its files", () => living.deleteNamespace(demo));
  heading("A Restore");
  const restore = (): Promise<void> =>
    stowage(cluster, "restore", "create", "back", "--from-backup", "second", "--wait");
  await timed("done", restore);
  // Finding a volume waits until its pod runs.
  const volumes = await Promise.all(kept.map((one) => volumeOf(cluster, one)));
  say(await living.kubectl("-n", demo, "get", "deployments,pods,persistentvolumeclaims,configmaps"));
  for (const [index, { copy }] of kept.entries()) assertSame(copy, volumes[index] ?? "");
}

async function askRestic({ living, store }: Cluster): Promise<void> {
  heading("What stock restic says about the repository");
  const [volume] = await living.list<PodVolumeBackup>("podvolumebackups");
  const secret = (await living.controlPlane.must(
    "GET",
    "/api/v1/namespaces/velero/secrets/velero-repo-credentials",
  )) as KubeObject & { readonly data: Readonly<Record<string, string>> };
  const repository = volume?.spec.repoIdentifier ?? "";
  const password = Buffer.from(secret.data["repository-password"] ?? "", "base64").toString();
  for (const args of [
    ["snapshots", "--compact"],
    ["check", "--read-data"],
  ]) {
    say(`$ restic -r ${repository} ${args.join(" ")}`);
    say((await resticMust(args, { repository, password, env: store.env })).stdout);
  }
}
