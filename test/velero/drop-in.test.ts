// Our agent in the place of Velero's own: `velero install` as its client does it, one command that swaps the image, and back
// again. What the one agent wrote yesterday the other one goes on with.
import assert from "node:assert/strict";
import { existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { Restore } from "../../src/api/restore.ts";
import { CaseTable } from "../support/case-table.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { copyTree } from "../support/copy-tree.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { ourImage, veleroImageName } from "../support/played-images.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { assertCompleted, installVelero, type VeleroInstallation } from "../support/velero-installation.ts";

const velero = "1.16.2";
const table = new CaseTable("Taking the place of Velero's agent", [`Velero ${velero}`]);
const story = (row: string, run: () => Promise<unknown>): void => table.case(row, `Velero ${velero}`, run);

let s3: S3Server;
let cluster: VeleroInstallation;
/** Of the claim, and what it held at the newest backup. */
let data: string;
let original: string;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  cluster = await installVelero({ s3, bucket: "backups", flags: ["--uploader-type", "restic"] });
  await cluster.apply(...demoWorkload("demo"), ...demoWorkload("other"));
  for (const namespace of ["demo", "other"]) {
    const web = await cluster.runningPod(namespace, "app=web");
    // A hole: long to read, and nothing to store.
    const long = join(await cluster.node.findVolume(namespace, web, "data"), "long");
    if (namespace === "other") writeFileSync(long, "");
    if (namespace === "other") truncateSync(long, 2 ** 30);
    fillVolume(await cluster.node.findVolume(namespace, web, "data"), 1);
    fillVolume(await cluster.node.findVolume(namespace, web, "cache"), 2);
    const plain = await cluster.runningPod(namespace, "app=plain");
    fillVolume(await cluster.node.findVolume(namespace, plain, "files"), 3);
  }
  data = await cluster.node.findVolume("demo", await cluster.runningPod("demo", "app=web"), "data");
  original = join(cluster.folder, "original");
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

/** One more file, so that a backup has something new, and a copy of everything to compare with. */
function change(name: string): void {
  writeFileSync(join(data, name), `written before the backup ${name}\n`.repeat(50));
  copyTree(data, original);
}

interface SnapshotFacts {
  readonly id: string;
  readonly parent?: string;
  readonly hostname: string;
  readonly tags: readonly string[];
}

async function snapshots(namespace = "demo"): Promise<readonly SnapshotFacts[]> {
  const location = s3.location("backups", `restic/${namespace}`);
  return (await cluster.restic(location, "snapshots", "--json")).messages as unknown as readonly SnapshotFacts[];
}

/** The claim's snapshot of a Backup. */
async function snapshotOf(backup: string): Promise<SnapshotFacts> {
  const found = (await snapshots()).filter(
    ({ tags }) => tags.includes(`backup=${backup}`) && tags.includes("volume=data"),
  );
  assert.equal(found.length, 1, `${backup}: ${JSON.stringify(found)}`);
  return found[0] as SnapshotFacts;
}

async function volumesOf(backup: string): Promise<readonly string[]> {
  const volumes = await cluster.volumeBackups(backup);
  return volumes.map(({ spec }) => `${spec.pod.namespace}/${spec.volume}`).toSorted();
}

async function backsUp(name: string, ...flags: string[]): Promise<void> {
  assertCompleted(await cluster.backUp(name, ...flags), await cluster.volumeBackups(name), cluster.outputs());
}

/** Into another namespace, and every file compared. */
async function restores(name: string, backup: string): Promise<void> {
  const mapping = ["--namespace-mappings", `demo:${name}`, "--include-namespaces", "demo"];
  await cluster.client("restore", "create", name, "--from-backup", backup, ...mapping);
  const restore = await cluster.endOf<Restore>("restores", name);
  assert.equal(restore.status?.phase, "Completed", `${JSON.stringify(restore.status)}\n${cluster.outputs()}`);
  const restored = await cluster.node.findVolume(name, await cluster.runningPod(name, "app=web"), "data");
  assert.deepEqual(compareTrees(original, restored, { root: false }), []);
  assert.ok(!existsSync(join(restored, ".velero")), "nothing of ours stays in the volume");
  await cluster.deleteNamespace(name);
}

async function daemonSet(): Promise<string> {
  return await cluster.kubectl(
    "-n",
    "velero",
    "get",
    "daemonset",
    "node-agent",
    "-o",
    "jsonpath={.spec.template.spec}",
  );
}

const demo = ["--include-namespaces", "demo"];

describe("our agent under the objects of `velero install`", () => {
  story(
    "the image is swapped while Velero's own agent copies: nothing else changes, ours finishes the volume",
    async () => {
      change("yesterday");
      await backsUp("yesterday", ...demo);
      const before_ = await daemonSet();
      const pod = `pod/${(await cluster.agentPod(veleroImageName(velero))).metadata.name}`;
      await cluster.client("backup", "create", "between", "--include-namespaces", "other");
      const veleros = await cluster.holdInTheMiddle("other", veleroImageName(velero));
      await cluster.kubectl("-n", "velero", "set", "image", "daemonset/node-agent", `node-agent=${ourImage}`);
      // A container that ends before its pod is on the way out would be started again.
      await cluster.kubectl("-n", "velero", "wait", "--for=jsonpath={.metadata.deletionTimestamp}", pod);
      veleros.signal("SIGKILL");
      await cluster.agentPod(ourImage);
      assertCompleted(
        await cluster.endOf<Backup>("backups", "between"),
        await cluster.volumeBackups("between"),
        cluster.outputs(),
      );
      assert.equal((await daemonSet()).replace(ourImage, veleroImageName(velero)), before_);
    },
  );

  story("a repository of Velero's agent: today's snapshot by ours has yesterday's as its parent", async () => {
    change("today");
    await backsUp("today", ...demo);
    const snapshot = await snapshotOf("today");
    assert.equal(snapshot.parent, (await snapshotOf("yesterday")).id);
    assert.equal(snapshot.hostname, "velero");
    const claim = (await cluster.volumeBackups("today")).find(({ spec }) => spec.volume === "data");
    const report = JSON.parse(claim?.metadata.annotations?.["stowage.dev/report"] ?? "{}") as { bytesRead?: number };
    assert.ok((report.bytesRead ?? Number.NaN) < 5000, JSON.stringify(report));
    assert.equal(snapshot.id.slice(0, 8), claim?.status?.snapshotID?.slice(0, 8));
  });

  story("opt-in: only volumes that pods list", async () => {
    assert.deepEqual(await volumesOf("today"), ["demo/data", "demo/files"]);
  });

  story("opt-out (`--default-volumes-to-fs-backup`), several namespaces in one Backup", async () => {
    const pod = await cluster.runningPod("demo", "app=plain");
    const excluded = "backup.velero.io/backup-volumes-excludes=files";
    await cluster.kubectl("-n", "demo", "annotate", "pod", pod, excluded);
    await backsUp("all", "--include-namespaces", "demo,other", "--default-volumes-to-fs-backup");
    assert.deepEqual(await volumesOf("all"), ["demo/cache", "demo/data", "other/cache", "other/data", "other/files"]);
    const ofAll = (await snapshots("other")).filter(({ tags }) => tags.includes("backup=all"));
    assert.equal(ofAll.length, 3);
  });

  story("restore with `--namespace-mappings`, of what Velero's agent has backed up and of ours", async () => {
    const newest = join(cluster.folder, "newest");
    copyTree(original, newest);
    await restores("ours-again", "today");
    const { parent = "" } = await snapshotOf("today");
    assert.notEqual(parent, "");
    await cluster.client(
      "restore",
      "create",
      "older",
      "--from-backup",
      "yesterday",
      "--namespace-mappings",
      "demo:older",
    );
    const restore = await cluster.endOf<Restore>("restores", "older");
    assert.equal(restore.status?.phase, "Completed", `${JSON.stringify(restore.status)}\n${cluster.outputs()}`);
    const restored = await cluster.node.findVolume("older", await cluster.runningPod("older", "app=web"), "data");
    assert.deepEqual(compareTrees(newest, restored, { root: false, ignore: (path) => path === "today" }), []);
    assert.ok(!existsSync(join(restored, "today")));
    await cluster.deleteNamespace("older");
  });

  story("`velero backup delete`: the server forgets snapshots of both agents", async () => {
    const before_ = (await snapshots()).length;
    for (const name of ["yesterday", "all"]) await cluster.deleteBackup(name);
    const left = await snapshots();
    assert.equal(left.length, before_ - 2 - 2);
    assert.ok(left.every(({ tags }) => tags.includes("backup=today")));
  });

  story("back to Velero's agent (`kubectl rollout undo`): its snapshot has ours as its parent", async () => {
    await cluster.kubectl("-n", "velero", "rollout", "undo", "daemonset/node-agent");
    await cluster.agentPod(veleroImageName(velero));
    change("tomorrow");
    await backsUp("tomorrow", ...demo);
    assert.equal((await snapshotOf("tomorrow")).parent, (await snapshotOf("today")).id);
  });

  story("Velero's agent restores what ours has backed up", async () => {
    const location = s3.location("backups", "restic/demo");
    await cluster.client(
      "restore",
      "create",
      "undone",
      "--from-backup",
      "today",
      "--namespace-mappings",
      "demo:undone",
    );
    const restore = await cluster.endOf<Restore>("restores", "undone");
    assert.equal(restore.status?.phase, "Completed", `${JSON.stringify(restore.status)}\n${cluster.outputs()}`);
    const restored = await cluster.node.findVolume("undone", await cluster.runningPod("undone", "app=web"), "data");
    const isNewer = (path: string): boolean => path === "tomorrow" || path === ".velero";
    assert.deepEqual(compareTrees(original, restored, { root: false, ignore: isNewer }), []);
    await cluster.restic(location, "check", "--read-data");
  });
});

table.isIn("velero.md");
