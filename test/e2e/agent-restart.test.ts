// Agents that end in the middle: killed, asked to end, or two of them. Every resource reaches an end, the repository
// stays clean, and no lock stays behind.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { eventually } from "../support/processes.ts";
import { type SeededRandom, seededRandom } from "../support/seeded-random.ts";

const node = "node-one";
const data = { name: "data", emptyDir: {} };
const seed = process.env.STOWAGE_SEED ?? String(Date.now());
let rig: ClusterRig;

before(async () => {
  rig = await startClusterRig();
});
after(() => rig.stop());

/** Data that no other round has, so that there is something to store. */
function fill(path: string, random: SeededRandom, megabytes: number): void {
  for (let index = 0; index < megabytes; index++) {
    const folder = join(path, `folder${index % 5}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file${index}`), random.bytes(1024 * 1024 - index));
  }
}

async function phaseOf(plural: string, name: string): Promise<string> {
  const { status } = await rig.get<{ status?: { phase?: string } }>(plural, name);
  return status?.phase ?? "";
}

test(`killed at 20 random moments of backups, every one ends and restic finds nothing wrong (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  await rig.initRepository("killed");
  const pod = await rig.makePod({ namespace: "killed", name: "web", node, volumes: [data] });
  const path = rig.volumePath(pod, "data");
  const names: string[] = [];
  let agent = await rig.startAgent({ node });
  for (let round = 0; round < 20; round++) {
    fill(path, random, 12);
    const name = await rig.makeBackup(pod, "data");
    names.push(name);
    await eventually("it has begun", async () => (await phaseOf("podvolumebackups", name)) !== "");
    await pause(random.integer(0, 400));
    agent.signal("SIGKILL");
    await agent.ended;
    agent = await rig.startAgent({ node });
  }
  let restarted = 0;
  for (const name of names) {
    const { status, metadata } = await rig.backupEnd(name);
    assert.equal(status?.phase, "Completed", status?.message);
    if (Number(metadata.annotations?.["stowage.dev/attempts"]) > 1) restarted++;
  }
  assert.ok(restarted > 0, "no backup was cut off: the moments are badly chosen");
  await agent.stop();
  await rig.restic("killed", ["check", "--read-data"]);
  assert.deepEqual(rig.locks("killed"), []);
});

test("SIGTERM ends a running backup in time, drops the lock, and the next agent starts it over", async () => {
  await rig.initRepository("stopped");
  const pod = await rig.makePod({ namespace: "stopped", name: "web", node, volumes: [data] });
  fill(rig.volumePath(pod, "data"), seededRandom(seed), 64);
  const first = await rig.startAgent({ node });
  const name = await rig.makeBackup(pod, "data");
  await eventually("it holds a lock", () => rig.locks("stopped").length > 0);
  const { code } = await first.stop(20_000);
  assert.equal(code, 0, first.output());
  assert.deepEqual(rig.locks("stopped"), []);
  const phase = await phaseOf("podvolumebackups", name);
  assert.ok(["New", "Completed"].includes(phase), phase);
  const second = await rig.startAgent({ node });
  const { status } = await rig.backupEnd(name);
  assert.equal(status?.phase, "Completed", status?.message);
  await second.stop();
});

test("an agent that starts again has the index, snapshots and trees in its cache", async () => {
  await rig.initRepository("cached");
  const pod = await rig.makePod({ namespace: "cached", name: "web", node, volumes: [data] });
  fill(rig.volumePath(pod, "data"), seededRandom(seed), 6);
  const flags = ["--cache-dir", join(rig.folder, "cache"), "--cache-size", "100M"];
  const requests: Record<string, number>[] = [];
  for (let round = 0; round < 2; round++) {
    const agent = await rig.startAgent({ node, flags });
    const { status, metadata } = await rig.backupEnd(await rig.makeBackup(pod, "data"));
    assert.equal(status?.phase, "Completed", status?.message);
    requests.push(JSON.parse(metadata.annotations?.["stowage.dev/report"] ?? "{}").requests);
    await agent.stop();
  }
  assert.deepEqual(requests[1], { put: 1, list: 3 }, "the new snapshot; nothing was fetched");
});

test("two nodes' agents share a repository, each does its own volumes, and two agents of one node never do one twice", async () => {
  await rig.initRepository("shared");
  const agents = await Promise.all([
    rig.startAgent({ node: "node-a" }),
    rig.startAgent({ node: "node-b" }),
    rig.startAgent({ node: "node-b" }),
  ]);
  const names: string[] = [];
  for (let index = 0; index < 12; index++) {
    const on = index % 2 === 0 ? "node-a" : "node-b";
    const pod = await rig.makePod({ namespace: "shared", name: `pod${index}`, node: on, volumes: [data] });
    fill(rig.volumePath(pod, "data"), seededRandom(index), 1);
    names.push(await rig.makeBackup(pod, "data"));
  }
  for (const name of names) {
    const { status, metadata } = await rig.backupEnd(name);
    assert.equal(status?.phase, "Completed", status?.message);
    assert.equal(metadata.annotations?.["stowage.dev/attempts"], "1");
  }
  const { messages } = await rig.restic("shared", ["snapshots", "--json"]);
  assert.equal(messages.length, names.length);
  await Promise.all(agents.map((agent) => agent.stop()));
  await rig.restic("shared", ["check", "--read-data"]);
  assert.deepEqual(rig.locks("shared"), []);
});
