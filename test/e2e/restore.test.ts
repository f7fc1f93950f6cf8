// Server and agent as processes, each with exactly its rights, in a cluster with real controllers: a namespace that is lost and
// comes back with every file of its volumes, beside itself under another name, and while everything is killed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { PersistentVolumeClaim, Pod } from "../../src/api/core.ts";
import type { PodVolumeRestore } from "../../src/api/pod-volume-restore.ts";
import type { Restore } from "../../src/api/restore.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";
import { writeRandomTree } from "../support/random-tree.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";

let s3: S3Server;
let cluster: LivingCluster;
let server: RunningProcess;
let agent: RunningProcess;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  cluster = await startLivingCluster({ s3, bucket: "backups" });
  [server, agent] = await Promise.all([cluster.startServer(), cluster.startAgent()]);
  await cluster.apply(...demoWorkload("shop"));
  const [web, plain] = await Promise.all([runningPod("shop", "web"), runningPod("shop", "plain")]);
  const data = await cluster.node.findVolume("shop", web, "data");
  writeRandomTree(data, { seed: "restore", entries: 300 });
  fillVolume(await cluster.node.findVolume("shop", plain, "files"), 5);
  keepCopy("data", data);
  keepCopy("files", await cluster.node.findVolume("shop", plain, "files"));
  await cluster.apply(request("Backup", "whole", { includedNamespaces: ["shop"] }));
  const { status } = await ended<Backup>("backups", "whole");
  assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

const runningPod = (namespace: string, app: string): Promise<string> => cluster.runningPod(namespace, `app=${app}`);
const copyOf = (name: string): string => join(cluster.folder, "copies", name);

/** With times to the nanosecond, owners and attributes. */
function keepCopy(name: string, source: string): void {
  mkdirSync(join(cluster.folder, "copies"), { recursive: true });
  execFileSync("cp", ["-a", source, copyOf(name)]);
}

function request(kind: string, name: string, spec: object): object {
  return { apiVersion: "velero.io/v1", kind, metadata: { name, namespace: "velero" }, spec };
}

async function ended<T extends Backup | Restore>(plural: string, name: string): Promise<T> {
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

async function assertRestored(namespace: string): Promise<void> {
  for (const [app, volume] of [
    ["web", "data"],
    ["plain", "files"],
  ] as const) {
    const path = await cluster.node.findVolume(namespace, await runningPod(namespace, app), volume);
    await eventually("nothing of the restore is left in the volume", () => !existsSync(join(path, ".velero")));
    assert.deepEqual(compareTrees(copyOf(volume), path, { root: false }), []);
  }
}

async function podsOf(namespace: string): Promise<readonly Pod[]> {
  const { items } = (await cluster.controlPlane.must("GET", `/api/v1/namespaces/${namespace}/pods`)) as {
    readonly items: readonly Pod[];
  };
  return items;
}

describe("a namespace that is lost", () => {
  it("comes back with every file, in pods that their controllers take over", async () => {
    const before_ = (await podsOf("shop")).map(({ metadata }) => metadata.name).sort();
    await cluster.deleteNamespace("shop");
    await cluster.apply(request("Restore", "back", { backupName: "whole" }));
    const { status } = await ended<Restore>("restores", "back");
    assert.deepEqual([status?.phase, status?.errors, status?.failureReason], ["Completed", 0, undefined]);
    await assertRestored("shop");
    const pods = await podsOf("shop");
    assert.deepEqual(pods.map(({ metadata }) => metadata.name).sort(), before_);
    for (const { metadata } of pods) assert.equal(metadata.ownerReferences?.[0]?.kind, "ReplicaSet");
    const claim = (await cluster.controlPlane.must(
      "GET",
      "/api/v1/namespaces/shop/persistentvolumeclaims/notes",
    )) as PersistentVolumeClaim;
    assert.equal(claim.status?.phase, "Bound");
  });

  it("can be restored once more, beside itself under another name", async () => {
    await cluster.apply(request("Restore", "beside", { backupName: "whole", namespaceMapping: { shop: "shop-copy" } }));
    const { status } = await ended<Restore>("restores", "beside");
    assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
    await assertRestored("shop-copy");
    const volumes = await cluster.list<PodVolumeRestore>("podvolumerestores", "velero.io/restore-name=beside");
    assert.deepEqual(volumes.map(({ spec }) => [spec.pod.namespace, spec.sourceNamespace]).sort(), [
      ["shop-copy", "shop"],
      ["shop-copy", "shop"],
    ]);
  });
});

describe("a Restore while everything is killed", () => {
  for (const moment of ["as soon as it has begun", "when a volume is under way", "when it is about to end"] as const) {
    it(`ends Completed with every file: server and agent killed ${moment}`, async () => {
      const name = `killed-${moment.split(" ").at(-1)}`;
      const isMoment = {
        "as soon as it has begun": async () =>
          (await cluster.get<Restore>("restores", name))?.status?.phase === "InProgress",
        "when a volume is under way": async () => {
          const volumes = await cluster.list<PodVolumeRestore>("podvolumerestores", `velero.io/restore-name=${name}`);
          return volumes.some((volume) => (volume.status?.phase ?? "") !== "");
        },
        "when it is about to end": async () => {
          const volumes = await cluster.list<PodVolumeRestore>("podvolumerestores", `velero.io/restore-name=${name}`);
          return volumes.length === 2 && volumes.every((volume) => volume.status?.phase === "Completed");
        },
      }[moment];
      await cluster.apply(request("Restore", name, { backupName: "whole", namespaceMapping: { shop: name } }));
      await eventually("it is far enough", isMoment);
      for (const process_ of [server, agent]) {
        process_.signal("SIGKILL");
        await process_.ended;
      }
      [server, agent] = await Promise.all([cluster.startServer(), cluster.startAgent()]);
      const { status } = await ended<Restore>("restores", name);
      assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined]);
      await assertRestored(name);
      const volumes = await cluster.list<PodVolumeRestore>("podvolumerestores", `velero.io/restore-name=${name}`);
      assert.equal(volumes.length, 2, "no volume is restored twice");
    });
  }
});
