// Whatever is taken away in the middle of a backup or a restore comes back: every resource ends, the data are right, and no
// lock stays. All of it with a memory limit of 256 MiB on the agent.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";
import { killAgent, lastEndOfAgent, peakMemoryBytes } from "./support/agent-container.ts";
import { NodeRig } from "./support/node-rig.ts";
import { namespace, pod } from "./support/workloads.ts";

const space = "work";
const megabytes = 128;
const awayMs = 5000;
let rig: NodeRig;
let peakBytes = 0;

interface Interruption {
  readonly title: string;
  /** Takes it away and brings it back, and lets the store go on. `isMoved` says when the data have arrived nevertheless. */
  readonly strike: (isMoved: () => boolean) => Promise<void>;
  /** Nobody could give the work back: it was begun once more. What was given back in order counts as not begun. */
  readonly startsOver: boolean;
}

const interruptions: readonly Interruption[] = [
  {
    title: "the agent is killed",
    strike: async () => {
      await killAgent(rig);
      rig.s3.thaw();
    },
    startsOver: true,
  },
  {
    title: "the agent's pod is deleted",
    strike: async () => {
      const { metadata } = await rig.agentPod();
      await rig.kubectl("-n", "velero", "delete", "pod", metadata.name, "--wait=false");
      rig.s3.thaw();
      await rig.kubectl("-n", "velero", "wait", "--for=delete", `pod/${metadata.name}`, "--timeout=60s");
      await rig.agentReady();
    },
    startsOver: false,
  },
  {
    title: "the DaemonSet is rolled",
    strike: async () => {
      await rig.kubectl("-n", "velero", "rollout", "restart", "daemonset/node-agent");
      await rig.until("the agent is asked to end", async () => (await rig.agentPods()).length === 0);
      rig.s3.thaw();
      await rig.agentReady();
    },
    startsOver: false,
  },
  {
    title: "the API server is away until the data have been moved",
    strike: async (isMoved) => {
      await rig.node.stopPart("kube-apiserver", "SIGKILL");
      rig.s3.thaw();
      await rig.until("the data are moved meanwhile", async () => isMoved());
      await rig.node.startPart("kube-apiserver");
    },
    startsOver: false,
  },
  {
    title: `the store is away for ${awayMs / 1000} s`,
    strike: async () => {
      await rig.s3.halt();
      await pause(awayMs);
      await rig.s3.resume();
    },
    startsOver: false,
  },
  {
    title: "the node goes down and comes up",
    strike: async () => {
      await rig.node.down();
      rig.s3.thaw();
      await rig.node.up();
    },
    startsOver: true,
  },
];

before(async () => {
  rig = await NodeRig.start();
  await rig.kubectl("-n", "velero", "set", "resources", "daemonset/node-agent", "--limits=memory=256Mi");
  await rig.agentReady();
  await rig.apply(
    namespace(space),
    pod({
      ...{ namespace: space, name: "web", annotations: { "backup.velero.io/backup-volumes": "data" } },
      volumes: [{ name: "data", emptyDir: {} }],
    }),
  );
  await rig.ready(space, "web");
});
after(() => rig.stop());

async function checksum(place: string): Promise<string> {
  return (await rig.shell(place, "web", "sha256sum /data/large")).slice(0, 64);
}

function snapshotCount(): number {
  return globSync("*", { cwd: join(rig.s3.dataFolder, "backups", "restic", space, "snapshots") }).length;
}

/** Holds the store still once the transfer has begun, so that it cannot end before it is struck. */
async function heldTransfer(): Promise<void> {
  await rig.until("the transfer has begun", async () => rig.locks(space).length > 0);
  rig.s3.freeze();
}

async function assertNoLock(): Promise<void> {
  await rig.until("no lock is left", async () => rig.locks(space).length === 0);
}

/** With a new agent the count begins anew, so it is asked for before and after. */
async function assertMemory(): Promise<void> {
  peakBytes = Math.max(peakBytes, (await peakMemoryBytes(rig)) ?? 0);
  assert.notEqual(await lastEndOfAgent(rig), "OOMKilled");
}

async function checksumOfSnapshot(id: string): Promise<string> {
  const target = makeTemporaryDirectory("restored");
  try {
    await rig.restic(space, "restore", id, "--target", target);
    const [file = ""] = globSync("**/large", { cwd: target });
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(target, file)), hash);
    return hash.digest("hex");
  } finally {
    removeDirectory(target);
  }
}

describe("during a backup", () => {
  for (const [index, { title, strike, startsOver }] of interruptions.entries()) {
    it(`${title}: the backup is complete and right`, async () => {
      await rig.shell(space, "web", `dd if=/dev/urandom of=/data/large bs=1M count=${megabytes} 2>/dev/null`);
      const wanted = await checksum(space);
      const before_ = snapshotCount();
      const name = `backup-${index}`;
      await rig.makeBackup(name, { includedNamespaces: [space] });
      await heldTransfer();
      await strike(() => snapshotCount() > before_);
      const { status } = await rig.backupEnd(name, 180_000);
      assert.equal(status?.phase, "Completed", JSON.stringify(status));
      const [volume] = await rig.volumeBackups(name);
      assert.equal(volume?.status?.phase, "Completed", volume?.status?.message);
      const attempts = Number(volume?.metadata.annotations?.["stowage.dev/attempts"]);
      assert.ok(attempts === (startsOver ? 2 : 1), `${attempts} attempts`);
      assert.equal(await checksumOfSnapshot(volume?.status?.snapshotID ?? ""), wanted);
      await assertNoLock();
      await rig.agentReady();
      await assertMemory();
    });
  }
});

describe("during a restore", () => {
  for (const [index, { title, strike, startsOver }] of interruptions.entries()) {
    it(`${title}: the pod starts with its data`, async () => {
      const wanted = await checksum(space);
      const target = `${space}-${index}`;
      const from = `backup-${interruptions.length - 1}`;
      await rig.makeRestore(`restore-${index}`, { backupName: from, namespaceMapping: { [space]: target } });
      await heldTransfer();
      const place = rig.node.path("/var/lib/kubelet/pods");
      const uid = (await rig.volumeRestores(`restore-${index}`))[0]?.spec.pod.uid ?? "";
      const file = join(uid, "volumes/kubernetes.io~empty-dir/data/large");
      await strike(() => existsSync(join(place, file)) && statSync(join(place, file)).size === megabytes << 20);
      const { status } = await rig.restoreEnd(`restore-${index}`, 180_000);
      assert.equal(status?.phase, "Completed", JSON.stringify(status));
      const [volume] = await rig.volumeRestores(`restore-${index}`);
      assert.equal(volume?.status?.phase, "Completed", volume?.status?.message);
      const attempts = Number(volume?.metadata.annotations?.["stowage.dev/attempts"]);
      assert.ok(attempts === (startsOver ? 2 : 1), `${attempts} attempts`);
      await rig.ready(target, "web");
      assert.equal(await checksum(target), wanted);
      // The helper is a user who may not remove it; the agent does, as soon as it hears that the helper has ended.
      await rig.until("no .velero is left", async () => (await rig.shell(target, "web", "ls -A /data")) === "large\n");
      await assertNoLock();
      await rig.agentReady();
      await assertMemory();
      await rig.kubectl("delete", "namespace", target, "--wait=false");
    });
  }
});

it("restic finds nothing wrong after all of it, and the agent never needed more than its limit", async () => {
  await rig.restic(space, "check", "--read-data");
  process.stdout.write(
    `the agent's container used at most ${Math.round(peakBytes / 2 ** 20)} MiB, page cache included\n`,
  );
});
