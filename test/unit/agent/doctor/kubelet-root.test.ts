import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Patient } from "../../../../agent/doctor/finding.ts";
import { kubeletRoot } from "../../../../agent/doctor/kubelet-root.ts";
import { findingOf, patientWith } from "../../../support/doctor-patient.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const pod = { metadata: { namespace: "app", name: "web", uid: "u1" } };

function clientWith(node: object | undefined): Patient["client"] {
  const find = async (): Promise<unknown> => {
    if (node === undefined) throw new Error("forbidden");
    return node;
  };
  return { list: async () => ({ items: [pod], resourceVersion: "1" }), find } as unknown as Patient["client"];
}

async function mismatchOn(hostPodsDir: string, node: object | undefined): Promise<{ message: string; remedy: string }> {
  const clock = new FakeClock();
  const looking = findingOf(kubeletRoot, patientWith({ hostPodsDir, client: clientWith(node), clock }));
  let hasEnded = false;
  void looking.finally(() => {
    hasEnded = true;
  });
  // File system calls take real time between the sleeps.
  while (!hasEnded) {
    await clock.advance(1000);
    await setImmediate();
  }
  const { message, remedy = "", stopsWork } = await looking;
  assert.equal(stopsWork, true);
  return { message, remedy };
}

test("a folder for every running pod is what a kubelet's pods directory has", async (t) => {
  const hostPodsDir = temporaryDirectory(t);
  mkdirSync(join(hostPodsDir, "u1"));
  const finding = await findingOf(kubeletRoot, patientWith({ hostPodsDir, client: clientWith({}) }));
  assert.equal(finding.outcome, "ok");
});

test("another folder stops all work, and the advice knows the node's distribution", async (t) => {
  const node = { metadata: { labels: { "microk8s.io/cluster": "true" } } };
  const { message, remedy } = await mismatchOn(temporaryDirectory(t), node);
  assert.match(message, /is not the kubelet's pods directory of node node-one: .*app\/web/);
  assert.match(remedy, /MicroK8s.*\/var\/snap\/microk8s\/common\/var\/lib\/kubelet\/pods.*overlays\/microk8s/);
});

test("on a node that is not known, or cannot be read, the usual place is named", async (t) => {
  const hostPodsDir = temporaryDirectory(t);
  for (const node of [{ metadata: {} }, undefined]) {
    assert.match((await mismatchOn(hostPodsDir, node)).remedy, /\/var\/lib\/kubelet\/pods, unless/);
  }
});

test("without the folder there is nothing to compare", async () => {
  assert.equal((await findingOf(kubeletRoot, patientWith())).outcome, "skipped");
});
