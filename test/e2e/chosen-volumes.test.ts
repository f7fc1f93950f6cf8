// Two namespaces, two pods each, three volumes each, every second one annotated: what is chosen comes back with its files, what
// is not comes back empty, and what was written after the Backup does not come back at all. One namespace has a repository that
// an old restic has made.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Backup } from "../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { Restore } from "../../src/api/restore.ts";
import { type LivingCluster, startLivingCluster } from "../support/living-cluster.ts";
import { eventually } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";

const password = "of the Secret";
const namespaces = ["old", "new"];
const pods = ["one", "two"];
const volumes = ["a", "b", "c"];
const places = namespaces.flatMap((namespace) => pods.map((pod) => ({ namespace, pod })));

let s3: S3Server;
let cluster: LivingCluster;

before(async () => {
  s3 = await startS3Server({ buckets: ["backups"] });
  const [repository, version] = [s3.location("backups", "restic/old"), "0.14.0" as const];
  await resticMust(["init", "--repository-version", "1"], { repository, version, password, env: s3.env });
  cluster = await startLivingCluster({ s3, bucket: "backups" });
  await cluster.apply({
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "velero-repo-credentials", namespace: "velero" } },
    stringData: { "repository-password": password },
  });
  await Promise.all([cluster.startServer(), cluster.startAgent()]);
});

after(async () => {
  await cluster?.stop();
  await s3?.stop();
});

/** Pod one lists two of its volumes, pod two one of them. */
const listed = (pod: string): readonly string[] => (pod === "one" ? ["a", "c"] : ["b"]);
const isListed = (pod: string, volume: string): boolean => listed(pod).includes(volume);

function annotationsOf(pod: string): Readonly<Record<string, string>> {
  const names = listed(pod).join(",");
  return { "backup.velero.io/backup-volumes": names, "backup.velero.io/backup-volumes-excludes": names };
}

/** Each mode reads its own annotation only. */
function workload(): readonly object[] {
  const made = namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
  const mounts = volumes.map((name) => ({ name, mountPath: `/${name}` }));
  return [
    ...made,
    ...places.flatMap(({ namespace, pod }) =>
      volumes.map((volume) => ({
        ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: `${pod}-${volume}`, namespace } },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "played",
          resources: { requests: { storage: "1Gi" } },
        },
      })),
    ),
    ...places.map(({ namespace, pod }) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: pod, namespace, labels: { pod }, annotations: annotationsOf(pod) },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "app", image: "none", volumeMounts: mounts }],
        volumes: volumes.map((name) => ({ name, persistentVolumeClaim: { claimName: `${pod}-${name}` } })),
      },
    })),
  ];
}

async function folderOf(namespace: string, pod: string, volume: string): Promise<string> {
  await cluster.runningPod(namespace, `pod=${pod}`);
  return await cluster.node.findVolume(namespace, pod, volume);
}

async function writeEverywhere(file: string): Promise<void> {
  for (const { namespace, pod } of places) {
    for (const volume of volumes) {
      const folder = await folderOf(namespace, pod, volume);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, file), `${namespace} ${pod} ${volume}`);
    }
  }
}

async function carryOut(kind: "Backup" | "Restore", name: string, spec: object): Promise<void> {
  await cluster.apply({ apiVersion: "velero.io/v1", kind, metadata: { name, namespace: "velero" }, spec });
  const plural = kind === "Backup" ? "backups" : "restores";
  let status: Backup["status"] | Restore["status"];
  const hasEnded = async (): Promise<boolean> => {
    status = (await cluster.get<Backup | Restore>(plural, name))?.status;
    return /^(Completed|PartiallyFailed|Failed|FailedValidation)$/.test(status?.phase ?? "");
  };
  await eventually(`the ${kind} ends`, hasEnded, 90_000);
  assert.deepEqual([status?.phase, status?.failureReason], ["Completed", undefined], cluster.outputs());
}

/** "new/one/a" of every volume that has the file that was there when the Backup began, and none but that. */
async function restored(suffix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { namespace, pod } of places) {
    for (const volume of volumes) {
      const folder = await folderOf(`${namespace}${suffix}`, pod, volume);
      await eventually("nothing of the restore is left in the volume", () => !readdirSync(folder).includes(".velero"));
      const files = readdirSync(folder);
      assert.ok(files.length === 0 || files.join() === "before", `${namespace}/${pod}/${volume}: ${files.join()}`);
      if (files.length > 0) found.push(`${namespace}/${pod}/${volume}`);
    }
  }
  return found;
}

const inPlaces = (wants: (pod: string, volume: string) => boolean): readonly string[] =>
  places.flatMap(({ namespace, pod }) =>
    volumes.filter((volume) => wants(pod, volume)).map((volume) => `${namespace}/${pod}/${volume}`),
  );

async function takenBy(backup: string): Promise<readonly string[]> {
  const taken = await cluster.list<PodVolumeBackup>("podvolumebackups", `velero.io/backup-name=${backup}`);
  return taken.map(({ spec }) => `${spec.pod.namespace}/${spec.pod.name}/${spec.volume}`).sort();
}

describe("volumes of pods that come back", () => {
  it("have their files where the pods opted in, or did not opt out, and are empty elsewhere", async () => {
    await cluster.apply(...workload());
    await writeEverywhere("before");
    await carryOut("Backup", "opted-in", { includedNamespaces: namespaces });
    await carryOut("Backup", "not-out", { includedNamespaces: namespaces, defaultVolumesToFsBackup: true });
    const isUnlisted = (pod: string, volume: string): boolean => !isListed(pod, volume);
    assert.deepEqual(await takenBy("opted-in"), inPlaces(isListed).toSorted());
    assert.deepEqual(await takenBy("not-out"), inPlaces(isUnlisted).toSorted());
    await writeEverywhere("after");
    const beside = (suffix: string): object => ({ old: `old${suffix}`, new: `new${suffix}` });
    await Promise.all([
      carryOut("Restore", "opted-in", { backupName: "opted-in", namespaceMapping: beside("-1") }),
      carryOut("Restore", "not-out", { backupName: "not-out", namespaceMapping: beside("-2") }),
    ]);
    assert.deepEqual(await restored("-1"), inPlaces(isListed));
    assert.deepEqual(await restored("-2"), inPlaces(isUnlisted));
  });

  it("leave repositories behind that restic finds sound, the old one in its old format", async () => {
    for (const [namespace, version] of [
      ["old", 1],
      ["new", 2],
    ] as const) {
      const options = { repository: s3.location("backups", `restic/${namespace}`), password, env: s3.env };
      const config = JSON.parse((await resticMust(["cat", "config"], options)).stdout) as { readonly version: number };
      assert.equal(config.version, version);
      await resticMust(["check", "--read-data"], options);
    }
  });
});
