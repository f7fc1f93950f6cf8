// The story of a namespace that is lost, told with our command line: server and agent as processes on the real control plane,
// workloads on a played node, a real S3 server.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compareTrees } from "../support/compare-trees.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { runOnCluster } from "../support/in-process-cli.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually, runProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";

let s3: S3Server;
let cluster: LivingCluster;
let original: string;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  cluster = await startLivingCluster({ s3 });
  await cluster.apply(...demoWorkload("demo"));
  original = join(cluster.folder, "original");
  mkdirSync(original);
  const data = await cluster.node.findVolume("demo", await cluster.runningPod("demo", "app=web"), "data");
  fillVolume(data, 1);
  // With every digit of the times, which Node's own copy rounds.
  await runProcess("cp", { args: ["-a", `${data}/.`, original] });
  await cluster.startServer("--download-address", "127.0.0.1:0");
  await cluster.startAgent();
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

/** What the command prints; it must end with this code. */
async function stowage(code: number, ...words: string[]): Promise<string> {
  const result = await runOnCluster(words, { kubeconfig: cluster.controlPlane.adminKubeconfig });
  const told = `stowage ${words.join(" ")} ended with ${result.code}:\n${result.stdout}${result.stderr}\n`;
  assert.equal(result.code, code, told + cluster.outputs());
  return result.stdout + result.stderr;
}

describe("the command line against our server", () => {
  it("makes a storage location and sees that it can be used", async () => {
    const config = `region=${s3.region},s3Url=${s3.endpoint},s3ForcePathStyle=true`;
    const flags = ["--provider", "aws", "--bucket", "backups", "--config", config, "--default"];
    await stowage(0, "backup-location", "create", "main", ...flags, "--credential", "cloud-credentials=cloud");
    const isAvailable = async (): Promise<boolean> => / Available /.test(await stowage(0, "backup-location", "get"));
    await eventually("the location is available", isAvailable);
  });

  it("backs up a namespace with its volumes, and waits", async () => {
    const said = await stowage(0, "backup", "create", "first", "--include-namespaces", "demo", "--wait");
    assert.match(said, /The backup first is Completed/);
  });

  it("describes it, reads its log and fetches its objects", async () => {
    const text = await stowage(0, "backup", "describe", "first", "--details");
    assert.match(text, /Phase: +Completed\n/);
    assert.match(text, /apps\/v1\/Deployment \(2 objects\):\n {4}- demo\/plain\n {4}- demo\/web\n/);
    assert.match(text, /demo\/web-\S+ data \(\S+ KiB, snapshot [0-9a-f]{8}\)\n/);
    assert.match(text, /Not taken:\n(?: {4}.*\n)* {4}pod demo\/web-\S+ volume cache.*: the pod's annotation/);
    assert.match(text, /Succeeded=True \(Completed/);
    assert.match(await stowage(0, "backup", "logs", "first"), /level=info msg=/);
    const file = join(cluster.folder, "first.tar.gz");
    await stowage(0, "backup", "download", "first", "-o", file);
    const { stdout } = await runProcess("tar", { args: ["-tzf", file] });
    assert.match(stdout, /^resources\/deployments\.apps\/namespaces\/demo\/web\.json$/m);
  });

  it("restores a namespace that was lost, with its files", async () => {
    await cluster.deleteNamespace("demo");
    const said = await stowage(0, "restore", "create", "back", "--from-backup", "first", "--wait");
    assert.match(said, /The restore back is Completed/);
    const pod = await cluster.runningPod("demo", "app=web");
    const restored = await cluster.node.findVolume("demo", pod, "data");
    assert.deepEqual(compareTrees(original, restored, { root: false }), []);
    const text = await stowage(0, "restore", "describe", "back", "--details");
    assert.match(text, /Pod Volume Restores:\n {2}Completed:\n(?: {4}.*\n)* {4}demo\/web-\S+ data/);
    assert.match(text, /- demo\/web\(created\)\n/);
    assert.match(await stowage(0, "restore", "logs", "back"), /level=info msg=/);
  });

  it("makes a Backup from a Schedule, and says why a request is refused", async () => {
    await stowage(0, "schedule", "create", "nightly", "--schedule", "@every 24h", "--include-namespaces", "demo");
    const isEnabled = async (): Promise<boolean> => / Enabled /.test(await stowage(0, "schedule", "get", "nightly"));
    await eventually("the schedule is enabled", isEnabled);
    await stowage(0, "schedule", "pause", "nightly");
    await stowage(0, "backup", "create", "second", "--from-schedule", "nightly", "--wait");
    await stowage(0, "schedule", "delete", "nightly", "--confirm");
    const refused = await stowage(1, "backup", "create", "wrong", "--resource-policies-configmap", "nowhere", "--wait");
    assert.match(refused, /wrong is FailedValidation: .*nowhere/);
    await stowage(1, "backup", "logs", "wrong");
  });

  it("reads files of a location that is a directory from the server, whose certificate comes with the address", async () => {
    const path = join(cluster.folder, "location");
    mkdirSync(join(path, "b"), { recursive: true });
    const flags = ["--provider", "local", "--bucket", "b", "--config", `path=${path}`];
    await stowage(0, "backup-location", "create", "folder", ...flags);
    const isAvailable = async (): Promise<boolean> =>
      / Available /.test(await stowage(0, "backup-location", "get", "folder"));
    await eventually("the directory is available", isAvailable);
    const what = ["--include-namespaces", "demo", "--include-resources", "configmaps"];
    await stowage(0, "backup", "create", "third", "--storage-location", "folder", ...what, "--wait");
    assert.match(await stowage(0, "backup", "logs", "third"), /level=info msg=/);
    assert.match(
      await stowage(0, "backup", "describe", "third", "--details"),
      /v1\/ConfigMap .*:\n(?: {4}.*\n)* {4}- demo\/settings/,
    );
    await stowage(0, "backup", "delete", "third", "--confirm", "--wait");
  });

  it("deletes a Backup with its data and its Restores", async () => {
    assert.match(await stowage(0, "backup", "delete", "first", "--confirm", "--wait"), /Backup first is removed/);
    assert.match(await stowage(0, "restore", "get"), /no restores found/);
    assert.match(await stowage(1, "backup", "describe", "first"), /no backup "first"/);
  });
});
