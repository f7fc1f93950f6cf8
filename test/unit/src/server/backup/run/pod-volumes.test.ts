import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../../../../src/api/core.ts";
import type { PodVolumeBackup } from "../../../../../../src/api/pod-volume-backup.ts";
import {
  backupStorageLocations,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podVolumeBackups,
} from "../../../../../../src/api/resources.ts";
import { BackupRecord } from "../../../../../../src/server/backup/run/backup-record.ts";
import { Bell } from "../../../../../../src/server/backup/run/bell.ts";
import { PodVolumes } from "../../../../../../src/server/backup/run/pod-volumes.ts";
import { VolumeResults } from "../../../../../../src/server/backup/run/volume-results.ts";
import { BackupRig } from "../../../../../support/backup-rig.ts";
import { ListRunLog } from "../../../../../support/list-run-log.ts";

function podWith(name: string, claim?: string): Pod {
  const source = claim === undefined ? { emptyDir: {} } : { persistentVolumeClaim: { claimName: claim } };
  return {
    metadata: { namespace: "app", name, uid: `${name}-uid` },
    spec: {
      nodeName: "n1",
      volumes: [{ name: "data", ...source }],
      containers: [{ name: "c", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    },
    status: { phase: "Running" },
  };
}

class Volumes {
  readonly rig = new BackupRig();
  readonly log = new ListRunLog();
  readonly results = new VolumeResults();
  readonly bell = new Bell(this.rig.clock);

  constructor() {
    this.rig.putBackup({ phase: "InProgress" });
    const metadata = { name: "agent", namespace: "velero", labels: { role: "node-agent" } };
    const agent = { metadata, spec: { nodeName: "n1", containers: [] }, status: { phase: "Running" } };
    this.rig.table.put(pods, agent);
    this.rig.table.put(persistentVolumeClaims, {
      metadata: { namespace: "app", name: "claim", uid: "claim-uid" },
      spec: { volumeName: "pv" },
    });
    this.rig.table.put(persistentVolumes, { metadata: { name: "pv" }, spec: {} });
  }

  /** What one try works with. */
  begin(): PodVolumes {
    return new PodVolumes({
      context: this.rig.context,
      record: new BackupRecord(this.rig.backup, this.rig.context),
      location: this.rig.table.must(backupStorageLocations, { namespace: "velero", name: "default" }),
      namespaces: ["app"],
      ...{ policy: undefined, withoutClaims: false, results: this.results, log: this.log, startedAtMs: 0 },
      bellOf: () => this.bell,
      signal: new AbortController().signal,
    });
  }

  get made(): PodVolumeBackup[] {
    return this.rig.table.list<PodVolumeBackup>(podVolumeBackups);
  }
}

describe("PodVolumes", () => {
  it("makes each volume once, also when a second try begins from the start", async () => {
    const volumes = new Volumes();
    const first = await volumes.begin().take(podWith("web"));
    const second = await volumes.begin().take(podWith("web"));
    assert.deepEqual([second, volumes.made.length, volumes.rig.table.writes.length], [first, 1, 1]);
  });

  it("finds what a server has made that was ended before it heard of it", async () => {
    const volumes = new Volumes();
    await volumes.begin().take(podWith("web"));
    const forgetful = new Volumes();
    for (const one of volumes.made)
      forgetful.rig.table.put(podVolumeBackups, { ...one, status: { phase: "Completed" } });
    const names = await forgetful.begin().take(podWith("web"));
    assert.deepEqual([names.length, forgetful.made.length, forgetful.results.finished.length], [1, 1, 1]);
  });

  it("takes a claim through one pod only", async () => {
    const volumes = new Volumes();
    const taking = volumes.begin();
    assert.equal((await taking.take(podWith("a", "claim"))).length, 1);
    assert.equal((await taking.take(podWith("b", "claim"))).length, 0);
    assert.deepEqual(
      volumes.made.map(({ spec }) => spec.pod.name),
      ["a"],
    );
  });

  it("takes a claim through one pod only, also when two ask at the same time", async () => {
    const volumes = new Volumes();
    const taking = volumes.begin();
    const names = await Promise.all(["a", "b", "c"].map((name) => taking.take(podWith(name, "claim"))));
    assert.deepEqual(
      names.map(({ length }) => length),
      [1, 0, 0],
    );
  });

  it("waits until the namespace's repository is ready", async () => {
    const volumes = new Volumes();
    volumes.rig.repositories.set("app", "wait");
    const taken = volumes.begin().take(podWith("web"));
    await volumes.rig.clock.advance(10);
    assert.equal(volumes.made.length, 0);
    volumes.rig.repositories.set("app", { identifier: "s3:y" });
    volumes.bell.ring();
    assert.equal((await taken).length, 1);
    assert.equal(volumes.made[0]?.spec.repoIdentifier, "s3:y");
  });

  it("looks by itself where nobody rings", async () => {
    const volumes = new Volumes();
    volumes.rig.repositories.set("app", "wait");
    const taken = volumes.begin().take(podWith("web"));
    await volumes.rig.clock.advance(10);
    volumes.rig.repositories.set("app", { identifier: "s3:y" });
    await volumes.rig.clock.advance(2000);
    assert.equal((await taken).length, 1);
  });

  it("says with one error for each pod that a repository cannot be used, and why in volumeinfo", async () => {
    const volumes = new Volumes();
    volumes.rig.repositories.set("app", { error: "it is locked" });
    const taking = volumes.begin();
    assert.deepEqual(await taking.take(podWith("web")), []);
    assert.deepEqual(volumes.log.errors, ["app: pod app/web: it is locked; its volumes data are skipped"]);
    const [info] = await taking.infos();
    assert.deepEqual([info?.skipped, info?.skippedReason], [true, "it is locked"]);
  });

  it("tells of volumes of pods that are left out, and of claims that no pod uses", async () => {
    const volumes = new Volumes();
    const taking = volumes.begin();
    await taking.leaveOut(podWith("web"), "a pre hook of its pod failed");
    taking.noteClaim({ metadata: { namespace: "app", name: "claim" }, spec: { volumeName: "pv" } });
    const infos = await taking.infos();
    assert.deepEqual(
      infos.map(({ pvbInfo, pvcName, pvName, skippedReason }) => [pvbInfo?.volumeName, pvcName, pvName, skippedReason]),
      [
        ["data", undefined, undefined, "a pre hook of its pod failed"],
        [undefined, "claim", "pv", "no pod of the Backup uses its claim"],
      ],
    );
    assert.equal(volumes.made.length, 0);
  });
});
