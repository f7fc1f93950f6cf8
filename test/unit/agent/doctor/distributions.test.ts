import assert from "node:assert/strict";
import { test } from "node:test";
import { distributionOf } from "../../../../agent/doctor/distributions.ts";

const version = (kubeletVersion: string) => ({
  metadata: { name: "n" },
  status: { nodeInfo: { kubeletVersion } },
});

test("nodes are told by their labels, versions and providers", () => {
  const label = (name: string) => ({ metadata: { name: "n", labels: { [name]: "x" } } });
  const nameOf = (node: object) => distributionOf(node as Parameters<typeof distributionOf>[0])?.name;
  assert.equal(nameOf(label("microk8s.io/cluster")), "MicroK8s");
  assert.equal(nameOf(version("v1.34.1+k0s.0")), "k0s");
  assert.equal(nameOf(version("v1.34.1+k3s1")), "k3s");
  assert.equal(nameOf(version("v1.34.1+rke2r1")), "RKE2");
  assert.equal(nameOf(label("node.openshift.io/os_id")), "OpenShift");
  assert.equal(nameOf({ metadata: { name: "n" }, spec: { providerID: "kind://docker/kind/n" } }), "kind");
  assert.equal(nameOf(version("v1.34.1")), undefined);
});
