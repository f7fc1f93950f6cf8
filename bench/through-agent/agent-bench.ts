// The agent as users run it, on a real control plane with a real S3 server: volumes that are copies of trees, backed up by
// making PodVolumeBackups, from the first request to the end of the last.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { type ClusterRig, startClusterRig } from "../../test/support/cluster-rig.ts";
import type { RunningProcess } from "../../test/support/processes.ts";
import { type Run, rounded } from "../against-peers/results.ts";
import type { Place, Words } from "../against-peers/session.ts";
import { bytesBelow } from "../against-peers/store.ts";
import { forgetPeak, usageOf } from "../pipeline/process-usage.ts";
import { countWrites } from "./api-writes.ts";
import { EndedVolumes } from "./ended-volumes.ts";

const node = "bench";
/** Whose volumes share the repository. */
const namespace = "bench";
const bucket = "backups";
const volumesPerPod = 10;
const restoreTimeoutMs: number = 10 * 60_000;

export interface BenchVolume {
  readonly pod: Awaited<ReturnType<ClusterRig["makePod"]>>;
  readonly name: string;
  /** The kubelet's folder for it. */
  readonly path: string;
}

export class AgentBench {
  readonly #rig: ClusterRig;
  readonly #program: Words;
  #agent: RunningProcess | undefined;
  /** PodVolumeBackups by the folder of the volume. */
  readonly #lastBackups = new Map<string, string>();

  /** @param program our own, before a command. */
  static async start(program: Words): Promise<AgentBench> {
    return new AgentBench(await startClusterRig(), program);
  }

  private constructor(rig: ClusterRig, program: Words) {
    this.#rig = rig;
    this.#program = program;
  }

  /** One volume for each tree, ten to a pod; they stay until the end. */
  async makeVolumes(trees: readonly string[], isWaiting: boolean): Promise<BenchVolume[]> {
    const volumes: BenchVolume[] = [];
    for (let first = 0; first < trees.length; first += volumesPerPod) {
      const ofPod = trees.slice(first, first + volumesPerPod);
      const names = ofPod.map((_, index) => `data-${index}`);
      const podVolumes = names.map((name) => ({ name, emptyDir: {} }));
      const about = { namespace, name: `pod-${first}`, node, isWaiting };
      const pod = await this.#rig.makePod({ ...about, volumes: podVolumes });
      for (const [index, tree] of ofPod.entries()) {
        const name = names[index] as string;
        const path = this.#rig.volumePath(pod, name);
        rmdirSync(path);
        execFileSync("cp", ["-a", tree, path]);
        volumes.push({ pod, name, path });
      }
    }
    return volumes;
  }

  /** An empty repository, made by restic so that its key costs the usual, and an agent that has just begun. */
  async beginTurn(): Promise<void> {
    rmSync(this.#repositoryFolder(), { recursive: true, force: true });
    await this.#rig.restic(namespace, ["init"]);
    this.#agent = await this.#rig.startAgent({ node, program: this.#program, flags: ["--log-level", "info"] });
  }

  /** Makes a PodVolumeBackup for each, one after the other as Velero does, and waits for all of them. */
  async backUp(volumes: readonly BenchVolume[]): Promise<Omit<Run, "round" | "step" | "contestant">> {
    const { pid } = this.#runningAgent();
    const { controlPlane } = this.#rig;
    const ended = await EndedVolumes.watch(controlPlane);
    const writesBefore = await countWrites(controlPlane);
    execFileSync("sync");
    forgetPeak(pid);
    const before = usageOf(pid);
    const begin = performance.now();
    const names: string[] = [];
    for (const { pod, name, path } of volumes) {
      const backup = await this.#rig.makeBackup(pod, name);
      this.#lastBackups.set(path, backup);
      names.push(backup);
    }
    const wallSeconds = ((await ended.last(names)) - begin) / 1000;
    const { peakMib, ...after } = usageOf(pid);
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    const readBytes = after.readBytes - before.readBytes;
    ended.close();
    // Less those that made the PodVolumeBackups.
    const writes = (await countWrites(controlPlane)) - writesBefore - names.length;
    return {
      ...rounded({ wallSeconds, cpuSeconds, peakMib, readBytes }),
      storedBytes: bytesBelow(this.#repositoryFolder()),
      apiWrites: Math.round((100 * writes) / volumes.length) / 100,
    };
  }

  /** All that is in them goes, and comes back as it was in their last backup. */
  async loseAndRestore(volumes: readonly BenchVolume[]): Promise<void> {
    for (const { pod, name, path } of volumes) {
      const backup = this.#lastBackups.get(path) ?? "none";
      const { status } = await this.#rig.get<PodVolumeBackup>("podvolumebackups", backup);
      rmSync(path, { recursive: true });
      mkdirSync(path);
      const restore = await this.#rig.makeRestore(pod, name, { snapshotID: status?.snapshotID ?? "" });
      const ended = await this.#rig.restoreEnd(restore, restoreTimeoutMs);
      if (ended.status?.phase !== "Completed") throw new Error(`${restore} has failed: ${ended.status?.message}`);
    }
  }

  async endTurn(): Promise<void> {
    await this.#runningAgent().stop();
    this.#agent = undefined;
    rmSync(this.#repositoryFolder(), { recursive: true, force: true });
  }

  /** Where another program makes its repository, on the same S3 server. */
  place(prefix: string): Place {
    const { endpoint, env } = this.#rig.s3;
    return { kind: "s3", endpoint, bucket, prefix, env };
  }

  storedBytes(prefix: string): number {
    return bytesBelow(join(this.#rig.s3.dataFolder, bucket, prefix));
  }

  removeStored(prefix: string): void {
    rmSync(join(this.#rig.s3.dataFolder, bucket, prefix), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.#rig.stop();
  }

  #repositoryFolder(): string {
    return join(this.#rig.s3.dataFolder, bucket, "restic", namespace);
  }

  #runningAgent(): RunningProcess {
    if (this.#agent === undefined) throw new Error("bug: no agent runs");
    return this.#agent;
  }
}
