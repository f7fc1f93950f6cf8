// The node-agent ConfigMap changes while the agent works: its process, with exactly the rights of manifests/rbac, follows,
// and so does the transfer that runs.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { type ClusterRig, startClusterRig } from "../support/cluster-rig.ts";
import { eventually } from "../support/processes.ts";
import { type StallingProxy, startStallingProxy } from "../support/stalling-proxy.ts";

const node = "node-one";
const configMaps = "/api/v1/namespaces/velero/configmaps";
const mebibyte = 1024 * 1024;
let rig: ClusterRig;
let proxy: StallingProxy;

before(async () => {
  rig = await startClusterRig();
  proxy = await startStallingProxy(rig.s3.port);
  await rig.initRepository("app");
});
after(async () => {
  await proxy.close();
  await rig.stop();
});

interface Events {
  readonly items: readonly { readonly reason: string; readonly involvedObject: { readonly name: string } }[];
}

async function configure(text: string): Promise<void> {
  const patch = { data: { "node-agent.json": text } };
  await rig.controlPlane.must("PATCH", `${configMaps}/node-agent-config`, patch, "application/merge-patch+json");
}

async function phaseOf(name: string): Promise<string | undefined> {
  return (await rig.get<PodVolumeBackup>("podvolumebackups", name)).status?.phase;
}

async function backUp(name: string, bytes: number): Promise<string> {
  const pod = await rig.makePod({ name, node, volumes: [{ name: "data", emptyDir: {} }] });
  writeFileSync(join(rig.volumePath(pod, "data"), "file"), randomBytes(bytes));
  return await rig.makeBackup(pod, "data", { repoIdentifier: `s3:${proxy.endpoint}/backups/restic/app` });
}

test("rates and slots change under a running backup; a ConfigMap that is wrong is told and changes nothing", async () => {
  const slow = JSON.stringify({ stowageThrottle: { upload: "200K", concurrentFiles: 1 } });
  await rig.controlPlane.must("POST", configMaps, {
    metadata: { name: "node-agent-config" },
    data: { "node-agent.json": slow },
  });
  const agent = await rig.startAgent({ node });
  const large = await backUp("large", 24 * mebibyte);
  await eventually("some of it is sent", async () => proxy.bytes.sent > mebibyte / 2);
  const small = await backUp("small", 1000);

  await configure(JSON.stringify({ stowageThrottle: { upload: "fast" } }));
  await eventually("it is told", async () =>
    /what held before still does: .*stowageThrottle.upload/.test(agent.output()),
  );
  await eventually("an event is at the ConfigMap", async () => {
    const { items } = (await rig.controlPlane.must("GET", "/api/v1/namespaces/velero/events")) as Events;
    return items.some(
      ({ reason, involvedObject }) => reason === "ConfigInvalid" && involvedObject.name === "node-agent-config",
    );
  });
  assert.equal(await phaseOf(large), "InProgress");
  assert.notEqual(await phaseOf(small), "InProgress", "there is one slot");
  // At 200 KiB a second all of it takes two minutes; a tenth of that is generous for what was done so far.
  assert.ok(proxy.bytes.sent < 12 * mebibyte, `${proxy.bytes.sent} bytes were sent`);

  await configure(JSON.stringify({ loadConcurrency: { globalConfig: 2 }, stowageThrottle: { upload: "201K" } }));
  await eventually("the small one has begun", async () => ((await phaseOf(small)) ?? "") !== "");
  assert.equal(await phaseOf(large), "InProgress");

  const sentBefore = proxy.bytes.sent;
  const startedMs = performance.now();
  await rig.controlPlane.must("DELETE", `${configMaps}/node-agent-config`);
  const ends = await Promise.all([rig.backupEnd(large), rig.backupEnd(small)]);
  const seconds = (performance.now() - startedMs) / 1000;
  for (const { status } of ends) assert.equal(status?.phase, "Completed", status?.message);
  const rate = (proxy.bytes.sent - sentBefore) / seconds;
  assert.ok(rate > 3 * 201 * 1024, `still ${Math.round(rate)} bytes a second`);
  assert.deepEqual(rig.locks("app"), []);
});

test("under pressure the transfers are slowed down when that is asked for, until it is asked for no more", async () => {
  const settings = { upload: "1M", onPressure: { cpu: 0.01, lowestPercent: 20 } };
  await rig.controlPlane.must("POST", configMaps, {
    metadata: { name: "node-agent-config" },
    data: { "node-agent.json": JSON.stringify({ stowageThrottle: settings }) },
  });
  const agent = await rig.startAgent({ node: "node-two" });
  if (!existsSync("/proc/pressure/cpu")) {
    await eventually("it says that it cannot know", async () => /onPressure has no effect/.test(agent.output()));
    return;
  }
  // Programs wait for a processor all the time while tests run: the threshold is a ten-thousandth of it.
  await eventually("it is slow", async () =>
    /the node is under pressure.* sharePercent=20 pressure="cpu [\d.]+% of the time, threshold 0.01%"/.test(
      agent.output(),
    ),
  );
  await rig.controlPlane.must("DELETE", `${configMaps}/node-agent-config`);
  await eventually("it is fast again", async () => /go on at full speed" sharePercent=100/.test(agent.output()));
});
