// Agents that are killed while they restore: every restore ends with the same files, and no lock stays behind.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Pod } from "../../src/api/core.ts";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { eventually } from "../support/processes.ts";
import { seededRandom } from "../support/seeded-random.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };
const seed = process.env.STOWAGE_SEED ?? String(Date.now());
let rig: ClusterRig;

before(async () => {
  rig = await startClusterRig();
});
after(() => rig.stop());

async function phaseOf(name: string): Promise<string> {
  const { status } = await rig.get<{ status?: { phase?: string } }>("podvolumerestores", name);
  return status?.phase ?? "";
}

test(`killed at 20 random moments of restores, every one ends with the same files (seed ${seed})`, async () => {
  const random = seededRandom(`${seed} restores`);
  await rig.initRepository("restored");
  const origin = await rig.makePod({ namespace: "restored", name: "origin", node, volumes: [data] });
  const source = rig.volumePath(origin, "data");
  for (let index = 0; index < 32; index++) {
    const folder = join(source, `folder${index % 5}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file${index}`), random.bytes(1024 * 1024 - index));
  }
  let agent = await rig.startAgent({ node });
  const backup = await rig.backupEnd(await rig.makeBackup(origin, "data"));
  const snapshotID = backup.status?.snapshotID ?? "";
  const restores: { readonly name: string; readonly pod: Pod }[] = [];
  for (let round = 0; round < 20; round++) {
    const pod = await rig.makePod({
      namespace: "restored",
      name: `pod${round}`,
      node,
      volumes: [data],
      isWaiting: true,
    });
    rig.volumePath(pod, "data");
    const name = await rig.makeRestore(pod, "data", { snapshotID }, randomUUID());
    restores.push({ name, pod });
    await eventually("it has begun", async () => (await phaseOf(name)) !== "");
    await pause(random.integer(0, 400));
    agent.signal("SIGKILL");
    await agent.ended;
    agent = await rig.startAgent({ node });
  }
  for (const { name, pod } of restores) {
    const { status } = await rig.restoreEnd(name);
    assert.equal(status?.phase, "Completed", status?.message);
    const ignore = (path: string) => path === ".velero";
    assert.deepEqual(compareTrees(source, rig.volumePath(pod, "data"), { root: false, ignore }), []);
  }
  await agent.stop();
  await rig.restic("restored", ["check", "--read-data"]);
  assert.deepEqual(rig.locks("restored"), []);
});
