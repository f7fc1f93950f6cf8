import assert from "node:assert/strict";
import { test } from "node:test";
import { agentDaemonSet } from "../../../../agent/doctor/agent-daemonset.ts";
import type { Finding, Patient } from "../../../../agent/doctor/finding.ts";
import { findingsOf, patientWith } from "../../../support/doctor-patient.ts";

interface Parts {
  readonly propagation?: string;
  readonly hostPath?: boolean;
  readonly wanted?: number;
  readonly ready?: number;
}

async function findingsFor(parts: Parts | undefined): Promise<readonly Finding[]> {
  const { propagation, hostPath = true, wanted = 2, ready = 2 } = parts ?? {};
  const mount = { name: "host-pods", mountPath: "/host_pods", mountPropagation: propagation };
  const daemonSet = {
    spec: {
      template: {
        spec: {
          volumes: [{ name: "host-pods", ...(hostPath ? { hostPath: { path: "/x" } } : { emptyDir: {} }) }],
          containers: [{ name: "node-agent", volumeMounts: [mount] }],
        },
      },
    },
    status: { desiredNumberScheduled: wanted, numberReady: ready },
  };
  const pods = [
    { metadata: { name: "well" }, spec: { nodeName: "n1" }, status: { containerStatuses: [{ ready: true }] } },
    { metadata: { name: "ill" }, spec: { nodeName: "n2" }, status: { containerStatuses: [{ ready: false }] } },
  ];
  const client = {
    find: async () => (parts === undefined ? undefined : daemonSet),
    list: async () => ({ items: pods, resourceVersion: "1" }),
  } as unknown as Patient["client"];
  return await findingsOf(agentDaemonSet, patientWith({ client, place: "outside" }));
}

test("a DaemonSet as it ought to be, all of whose agents are ready", async () => {
  const [finding, ...more] = await findingsFor({ propagation: "HostToContainer" });
  assert.deepEqual([finding?.outcome, more.length], ["ok", 0]);
});

test("agents that are not ready are named with their nodes", async () => {
  const [finding] = await findingsFor({ propagation: "HostToContainer", ready: 1 });
  assert.equal(finding?.outcome, "failed");
  assert.match(finding?.message ?? "", /1 of 2 agents are ready; not ready: ill on n2/);
});

test("a missing DaemonSet, mount or propagation is found, and nodes that nobody serves", async () => {
  assert.match((await findingsFor(undefined))[0]?.message ?? "", /no DaemonSet node-agent in the namespace velero/);
  assert.match((await findingsFor({ hostPath: false }))[0]?.message ?? "", /mounts a host path at \/host_pods/);
  assert.match((await findingsFor({}))[0]?.message ?? "", /no mount propagation/);
  const [none] = await findingsFor({ propagation: "Bidirectional", wanted: 0, ready: 0 });
  assert.deepEqual([none?.outcome, none?.message], ["warning", "no node runs an agent"]);
});
