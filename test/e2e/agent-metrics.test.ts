// The agent's numbers and log lines for each volume, from a real agent: there again after a restart, on another node for a
// claim that moves, and gone with the pod.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Pod } from "../../src/api/core.ts";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { eventually, type RunningProcess } from "../support/processes.ts";

const node = "node-one";
const other = "node-two";
const data = { name: "data", emptyDir: {} };
const lastSuccess = "stowage_volume_backup_last_success_timestamp_seconds";
let rig: ClusterRig;
let agent: RunningProcess;

before(async () => {
  rig = await startClusterRig();
  await rig.initRepository("app");
  agent = await startAgent(node);
});
after(() => rig.stop());

async function startAgent(name: string): Promise<RunningProcess> {
  return await rig.startAgent({ node: name, flags: ["--log-format", "json"] });
}

function lines(running: RunningProcess): Record<string, unknown>[] {
  const whole = running
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"));
  return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Lines of /metrics that begin with a name. */
async function series(running: RunningProcess, name: string): Promise<string[]> {
  const port = lines(running).find(({ msg }) => msg === "serving metrics")?.port;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

async function backUp(pod: Pod): Promise<string> {
  const name = await rig.makeBackup(pod, "data");
  await rig.backupEnd(name);
  return name;
}

const successOf = (pod: string, claim = ""): RegExp =>
  new RegExp(`{volume_namespace="app",volume_pod="${pod}",volume="data",claim="${claim}"} \\d{10}$`);

test("a volume's last success is there after its backup and after a restart of the agent, and gone with its pod", async () => {
  const pod = await rig.makePod({ name: "web", node, volumes: [data] });
  writeFileSync(join(rig.volumePath(pod, "data"), "file"), "content".repeat(1000));
  assert.deepEqual(await series(agent, lastSuccess), []);
  const name = await backUp(pod);
  await eventually("the success is shown", async () => (await series(agent, lastSuccess)).length === 1);
  const before = await series(agent, lastSuccess);
  assert.match(before[0] ?? "", successOf("web"));
  const figures = await series(agent, "stowage_volume_backup_last_size_bytes");
  assert.match(figures[0] ?? "", / 7000$/);
  const wanted = {
    direction: "backup",
    resource: `velero/${name}`,
    namespace: "app",
    pod: "web",
    volume: "data",
    node,
  };
  const told = lines(agent).filter(({ resource }) => resource === `velero/${name}`);
  assert.deepEqual(
    told.map(({ msg, bytes }) => [msg, bytes]),
    [
      ["volume begun", undefined],
      ["volume completed", 7000],
    ],
  );
  for (const line of told) assert.deepEqual({ ...line, ...wanted }, line);
  assert.equal(typeof told[1]?.seconds, "number");

  await agent.stop();
  agent = await startAgent(node);
  assert.deepEqual(await series(agent, lastSuccess), before);
  await rig.deletePod(pod);
  await eventually("the series is gone", async () => (await series(agent, lastSuccess)).length === 0);
});

test("a volume that fails is shown with the time of its failure", async () => {
  const pod = await rig.makePod({ name: "broken", node, volumes: [data] });
  await backUp(pod);
  const name = "stowage_volume_backup_last_failure_timestamp_seconds";
  await eventually("the failure is shown", async () => (await series(agent, name)).length === 1);
  assert.match((await series(agent, name))[0] ?? "", successOf("broken"));
  const [failed] = lines(agent).filter(({ msg, pod: of }) => msg === "volume failed" && of === "broken");
  assert.equal(failed?.level, "error");
  assert.notEqual(failed?.reason ?? "", "");
});

test("the agent of another node shows the last success of a claim as soon as a pod with it is there", async () => {
  const claim = await rig.makeClaim("app", "notes");
  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "notes" } }];
  const first = await rig.makePod({ name: "first", node, volumes });
  const path = join(rig.volumePath(first, claim.volume, "kubernetes.io~csi"), "mount");
  mkdirSync(path);
  writeFileSync(join(path, "note"), "remember");
  const name = await backUp(first);
  const address = `/apis/velero.io/v1/namespaces/velero/podvolumebackups/${name}`;
  const patch = { metadata: { annotations: { "velero.io/pvc-name": "notes" } } };
  await rig.controlPlane.must("PATCH", address, patch, "application/merge-patch+json");
  const elsewhere = await startAgent(other);
  assert.deepEqual(await series(elsewhere, lastSuccess), []);
  await rig.makePod({ name: "second", node: other, volumes });
  await eventually("the claim's success is shown", async () => (await series(elsewhere, lastSuccess)).length === 1);
  assert.match((await series(elsewhere, lastSuccess))[0] ?? "", successOf("second", "notes"));
});
