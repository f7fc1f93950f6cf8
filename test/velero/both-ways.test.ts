// One bucket, two servers: the real Velero 1.16 restores what ours has backed up, and ours restores what Velero has. The
// volumes are moved by our agent both times; each server finds the other's Backup in the bucket alone.
import assert from "node:assert/strict";

import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compareTrees } from "../support/compare-trees.ts";
import { copyTree } from "../support/copy-tree.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { startVeleroServer } from "../support/velero-server.ts";

let s3: S3Server;
let cluster: LivingCluster;
let original: string;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  cluster = await startLivingCluster({ s3, crds: "velero", bucket: "backups" });
  await cluster.apply(...demoWorkload("demo"));
  const data = await cluster.node.findVolume("demo", await cluster.runningPod("demo", "app=web"), "data");
  fillVolume(data, 3);
  original = join(cluster.folder, "original");
  copyTree(data, original);
  await cluster.startAgent();
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

/** The custom resources of a Backup go; what lies in the bucket stays. */
async function forgetInCluster(backup: string): Promise<void> {
  await cluster.kubectl("-n", "velero", "delete", "backups.velero.io", backup, "--wait=true");
  await cluster.kubectl(
    "-n",
    "velero",
    "delete",
    "podvolumebackups.velero.io",
    "-l",
    `velero.io/backup-name=${backup}`,
  );
}

/** One server makes it, the other finds, describes and restores it. */
async function passOn(
  backup: string,
  by: () => Promise<RunningProcess>,
  to: () => Promise<RunningProcess>,
): Promise<void> {
  await cluster.kubectl("-n", "velero", "patch", "bsl", "default", "--type=merge", "-p", '{"status":null}');
  const first = await by();
  await cluster.kubectl("-n", "velero", "wait", "--for=jsonpath={.status.phase}=Available", "bsl/default");
  const made = await cluster.velero("backup", "create", backup, "--include-namespaces", "demo", "--wait");
  assert.match(made, /completed with status: Completed/, `${made}\n${cluster.outputs()}`);
  await first.stop();
  await forgetInCluster(backup);
  const second = await to();
  const isFound = async (): Promise<boolean> => (await cluster.get("backups", backup)) !== undefined;
  await eventually("the other server finds the Backup in the bucket", isFound, 120_000);
  const describe = (): Promise<string> => cluster.velero("backup", "describe", backup, "--details");
  // Both servers make the PodVolumeBackups after the Backup.
  const hasVolumes = async (): Promise<boolean> => /Pod Volume Backups - restic:\s+Completed:/.test(await describe());
  await eventually("and its PodVolumeBackups", hasVolumes);
  assert.match(await describe(), /apps\/v1\/Deployment:\s+- demo\/plain\s+- demo\/web/);
  await cluster.deleteNamespace("demo");
  const restored = await cluster.velero("restore", "create", `${backup}-back`, "--from-backup", backup, "--wait");
  const results = await cluster.tryVelero("restore", "describe", `${backup}-back`, "--details");
  assert.match(restored, /completed with status: Completed/, `${restored}\n${results.stdout}\n${cluster.outputs()}`);
  const data = await cluster.node.findVolume("demo", await cluster.runningPod("demo", "app=web"), "data");
  assert.deepEqual(compareTrees(original, data, { root: false }), []);
  await second.stop();
}

describe("a bucket that our server and Velero 1.16 share", () => {
  const ours = (): Promise<RunningProcess> => cluster.startServer();
  const theirs = (): Promise<RunningProcess> => startVeleroServer(cluster);

  it("Velero syncs, describes and restores what ours has backed up", async () => {
    await passOn("by-ours", ours, theirs);
  });

  it("ours syncs, describes and restores what Velero has backed up", async () => {
    await passOn("by-velero", theirs, ours);
  });
});
