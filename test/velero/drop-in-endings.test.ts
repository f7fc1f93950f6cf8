// What goes wrong or comes between while our agent works for Velero's server: volumes that fail, processes that end, deletions
// and prunes by Velero's restic in the repository that the agent writes to.
import assert from "node:assert/strict";
import { renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupRepository, MaintenanceResult } from "../../src/api/backup-repository.ts";
import { CaseTable } from "../support/case-table.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { ourImage } from "../support/played-images.ts";
import { eventually } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { assertCompleted, installVelero, type VeleroInstallation } from "../support/velero-installation.ts";

const velero = "Velero 1.16.2";
const table = new CaseTable("When something comes between", [velero]);
const story = (row: string, run: () => Promise<unknown>): void => table.case(row, velero, run);
const demo = ["--include-namespaces", "demo"];

let s3: S3Server;
let cluster: VeleroInstallation;
let files: string;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  const flags = ["--uploader-type", "restic"];
  cluster = await installVelero({ s3, bucket: "backups", flags, agent: "ours", restic: "0.14.0" });
  await cluster.apply(...demoWorkload("demo"));
  const data = await cluster.node.findVolume("demo", await cluster.runningPod("demo", "app=web"), "data");
  fillVolume(data, 1);
  files = await cluster.node.findVolume("demo", await cluster.runningPod("demo", "app=plain"), "files");
  // A hole: long to read, and nothing to store.
  const long = join(files, "long");
  writeFileSync(long, "");
  truncateSync(long, 2 ** 31);
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

let count = 0;
/** The hole is read again. */
function touch(): void {
  truncateSync(join(files, "long"), 2 ** 31 + ++count);
}

async function completes(name: string): Promise<void> {
  const backup = await cluster.endOf<Backup>("backups", name);
  assertCompleted(backup, await cluster.volumeBackups(name), cluster.outputs());
}

async function begin(name: string): Promise<void> {
  touch();
  await cluster.client("backup", "create", name, ...demo);
}

/** Its newest maintenance run, other than the one that is known. */
async function maintenance(known?: MaintenanceResult): Promise<MaintenanceResult> {
  let newest: MaintenanceResult | undefined;
  const hasRun = async (): Promise<boolean> => {
    const repository = await cluster.get<BackupRepository>("backuprepositories", "demo-default-restic");
    assert.notEqual(repository?.status?.phase, "NotReady", JSON.stringify(repository));
    newest = repository?.status?.recentMaintenance?.at(-1);
    return newest !== undefined && newest.startTimestamp !== known?.startTimestamp;
  };
  await eventually("a maintenance job has run", hasRun, 90_000);
  return newest as MaintenanceResult;
}

async function maintainEvery(maintenanceFrequency: string): Promise<void> {
  const patch = JSON.stringify({ spec: { maintenanceFrequency } });
  const repository = "backuprepository/demo-default-restic";
  await cluster.kubectl("-n", "velero", "patch", repository, "--type=merge", "-p", patch);
}

describe("what comes between our agent and Velero's server", () => {
  story("a volume that cannot be read: it is Failed with the reason, the others are Completed", async () => {
    renameSync(files, `${files}-away`);
    const { status } = await cluster.backUp("damaged", ...demo);
    renameSync(`${files}-away`, files);
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 1]);
    const ends = (await cluster.volumeBackups("damaged")).map(({ spec, status: end }) => [spec.volume, end?.phase]);
    assert.deepEqual(ends.toSorted(), [
      ["data", "Completed"],
      ["files", "Failed"],
    ]);
    assert.match(await cluster.client("backup", "logs", "damaged"), /expected one matching path: .*, got 0/);
  });

  story("the agent is killed while it copies: the next one finishes the volume, the Backup is Completed", async () => {
    await begin("killed");
    const agent = await cluster.holdInTheMiddle("demo");
    agent.signal("SIGKILL");
    await completes("killed");
    assert.deepEqual(cluster.locks("demo"), [], "the dead agent's lock is gone");
  });

  story(
    "the server is restarted meanwhile: it gives the Backup up, the volumes end, the next Backup is Completed",
    async () => {
      await begin("cut");
      const agent = await cluster.holdInTheMiddle("demo");
      const server = await cluster.serverPod();
      await cluster.kubectl("-n", "velero", "delete", "pod", server.metadata.name);
      const { status } = await cluster.endOf<Backup>("backups", "cut");
      agent.signal("SIGCONT");
      assert.equal(status?.phase, "Failed");
      const areEnded = async (): Promise<boolean> =>
        (await cluster.volumeBackups("cut")).every(({ status: end }) => end?.phase === "Completed");
      await eventually("the volumes that were made are completed", areEnded, 60_000);
      await begin("after-cut");
      await completes("after-cut");
    },
  );

  story(
    "a prune (maintenance Job) meets a volume that is being copied: the Job fails, the volume does not",
    async () => {
      await begin("beside-prune");
      const agent = await cluster.holdInTheMiddle("demo");
      await maintainEvery("1s");
      const run = await maintenance();
      await maintainEvery("168h");
      agent.signal("SIGCONT");
      assert.equal(run.result, "Failed");
      await completes("beside-prune");
    },
  );

  story("a prune after our backups succeeds, and so does the next backup", async () => {
    await cluster.deleteBackup("killed");
    const known = (await cluster.get<BackupRepository>("backuprepositories", "demo-default-restic"))?.status;
    await maintainEvery("2s");
    const run = await maintenance(known?.recentMaintenance?.at(-1));
    await maintainEvery("168h");
    assert.equal(run.result, "Succeeded", JSON.stringify(run));
    await begin("pruned");
    await completes("pruned");
    await cluster.restic(s3.location("backups", "restic/demo"), "check", "--read-data");
  });

  story("a Backup is deleted right after another one has ended: forget meets no lock of ours", async () => {
    await begin("quick");
    await completes("quick");
    await cluster.deleteBackup("beside-prune");
  });

  story(
    "a Backup is deleted while a volume of its namespace is copied: Velero names the lock; a second try works",
    async () => {
      await begin("copying");
      const agent = await cluster.holdInTheMiddle("demo");
      await assert.rejects(cluster.deleteBackup("quick"), /repository is already locked/);
      agent.signal("SIGCONT");
      await completes("copying");
      await cluster.kubectl("-n", "velero", "delete", "deletebackuprequests", "--all");
      await cluster.deleteBackup("quick");
    },
  );

  story("an agent that is stopped in order gives its volume back, and the next one completes it", async () => {
    await begin("rolled");
    const agent = await cluster.holdInTheMiddle("demo");
    agent.signal("SIGCONT");
    await cluster.kubectl("-n", "velero", "rollout", "restart", "daemonset/node-agent");
    await cluster.agentPod(ourImage);
    await completes("rolled");
  });
});

table.isIn("velero.md");
