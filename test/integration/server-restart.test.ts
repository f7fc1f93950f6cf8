// A server that is killed at any moment: every Backup still ends, each volume is made once, no message is lost.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backup } from "../../src/api/backup.ts";
import type { BackupRepository } from "../../src/api/backup-repository.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { type PlayedKubelet, playKubelet } from "../support/played-kubelet.ts";
import type { RunningProcess } from "../support/processes.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";
import { StoredBackup } from "../support/stored-backup.ts";

const seed = process.env.STOWAGE_SEED ?? String(Date.now());
const random = seededRandom(seed);
const namespaces = ["one", "two", "three", "four"];
const kills = 10;
let rig: ServerRig;
let kubelet: PlayedKubelet;
const hooks = {
  "pre.hook.backup.velero.io/command": "freeze",
  "post.hook.backup.velero.io/command": "thaw",
};

before(async () => {
  rig = await startServerRig();
  await rig.makeLocation("default");
  await rig.makeAgentPod("node-1");
  kubelet = await playKubelet(rig.controlPlane, "node-1");
  for (const namespace of namespaces) {
    for (const name of ["a", "b", "c"]) await rig.makePod({ namespace, name });
    await rig.makePod({ namespace, name: "hooked", annotations: hooks });
    await rig.makePod({ namespace, name: "idle", phase: "Pending" });
  }
});

after(async () => {
  await kubelet?.stop();
  await rig?.stop();
});

/** Plays the agents: ends volumes at random until the signal fires. */
async function playAgents(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const { metadata, status } of await rig.list<PodVolumeBackup>("podvolumebackups")) {
      const isDone = (status?.phase ?? "") !== "" || !random.chance(0.4);
      if (!isDone) await rig.patch("podvolumebackups", metadata.name, { status: { phase: "Completed" } });
    }
    await sleep(100);
  }
}

async function killServerSoon(server: RunningProcess): Promise<void> {
  await sleep(random.integer(0, 900));
  server.signal("SIGKILL");
  await server.ended;
}

describe(`a server that is killed ${kills} times (STOWAGE_SEED=${seed} repeats it)`, () => {
  it("carries out every Backup once and as a whole", async () => {
    const agents = new AbortController();
    const playing = playAgents(agents.signal);
    const names: string[] = [];
    for (let round = 0; round < kills; round++) {
      const server = await rig.startServer("--default-volumes-to-fs");
      const name = `backup-${round}`;
      names.push(name);
      // The first rounds need new repositories, the later ones all that are there.
      const includedNamespaces = round < namespaces.length ? [namespaces[round]] : namespaces;
      await rig.makeBackup(name, { spec: { includedNamespaces } });
      await killServerSoon(server);
    }
    const bucket = join(rig.folder, "default", "bucket");
    const last = await rig.startServer("--default-volumes-to-fs");
    for (const [round, name] of names.entries()) {
      const { status, metadata } = await rig.backupEnd(name, 60_000);
      const count = round < namespaces.length ? 1 : namespaces.length;
      assert.deepEqual([status?.phase, status?.errors, status?.warnings], ["Completed", 0, count], name);
      assert.equal(new StoredBackup(bucket, name).volumeBackups.length, 4 * count, name);
      const made = await rig.volumeBackups(name);
      const volumes = made.map(({ spec }) => `${spec.pod.namespace}/${spec.pod.name}/${spec.volume}`);
      assert.equal(new Set(volumes).size, 4 * count, name);
      assert.equal(volumes.length, 4 * count, `${name} has a volume twice`);
      assert.equal(
        made.every(({ metadata: { labels } }) => labels?.["velero.io/backup-uid"] === metadata.uid),
        true,
      );
    }
    agents.abort();
    await playing;
    for (const namespace of namespaces) {
      const commands = kubelet.commands.filter((line) => line.startsWith(`${namespace}/hooked/`));
      assert.match(commands.at(-1) ?? "", /: thaw$/, `the pod of ${namespace} is left as its pre hook has made it`);
    }
    const repositories = await rig.list<BackupRepository>("backuprepositories");
    assert.deepEqual(
      repositories.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`).sort(),
      namespaces.map((namespace) => `${namespace}-default-restic Ready`).sort(),
    );
    const { code } = await last.stop();
    assert.equal(code, 0, "an orderly end");
  });

  it("says after a restart what stood in the way before, and ends with all volumes of both tries", async () => {
    await rig.makePod({ namespace: "five", name: "lonely", node: "node-without-agent" });
    await rig.makePod({ namespace: "five", name: "web" });
    const first = await rig.startServer("--default-volumes-to-fs");
    await rig.makeBackup("remembered", { spec: { includedNamespaces: ["five", "nowhere"] } });
    await rig.backupPlanned("remembered");
    first.signal("SIGKILL");
    await first.ended;
    // It is gone from the cluster; its volume is being copied.
    await rig.controlPlane.must("DELETE", "/api/v1/namespaces/five/pods/web");
    await rig.startServer();
    await rig.when<Backup>(
      "backups",
      "remembered",
      ({ metadata }) => metadata.annotations?.["stowage.dev/attempts"] === "2",
    );
    await rig.settle("remembered");
    const { status } = await rig.backupEnd("remembered");
    assert.deepEqual([status?.phase, status?.errors], ["PartiallyFailed", 2]);
    assert.match(status?.failureReason ?? "", /nowhere does not exist; pod five\/lonely: no node-agent/);
    const stored = new StoredBackup(join(rig.folder, "default", "bucket"), "remembered");
    assert.deepEqual(
      stored.volumeBackups.map(({ spec, status: ended }) => [spec.pod.name, ended?.phase]),
      [["web", "Completed"]],
    );
  });
});
