import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkHostPods } from "../../../../agent/host-volumes/check-host-pods.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

function check(hostPodsDir: string, answers: object[][]) {
  const clock = new FakeClock();
  const client = {
    list: async () => ({ items: (answers.length > 1 ? answers.shift() : answers[0]) ?? [], resourceVersion: "1" }),
  } as unknown as TypedClient;
  const signal = new AbortController().signal;
  return { clock, done: checkHostPods({ client, clock, hostPodsDir, nodeName: "n1", signal }) };
}
const pod = (uid: string, annotations = {}) => ({ metadata: { namespace: "app", name: uid, uid, annotations } });

test("every running pod has its directory, static ones under their hash", async (t) => {
  const folder = temporaryDirectory(t);
  for (const name of ["u1", "hash"]) mkdirSync(join(folder, name));
  const { done } = check(folder, [[pod("u1"), pod("u2", { "kubernetes.io/config.mirror": "hash" })]]);
  assert.equal(await done, true);
});

test("without the directory itself backups are off, which may be on purpose", async () => {
  assert.equal(await check("/does/not/exist", [[pod("u1")]]).done, false);
});

test("a pod that is just starting or ending is looked at again", async (t) => {
  const { clock, done } = check(temporaryDirectory(t), [[pod("u1")], []]);
  await eventuallySettled(clock);
  assert.equal(await done, true);
});

test("a pod that stays without directory ends the agent with the reason", async (t) => {
  const { clock, done } = check(temporaryDirectory(t), [[pod("u1")]]);
  const checked = assert.rejects(done, { code: "host-pods-mismatch", message: /no directory u1 .*app\/u1/ });
  await eventuallySettled(clock);
  await checked;
});

/** File system calls take real time between the sleeps. */
async function eventuallySettled(clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await clock.advance(1000);
}
