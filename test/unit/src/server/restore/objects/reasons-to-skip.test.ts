import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../../../../src/api/kube-object.ts";
import { ContentsIndex } from "../../../../../../src/server/restore/objects/backup-contents.ts";
import { mutableCopy } from "../../../../../../src/server/restore/objects/json-fields.ts";
import { reasonToSkip } from "../../../../../../src/server/restore/objects/reasons-to-skip.ts";
import { MemoryContents } from "../../../../../support/memory-contents.ts";

const meta = { name: "x", namespace: "shop" };

async function skips(kind: string, object: object, contents = new MemoryContents()): Promise<boolean> {
  const copy = mutableCopy({ metadata: meta, ...object } as KubeObject);
  return (await reasonToSkip(kind, copy, { contents, index: new ContentsIndex(contents) })) !== undefined;
}

describe("reasonToSkip", () => {
  it("skips pods that mirror a node's files or have ended", async () => {
    const mirror = { ...meta, annotations: { "kubernetes.io/config.mirror": "abc" } };
    assert.equal(await skips("pods", { metadata: mirror }), true);
    const phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
    const skipped = await Promise.all(phases.map((phase) => skips("pods", { status: { phase } })));
    assert.deepEqual(skipped, [false, false, true, true, false]);
  });

  it("skips jobs that have completed", async () => {
    assert.equal(await skips("jobs.batch", { status: { completionTime: "2026-01-01T00:00:00Z" } }), true);
    assert.equal(await skips("jobs.batch", { status: { active: 1 } }), false);
  });

  it("skips what each cluster makes itself", async () => {
    assert.equal(await skips("configmaps", { metadata: { ...meta, name: "kube-root-ca.crt" } }), true);
    assert.equal(await skips("configmaps", {}), false);
    for (const kind of ["services", "endpoints", "endpointslices.discovery.k8s.io"]) {
      assert.equal(await skips(kind, { metadata: { name: "kubernetes", namespace: "default" } }), true, kind);
      assert.equal(await skips(kind, { metadata: { name: "kubernetes", namespace: "shop" } }), false, kind);
    }
    const managed = { ...meta, labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" } };
    assert.equal(await skips("apiservices.apiregistration.k8s.io", { metadata: managed }), true);
    assert.equal(await skips("apiservices.apiregistration.k8s.io", {}), false);
  });

  it("skips tokens that a controller made, not those that somebody named", async () => {
    const token = (name: string, type = "kubernetes.io/service-account-token"): object => ({
      ...{ type, metadata: { ...meta, name, annotations: { "kubernetes.io/service-account.name": "builder" } } },
    });
    assert.equal(await skips("secrets", token("builder-token-x7k2p")), true);
    assert.equal(await skips("secrets", token("builder-token-for-ci")), false);
    assert.equal(await skips("secrets", token("other-token-x7k2p")), false);
    assert.equal(await skips("secrets", token("builder-token-x7k2p", "Opaque")), false);
  });

  it("skips endpoints of a service that selects its pods, not those that somebody wrote", async () => {
    const contents = new MemoryContents();
    assert.equal(await skips("endpoints", {}, contents), false);
    contents.add("services", { metadata: meta });
    assert.equal(await skips("endpoints", {}, contents), false);
    const selecting = new MemoryContents();
    selecting.add("services", { metadata: meta, spec: { selector: { app: "shop" } } } as KubeObject);
    assert.equal(await skips("endpoints", {}, selecting), true);
    const touched = { ...meta, annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026" } };
    assert.equal(await skips("endpoints", { metadata: touched }, contents), true);
    const slice = { ...meta, labels: { "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" } };
    assert.equal(await skips("endpointslices.discovery.k8s.io", { metadata: slice }), true);
    assert.equal(await skips("endpointslices.discovery.k8s.io", {}), false);
  });

  it("skips claims that belong to a pod's ephemeral volume", async () => {
    const ownedBy = (kind: string): object => ({
      metadata: { ...meta, ownerReferences: [{ apiVersion: "v1", kind, name: "web", uid: "u", controller: true }] },
    });
    assert.equal(await skips("persistentvolumeclaims", ownedBy("Pod")), true);
    assert.equal(await skips("persistentvolumeclaims", ownedBy("StatefulSet")), false);
  });
});
