// A cluster full of objects and no volumes: one Backup of everything, by our server and by the real Velero server in turn, on
// the same control plane and the same S3 server.
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import { isBackupEnded } from "../../src/api/phases.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { type LivingCluster, startLivingCluster } from "../../test/support/living-cluster.ts";
import { eventually, type RunningProcess } from "../../test/support/processes.ts";
import { startS3Server } from "../../test/support/s3-server.ts";
import { startVeleroServer } from "../../test/support/velero-server.ts";
import type { ContestantName } from "../against-peers/contestants.ts";
import { corpora, scaledBy } from "../against-peers/corpora.ts";
import { type Run, rounded } from "../against-peers/results.ts";
import { inTurn, type MeasureOptions, type OtherShape } from "../against-peers/shape.ts";
import { wanting } from "../against-peers/steps.ts";
import { peak, wallAgainst } from "../against-peers/targets.ts";
import { forgetPeak, usageOf } from "../pipeline/process-usage.ts";
import { makeObjects, namespaceNames, planObjects } from "./objects.ts";

const objectCount = 10_000;
const namespaceCount = 50;
const step = "backup of all objects";
const backupTimeoutMs = 600_000;

export const objectsShape: OtherShape = {
  name: "objects",
  what: `one Backup of 10,000 objects in ${namespaceCount} namespaces, by the server, against Velero's`,
  corpus: corpora.none,
  contestants: ["stowage", "velero"],
  steps: () => [wanting({ name: step }, wallAgainst("better peer", 1), peak(256))],
  measure: measureObjects,
  minutesPerRound: 3,
};

async function measureObjects({ contestants, rounds, scale, onRun }: MeasureOptions): Promise<Run[]> {
  const ours = contestants.find(({ name }) => name === "stowage");
  if (ours === undefined) throw new Error("bug: our server takes no part");
  const s3 = await startS3Server({ buckets: ["backups"] });
  const cluster = await startLivingCluster({
    s3,
    bucket: "backups",
    crds: "velero",
    isBare: true,
    program: ours.program,
  });
  const runs: Run[] = [];
  try {
    const client = new TypedClient({ connection: connectToCluster(cluster.controlPlane.adminKubeconfig) });
    const planned = planObjects(scaledBy(scale)(objectCount), namespaceNames(namespaceCount));
    await makeObjects(client, planned, new AbortController().signal);
    for (let round = 0; round < rounds; round++) {
      for (const { name } of inTurn(contestants, round)) {
        const run = { round, contestant: name, step, ...(await turn(cluster, name, `bench-${name}-${round}`)) };
        runs.push(run);
        onRun(run);
      }
    }
    return runs;
  } finally {
    await cluster.stop();
    await s3.stop();
  }
}

type Measured = ReturnType<typeof rounded>;

async function turn(cluster: LivingCluster, name: ContestantName, backup: string): Promise<Measured> {
  const location = ["-n", "velero", "patch", "backupstoragelocation", "default", "--type=merge"];
  await cluster.kubectl(...location, "-p", '{"status":null}');
  const server = name === "stowage" ? await cluster.startServer() : await startVeleroServer(cluster);
  try {
    const isAvailable = async (): Promise<boolean> =>
      (await cluster.get<BackupStorageLocation>("backupstoragelocations", "default"))?.status?.phase === "Available";
    await eventually("the storage location is available", isAvailable);
    return await measureBackup(cluster, server, backup);
  } finally {
    await server.stop(20_000);
    // The next server has as many to look at as this one.
    await cluster.kubectl("-n", "velero", "delete", "backup", backup, "--ignore-not-found", "--wait=true");
  }
}

async function measureBackup(cluster: LivingCluster, server: RunningProcess, name: string): Promise<Measured> {
  const before = usageOf(server.pid);
  forgetPeak(server.pid);
  const begun = performance.now();
  const metadata = { name, namespace: "velero" };
  const spec = { storageLocation: "default", snapshotVolumes: false };
  await cluster.apply({ apiVersion: "velero.io/v1", kind: "Backup", metadata, spec });
  let backup: Backup | undefined;
  const hasEnded = async (): Promise<boolean> => {
    backup = await cluster.get<Backup>("backups", name);
    return backup !== undefined && isBackupEnded(backup);
  };
  await eventually(`the Backup ${name} ends`, hasEnded, backupTimeoutMs);
  const wallSeconds = (performance.now() - begun) / 1000;
  if (backup?.status?.phase !== "Completed") throw new Error(`${name}: ${JSON.stringify(backup?.status)}`);
  const after = usageOf(server.pid);
  return rounded({
    wallSeconds,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakMib: after.peakMib,
    readBytes: after.readBytes - before.readBytes,
  });
}
