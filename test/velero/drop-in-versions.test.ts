// The same agent under three releases of Velero's server, each with its own resource definitions: the first and the last that
// back up with restic, and one that only restores with it.
import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { Restore } from "../../src/api/restore.ts";
import { CaseTable } from "../support/case-table.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { demoWorkload, fillVolume } from "../support/demo-workload.ts";
import { type VeleroVersion, veleroVersions } from "../support/peers.ts";
import { veleroImageName } from "../support/played-images.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { assertCompleted, installVelero, type VeleroInstallation } from "../support/velero-installation.ts";

const table = new CaseTable("Velero's server and CRDs", veleroVersions);
const demo = ["--include-namespaces", "demo"];
const rows = {
  backup: "a Backup, its volumes by our agent",
  incremental: "the next Backup's snapshot has the one before as its parent",
  restore: "a Restore of it into another namespace",
  failure: "a volume that fails says why",
  cancel: "`spec.cancel` on a PodVolumeBackup under way",
  deletion: "the Backup is deleted, with its snapshots",
};

type Story = (row: keyof typeof rows, run: () => Promise<unknown>) => void;

function tellAll(world: World, story: Story): void {
  story("backup", () => world.backsUp("first"));
  story("incremental", async () => {
    await world.backsUp("second");
    const parents = (await world.snapshots()).map(({ parent }) => parent !== undefined);
    assert.deepEqual(parents.toSorted(), [false, true]);
  });
  story("restore", () => world.restores("second"));
  story("failure", () => world.fails());
  story("cancel", async () => {
    await world.cancels();
    return "its CRD has no such field";
  });
  story("deletion", () => world.deletes("first"));
}

/** Volumes were backed up under 1.16; then the server was replaced. */
function tellWhatIsLeft(world: World, story: Story): void {
  story("backup", async () => {
    const { status } = await world.cluster.backUp("by-kopia", ...demo);
    assert.equal(status?.phase, "PartiallyFailed", JSON.stringify(status));
    for (const { spec, status: end } of await world.cluster.volumeBackups("by-kopia")) {
      assert.deepEqual([spec.uploaderType, end?.phase], ["kopia", "Failed"]);
      assert.match(end?.message ?? "", /kopia/);
    }
    return "no: the server asks for kopia; the volumes are Failed at once and say so";
  });
  story("incremental", async () => "no");
  story("restore", async () => {
    await world.restores("under-1-16");
    return "yes, of what an older server's Backup holds";
  });
  story("failure", () => world.fails());
  story("cancel", async () => {
    const { phase, message } = (await world.cancels()) ?? {};
    assert.deepEqual([phase, message], ["Failed", "data path backup canceled: PVB is canceled"]);
    return "Failed, so that the server does not wait for it";
  });
  story("deletion", async () => {
    await world.deletes("under-1-16");
    return "yes, of an older server's Backup";
  });
}

interface SnapshotFacts {
  readonly parent?: string;
}

class World {
  readonly #version: VeleroVersion;
  #s3: S3Server | undefined;
  #cluster: VeleroInstallation | undefined;

  constructor(version: VeleroVersion) {
    this.#version = version;
  }

  get cluster(): VeleroInstallation {
    return this.#cluster as VeleroInstallation;
  }

