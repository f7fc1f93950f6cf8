// A cluster moves: two control planes and one bucket. What one backs up, the other learns from the bucket and restores, with
// its volumes.
import assert from "node:assert/strict";

import { join } from "node:path";
import { after, before, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { Restore } from "../../src/api/restore.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { copyTree } from "../support/copy-tree.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";

const prefix = "moving";
let s3: S3Server;
let from: LivingCluster;
let to: LivingCluster;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  const options = { s3, bucket: "backups", prefix };
  [from, to] = await Promise.all([startLivingCluster(options), startLivingCluster(options)]);
  await from.startServer();
  await from.startAgent();
});

after(async () => {
  await Promise.all([from?.stop(), to?.stop()]);
  await s3?.stop();
});

async function ended<T extends Backup | Restore>(cluster: LivingCluster, plural: string, name: string): Promise<T> {
  let found: T | undefined;
  const hasEnded = async (): Promise<boolean> => {
    found = await cluster.get<T>(plural, name);
    return /^(Completed|PartiallyFailed|Failed|FailedValidation)$/.test(found?.status?.phase ?? "");
  };
  await eventually(`${plural} ${name} ends`, hasEnded, 90_000).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(found)}\n${cluster.outputs()}`);
  });
  return found as T;
}

const request = (kind: string, name: string, spec: object): object => ({
  apiVersion: "velero.io/v1",
  kind,
  metadata: { name, namespace: "velero" },
  spec,
});

it("what one cluster backs up, another restores with its volumes", async () => {
  await from.apply(...demoWorkload("demo"));
  const pod = await from.runningPod("demo", "app=web");
  const data = await from.node.findVolume("demo", pod, "data");
  fillVolume(data, 7);
  const original = join(from.folder, "original");
  copyTree(data, original);
  await from.apply(request("Backup", "leaving", { includedNamespaces: ["demo"], storageLocation: "default" }));
  assert.equal((await ended<Backup>(from, "backups", "leaving")).status?.phase, "Completed");

  // The password of the repositories is the one thing that does not travel through the bucket.
  const secret = (await from.controlPlane.must("GET", "/api/v1/namespaces/velero/secrets/velero-repo-credentials")) as {
    readonly data: Readonly<Record<string, string>>;
  };
  const metadata = { name: "velero-repo-credentials", namespace: "velero" };
  await to.apply({ apiVersion: "v1", kind: "Secret", metadata, data: secret.data });
  await to.startServer();
  await to.startAgent();
  const isKnown = async (): Promise<boolean> => (await to.get("backups", "leaving")) !== undefined;
  await eventually("the other cluster knows the Backup", isKnown, 90_000);
  const volumes = await to.list<PodVolumeBackup>("podvolumebackups", "velero.io/backup-name=leaving");
  assert.deepEqual(
    volumes.map(({ status }) => status?.phase),
    ["Completed", "Completed"],
  );

  await to.apply(request("Restore", "arriving", { backupName: "leaving" }));
  const restore = await ended<Restore>(to, "restores", "arriving");
  assert.equal(restore.status?.phase, "Completed", `${JSON.stringify(restore)}\n${to.outputs()}`);
  const restored = await to.node.findVolume("demo", await to.runningPod("demo", "app=web"), "data");
  assert.deepEqual(compareTrees(original, restored, { root: false }), []);
});

it("a Backup that is deleted in one cluster vanishes from the other", async () => {
  await from.apply(request("DeleteBackupRequest", "away", { backupName: "leaving" }));
  const isGone = async (cluster: LivingCluster): Promise<boolean> =>
    (await cluster.get("backups", "leaving")) === undefined;
  await eventually("it is gone where it was deleted", () => isGone(from), 90_000);
  await eventually("it is gone in the other cluster", () => isGone(to), 120_000);
});
