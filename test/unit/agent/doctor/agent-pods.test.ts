import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { findOwnPod } from "../../../../agent/doctor/agent-pods.ts";
import { patientWith } from "../../../support/doctor-patient.ts";

async function ownAmong(pods: readonly object[]): Promise<string | undefined> {
  const client = { list: async () => ({ items: pods, resourceVersion: "1" }) } as never;
  const found = await findOwnPod(patientWith({ client }), new AbortController().signal);
  return found?.metadata.name;
}

const pod = (name: string, nodeName = "node-one", metadata = {}) => ({
  metadata: { name, ...metadata },
  spec: { nodeName },
});

test("the agent's pod is the one of its node; of several the one with its host name", async () => {
  assert.equal(await ownAmong([pod("a", "other"), pod("b")]), "b");
  assert.equal(await ownAmong([pod("a"), pod(hostname())]), hostname());
  assert.equal(await ownAmong([pod("a"), pod("gone", "node-one", { deletionTimestamp: "x" })]), "a");
});

test("outside of a pod, and where it cannot be told, there is none", async () => {
  assert.equal(await ownAmong([]), undefined);
  assert.equal(await ownAmong([pod("a"), pod("b")]), undefined);
});