  async start(): Promise<void> {
    const isNew = this.#version === "1.18.0";
    this.#s3 = await startS3Server({ buckets: ["backups"] });
    this.#cluster = await installVelero({
      ...{ s3: this.#s3, bucket: "backups", agent: "ours", flags: ["--uploader-type", "restic"] },
      version: isNew ? "1.16.2" : this.#version,
      alsoVersions: isNew ? ["1.18.0"] : [],
    });
    await this.cluster.apply(...demoWorkload("demo"));
    fillVolume(await this.dataOf("demo"), 1);
    if (!isNew) return;
    await this.backsUp("under-1-16");
    await this.#upgradeServer();
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop();
    await this.#s3?.stop();
  }

  /** As Velero's own instructions have it; the agent stays. */
  async #upgradeServer(): Promise<void> {
    const definitions = await this.cluster.clientOf("1.18.0", "install", "--crds-only", "--dry-run", "-o", "json");
    const file = join(this.cluster.folder, "crds.json");
    writeFileSync(file, definitions);
    await this.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", file);
    const image = `velero=${veleroImageName("1.18.0")}`;
    await this.cluster.kubectl("-n", "velero", "set", "image", "deployment/velero", image);
    // With this argument left in, it does not start.
    await this.cluster.serverSays("1.18.0", /invalid uploader type 'restic', valid type: 'kopia'/);
    const patch = JSON.stringify([
      { op: "replace", path: "/spec/template/spec/containers/0/args", value: ["server", "--features="] },
    ]);
    await this.cluster.kubectl("-n", "velero", "patch", "deployment", "velero", "--type=json", "-p", patch);
    await this.cluster.serverSays("1.18.0", /Starting workers.*controller=backup /);
  }

  async dataOf(namespace: string): Promise<string> {
    return await this.cluster.node.findVolume(namespace, await this.cluster.runningPod(namespace, "app=web"), "data");
  }

  async backsUp(name: string): Promise<void> {
    writeFileSync(join(await this.dataOf("demo"), name), name);
    const backup = await this.cluster.backUp(name, ...demo, "--selector", "app notin (plain)");
    const volumes = await this.cluster.volumeBackups(name);
    assertCompleted(backup, volumes, this.cluster.outputs());
    assert.equal(volumes.length, 1);
  }

  async snapshots(): Promise<readonly SnapshotFacts[]> {
    const location = this.#s3?.location("backups", "restic/demo") ?? "";
    const { messages } = await this.cluster.restic(location, "snapshots", "--json");
    return messages as unknown as readonly SnapshotFacts[];
  }

  async restores(backup: string): Promise<void> {
    const mapping = ["--namespace-mappings", "demo:copy"];
    await this.cluster.client("restore", "create", "copy", "--from-backup", backup, ...mapping);
    const { status } = await this.cluster.endOf<Restore>("restores", "copy");
    assert.equal(status?.phase, "Completed", `${JSON.stringify(status)}\n${this.cluster.outputs()}`);
    assert.deepEqual(compareTrees(await this.dataOf("demo"), await this.dataOf("copy"), { root: false }), []);
    await this.cluster.deleteNamespace("copy");
  }

  async fails(): Promise<void> {
    await this.#makeVolumeBackup("failing", "no-such-volume");
    const { status } = await this.cluster.endOf<PodVolumeBackup>("podvolumebackups", "failing");
    assert.equal(status?.phase, "Failed");
    assert.match(status?.message ?? "", /has no volume no-such-volume/);
  }

  /** Undefined where the field does not exist: it is completed then. */
  async cancels(): Promise<PodVolumeBackup["status"]> {
    const long = join(await this.dataOf("demo"), "long");
    writeFileSync(long, "");
    truncateSync(long, 2 ** 31);
    await this.#makeVolumeBackup("cancelled", "data");
    const agent = await this.cluster.holdInTheMiddle("demo");
    const patch = JSON.stringify({ spec: { cancel: true } });
    await this.cluster.kubectl("-n", "velero", "patch", "podvolumebackup/cancelled", "--type=merge", "-p", patch);
    agent.signal("SIGCONT");
    const { spec, status } = await this.cluster.endOf<PodVolumeBackup>("podvolumebackups", "cancelled");
    if (spec.cancel === true) return status;
    assert.equal(status?.phase, "Completed");
    return undefined;
  }

  async deletes(backup: string): Promise<void> {
    const isOf = async (): Promise<boolean> => JSON.stringify(await this.snapshots()).includes(`"backup=${backup}"`);
    assert.ok(await isOf());
    await this.cluster.deleteBackup(backup);
    assert.ok(!(await isOf()));
  }

  /** As the server of 1.16 makes them, without a Backup. */
  async #makeVolumeBackup(name: string, volume: string): Promise<void> {
    const pod = await this.cluster.runningPod("demo", "app=web");
    await this.cluster.apply({
      apiVersion: "velero.io/v1",
      kind: "PodVolumeBackup",
      metadata: { name, namespace: "velero" },
      spec: {
        ...{ node: this.cluster.node.name, volume, backupStorageLocation: "default", uploaderType: "restic" },
        pod: { kind: "Pod", namespace: "demo", name: pod },
        repoIdentifier: this.#s3?.location("backups", "restic/demo"),
        tags: { volume, ns: "demo", pod },
      },
    });
  }
}

/** One release at a time: each has a cluster of its own. */
for (const version of veleroVersions) {
  describe(`our agent under Velero ${version}`, () => {
    const world = new World(version);
    const story = (row: keyof typeof rows, run: () => Promise<unknown>): void => table.case(rows[row], version, run);
    before(() => world.start());
    after(() => world.stop());
    if (version === "1.18.0") tellWhatIsLeft(world, story);
    else tellAll(world, story);
  });
}

table.isIn("velero.md");
