// The real client of Velero 1.16 drives our server: the tour that its users know, on a cluster with Velero's own CRDs.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { Schedule } from "../../src/api/schedule.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { copyTree } from "../support/copy-tree.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually, runProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";

let s3: S3Server;
let cluster: LivingCluster;
/** What the claim's volume held when it was backed up. */
let original: string;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups", "other"] });
  cluster = await startLivingCluster({ s3, crds: "velero" });
  await cluster.apply(...demoWorkload("demo"));
  original = join(cluster.folder, "original");
  const pod = await cluster.runningPod("demo", "app=web");
  const data = await cluster.node.findVolume("demo", pod, "data");
  fillVolume(data, 1);
  copyTree(data, original);
  const plain = await cluster.runningPod("demo", "app=plain");
  fillVolume(await cluster.node.findVolume("demo", plain, "files"), 2);
  await cluster.startServer();
  await cluster.startAgent();
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

/** The client's words and what it must say. */
async function says(pattern: RegExp, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.tryVelero(...words);
  const told = `velero ${words.join(" ")} ended with ${code}:\n${stdout}${stderr}\n${cluster.outputs()}`;
  assert.equal(code, 0, told);
  assert.match(stdout, pattern, told);
  return stdout;
}

describe("the client of Velero 1.16 against our server", () => {
  it("makes a storage location and sees that it is available", async () => {
    const config = `region=${s3.region},s3Url=${s3.endpoint},s3ForcePathStyle=true`;
    const flags = ["--provider", "velero.io/aws", "--bucket", "backups", "--config", config, "--default"];
    await says(/default/, "backup-location", "create", "default", ...flags, "--credential", "cloud-credentials=cloud");
    const isAvailable = async (): Promise<boolean> =>
      / Available /.test(await cluster.velero("backup-location", "get"));
    await eventually("the location is available", isAvailable);
  });

  it("learns the server's version", async () => {
    await says(/Server:\s+Version: \S*stowage/i, "version");
  });

  it("backs up a namespace with its volumes and waits for the end", async () => {
    await says(
      /completed with status: Completed/,
      "backup",
      "create",
      "first",
      "--include-namespaces",
      "demo",
      "--wait",
    );
  });

  it("describes it with its resources and its volumes", async () => {
    const text = await says(/Phase:\s+Completed/, "backup", "describe", "first", "--details");
    assert.match(text, /apps\/v1\/Deployment:\s+- demo\/plain\s+- demo\/web/);
    assert.match(text, /v1\/PersistentVolumeClaim:\s+- demo\/notes/);
    assert.match(text, /Pod Volume Backups - restic:\s+Completed:/);
    assert.match(text, /demo\/web-\S+: data/);
    assert.match(text, /Items backed up:\s+\d+/);
    assert.doesNotMatch(text, /<error|could not|An error occurred/i);
  });

  it("reads its log", async () => {
    await says(/level=info msg=/, "backup", "logs", "first");
  });

  it("downloads its contents", async () => {
    const file = join(cluster.folder, "first.tar.gz");
    await says(/downloaded/, "backup", "download", "first", "--output", file);
    const { stdout } = await runProcess("tar", { args: ["-tzf", file] });
    assert.match(stdout, /^metadata\/version$/m);
    assert.match(stdout, /^resources\/deployments\.apps\/namespaces\/demo\/web\.json$/m);
    assert.match(stdout, /^resources\/deployments\.apps\/v1-preferredversion\/namespaces\/demo\/web\.json$/m);
  });

  it("lists backups and repositories", async () => {
    await says(/first\s+Completed\s+0\s+0/, "backup", "get");
    await says(/demo-default-restic\s+Ready/, "repo", "get");
  });

  it("restores it under another name, with its files", async () => {
    const flags = ["--from-backup", "first", "--namespace-mappings", "demo:copy", "--wait"];
    await says(/completed with status: Completed/, "restore", "create", "second-home", ...flags);
    const text = await says(/Phase:\s+Completed/, "restore", "describe", "second-home", "--details");
    assert.match(text, /restic Restores:\s+Completed:/);
    assert.match(text, /apps\/v1\/Deployment:\s+- copy\/plain\(created\)/);
    await says(/level=info msg=/, "restore", "logs", "second-home");
    const pod = await cluster.runningPod("copy", "app=web");
    const restored = await cluster.node.findVolume("copy", pod, "data");
    assert.deepEqual(compareTrees(original, restored, { root: false }), []);
    assert.ok(!existsSync(join(restored, ".velero")), "the marker is gone");
  });

  it("restores a namespace that was lost", async () => {
    await cluster.deleteNamespace("demo");
    await says(/completed with status: Completed/, "restore", "create", "back", "--from-backup", "first", "--wait");
    const pod = await cluster.runningPod("demo", "app=web");
    const restored = await cluster.node.findVolume("demo", pod, "data");
    assert.deepEqual(compareTrees(original, restored, { root: false }), []);
    assert.equal(
      (await cluster.kubectl("-n", "demo", "get", "configmap", "settings", "-o", "jsonpath={.data.greeting}")).trim(),
      "hello",
    );
  });

  it("keeps a schedule, pauses it and lets it run", async () => {
    await says(
      /created successfully/,
      "schedule",
      "create",
      "nightly",
      "--schedule",
      "@every 24h",
      "--include-namespaces",
      "demo",
    );
    const isEnabled = async (): Promise<boolean> =>
      (await cluster.get<Schedule>("schedules", "nightly"))?.status?.phase === "Enabled";
    await eventually("the schedule is enabled", isEnabled);
    await says(/nightly\s+Enabled/, "schedule", "get");
    await says(/paused successfully/, "schedule", "pause", "nightly");
    await says(/Paused:\s+true/, "schedule", "describe", "nightly");
    await says(/unpaused successfully/, "schedule", "unpause", "nightly");
    await says(
      /submitted successfully|completed with status/,
      "backup",
      "create",
      "--from-schedule",
      "nightly",
      "--wait",
    );
    const made = await cluster.list<Backup>("backups", "velero.io/schedule-name=nightly");
    assert.ok(
      made.some(({ status }) => status?.phase === "Completed"),
      JSON.stringify(made),
    );
    await says(/deleted/, "schedule", "delete", "nightly", "--confirm");
  });

  it("deletes a backup: its objects and its snapshots", async () => {
    await says(/Request to delete backup "first" submitted successfully/, "backup", "delete", "first", "--confirm");
    const isGone = async (): Promise<boolean> => (await cluster.get("backups", "first")) === undefined;
    await eventually("the backup is gone", isGone, 60_000);
    const folders = readdirSync(join(s3.dataFolder, "backups", "backups"));
    assert.ok(!folders.includes("first"), folders.join());
    // Their own finalizers run after the Backup is gone.
    await eventually("its Restores are gone", async () => (await cluster.list("restores")).length === 0);
  });

  it("describes what was wrong with a request", async () => {
    const metadata = { name: "lost", namespace: "velero" };
    const spec = { storageLocation: "nowhere", includedNamespaces: ["demo"] };
    await cluster.apply({ apiVersion: "velero.io/v1", kind: "Backup", metadata, spec });
    const hasEnded = async (): Promise<boolean> =>
      (await cluster.get<Backup>("backups", "lost"))?.status?.phase === "FailedValidation";
    await eventually("the Backup is refused", hasEnded);
    await says(/Validation errors:.*nowhere/s, "backup", "describe", "lost");
  });
});
