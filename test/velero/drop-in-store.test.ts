// The store as installations have it: TLS with an authority of one's own, a prefix, a second location with its own Secret;
// and the settings that make volumes go at the same time.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { Restore } from "../../src/api/restore.ts";
import { CaseTable } from "../support/case-table.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { ourImage } from "../support/played-images.ts";
import { eventually } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { assertCompleted, installVelero, type VeleroInstallation } from "../support/velero-installation.ts";

const velero = "Velero 1.16.2";
const table = new CaseTable("Stores and settings", [velero]);
const story = (row: string, run: () => Promise<unknown>): void => table.case(row, velero, run);
const namespaces = ["one", "two", "three", "four"];

let s3: S3Server;
let cluster: VeleroInstallation;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups", "elsewhere"], tls: true });
  const loadConcurrency = JSON.stringify({ loadConcurrency: { globalConfig: 4 } });
  cluster = await installVelero({
    s3,
    bucket: "backups",
    agent: "ours",
    restic: "0.19.1",
    objects: [
      {
        ...{ apiVersion: "v1", kind: "ConfigMap", data: { "node-agent.json": loadConcurrency } },
        metadata: { name: "agent-settings", namespace: "velero" },
      },
    ],
    flags: [
      ...["--uploader-type", "restic", "--prefix", "clusters/east", "--item-block-worker-count", "4"],
      ...["--node-agent-configmap", "agent-settings"],
    ],
  });
  await cluster.apply(...namespaces.flatMap((namespace) => demoWorkload(namespace)));
  for (const [seed, namespace] of namespaces.entries()) fillVolume(await dataOf(namespace), seed);
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

async function dataOf(namespace: string): Promise<string> {
  return await cluster.node.findVolume(namespace, await cluster.runningPod(namespace, "app=web"), "data");
}

async function backsUpAndRestores(name: string, ...flags: string[]): Promise<void> {
  const backup = await cluster.backUp(name, "--include-namespaces", "one", ...flags);
  assertCompleted(backup, await cluster.volumeBackups(name), cluster.outputs());
  await cluster.client("restore", "create", name, "--from-backup", name, "--namespace-mappings", `one:${name}`);
  const { status } = await cluster.endOf<Restore>("restores", name);
  assert.equal(status?.phase, "Completed", `${JSON.stringify(status)}\n${cluster.outputs()}`);
  assert.deepEqual(compareTrees(await dataOf("one"), await dataOf(name), { root: false }), []);
}

describe("stores and settings of an installation under our agent", () => {
  story("`--item-block-worker-count 4`: the volumes of four namespaces at a time", async () => {
    const agent = cluster.processOf(await cluster.agentPod(ourImage));
    agent.signal("SIGSTOP");
    await cluster.client("backup", "create", "wide", "--include-namespaces", namespaces.join());
    const hasFour = async (): Promise<boolean> => (await cluster.volumeBackups("wide")).length >= 4;
    await eventually("four volumes wait at the same time", hasFour, 60_000);
    agent.signal("SIGCONT");
    const backup = await cluster.endOf<Backup>("backups", "wide");
    assertCompleted(backup, await cluster.volumeBackups("wide"), cluster.outputs());
    assert.match(agent.output(), /settings of this node.*volumesAtATime=4/);
  });

  story("TLS with the location's `caCert`, and a prefix", async () => {
    await backsUpAndRestores("secured");
    assert.ok(existsSync(join(s3.dataFolder, "backups", "clusters", "east", "restic", "one", "config")));
    const folders = readdirSync(join(s3.dataFolder, "backups")).filter((name) => !name.startsWith("."));
    assert.deepEqual(folders, ["clusters"]);
  });

  story("keys from a location's own Secret (and `profile`), not from the installation's", async () => {
    const cloud = `[other]\naws_access_key_id=${s3.accessKeyId}\naws_secret_access_key=${s3.secretAccessKey}\n`;
    const config = { region: s3.region, s3Url: s3.endpoint, s3ForcePathStyle: "true", profile: "other" };
    const caCert = readFileSync(s3.caFile ?? "").toString("base64");
    await cluster.apply(
      {
        ...{ apiVersion: "v1", kind: "Secret", stringData: { keys: cloud } },
        metadata: { name: "elsewhere", namespace: "velero" },
      },
      {
        ...{ apiVersion: "velero.io/v1", kind: "BackupStorageLocation" },
        metadata: { name: "elsewhere", namespace: "velero" },
        spec: {
          ...{ provider: "aws", objectStorage: { bucket: "elsewhere", caCert }, config },
          credential: { name: "elsewhere", key: "keys" },
        },
      },
    );
    await cluster.kubectl("-n", "velero", "wait", "--for=jsonpath={.status.phase}=Available", "bsl/elsewhere");
    await backsUpAndRestores("apart", "--storage-location", "elsewhere");
    assert.ok(existsSync(join(s3.dataFolder, "elsewhere", "restic", "one", "config")));
  });

  story("restic reads what lies there (`check --read-data`)", async () => {
    const locations = [s3.location("backups", "clusters/east/restic/one"), s3.location("elsewhere", "restic/one")];
    for (const location of locations) await cluster.restic(location, "check", "--read-data");
  });
});

table.isIn("velero.md");
