import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KubeObject } from "../../src/api/kube-object.ts";
import { MemoryContents } from "../support/memory-contents.ts";
import { eventually } from "../support/processes.ts";
import { type RestoreObjectsRig, startRestoreObjectsRig } from "../support/restore-objects-rig.ts";

const nothing = { warnings: {}, errors: {} };

describe("restoreObjects of kinds that the cluster does not have yet", () => {
  let rig: RestoreObjectsRig;
  before(async () => {
    rig = await startRestoreObjectsRig();
  });
  after(async () => await rig.stop());

  const widgets: KubeObject & Record<string, unknown> = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: {
      // As a CRD of earlier versions comes out of a backup; v1 would refuse it.
      preserveUnknownFields: true,
      ...{ group: "example.com", scope: "Namespaced" },
      names: { plural: "widgets", singular: "widget", kind: "Widget", shortNames: ["wd"] },
      versions: [
        {
          ...{ name: "v1", served: true, storage: true, subresources: { status: {} } },
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  };
  const widgetPath = (namespace: string): string => `/apis/example.com/v1/namespaces/${namespace}/widgets/one`;

  /** CRD and object as a Backup holds them, in a cluster that has neither. */
  const lostWidget = async (namespace: string): Promise<MemoryContents> => {
    const contents = new MemoryContents();
    const crdPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
    if ((await rig.find(crdPath)) !== undefined) await rig.controlPlane.must("DELETE", crdPath);
    await eventually("the CRD is gone", async () => (await rig.find(crdPath)) === undefined);
    contents.add("customresourcedefinitions.apiextensions.k8s.io", widgets);
    contents.add("widgets.example.com", {
      ...{ apiVersion: "example.com/v1", kind: "Widget", size: 3, status: { ready: true } },
      metadata: { name: "one", namespace },
    } as KubeObject);
    return contents;
  };

  it("restores CRDs first, waits until they are served, and then their objects, chosen by a name of the new kind", async () => {
    const contents = await lostWidget("gadgets");
    const crd = "customresourcedefinitions";
    const run = await rig.restore(contents, { spec: { includedResources: [crd, "wd"] } });
    assert.deepEqual(run.results, nothing);
    const widget = await rig.get(widgetPath("gadgets"));
    assert.deepEqual([widget.size, widget.status], [3, undefined]);
    assert.deepEqual(run.resourceList["example.com/v1/Widget"], ["gadgets/one(created)"]);
  });

  it("restores the CRD of a chosen object although only namespaces were asked for", async () => {
    const contents = await lostWidget("needy");
    const run = await rig.restore(contents, { spec: { includedNamespaces: ["needy"] } });
    assert.deepEqual(run.results, nothing);
    assert.ok(await rig.find(widgetPath("needy")));
  });

  it("says which kind is not there when it may not restore the CRD", async () => {
    const contents = await lostWidget("poor");
    const run = await rig.restore(contents, { spec: { includeClusterResources: false } });
    const [error] = run.results.errors.namespaces?.poor ?? [];
    assert.match(error ?? "", /widgets.example.com poor\/one: the cluster does not serve example.com\/v1 Widget/);
    assert.deepEqual(run.resourceList["example.com/v1/Widget"], ["poor/one(failed)"]);
  });

  it("gives the status back to kinds that are asked for and to objects that ask for it", async () => {
    const contents = await lostWidget("status");
    await rig.restore(contents, { spec: { restoreStatus: { includedResources: ["widgets"] } } });
    assert.deepEqual((await rig.get(widgetPath("status"))).status, { ready: true });
    const object = await contents.read("widgets.example.com", { namespace: "status", name: "one" });
    const two = { name: "one", namespace: "status2", annotations: { "velero.io/restore-status": "true" } };
    contents.add("widgets.example.com", { ...object, metadata: two });
    await rig.restore(contents);
    assert.deepEqual((await rig.get(widgetPath("status2"))).status, { ready: true });
  });
});
