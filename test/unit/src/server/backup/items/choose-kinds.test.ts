import assert from "node:assert/strict";
import { test } from "node:test";
import { groupResourceOf } from "../../../../../../src/kube/discovery.ts";
import { chooseKinds } from "../../../../../../src/server/backup/items/choose-kinds.ts";
import { createResourceFilter } from "../../../../../../src/server/backup/items/resource-filter.ts";
import { fakeDiscovery } from "../../../../../support/fake-discovery.ts";

const kinds = [
  "v1 configmaps ConfigMap",
  "v1 events Event",
  "v1 persistentvolumes PersistentVolume cluster",
  "v1 persistentvolumeclaims PersistentVolumeClaim",
  "v1 pods Pod",
  "v1 componentstatuses ComponentStatus cluster read-only",
  "events.k8s.io/v1 events Event",
  "extensions/v1beta1 deployments Deployment",
  "extensions/v1beta1 widgets Widget",
  "apps/v1 deployments Deployment",
  "apps/v1beta1 deployments Deployment",
  "example.com/v1 deployments Deployment",
];

async function chosen(includedResources: readonly string[] = []): Promise<string[]> {
  const discovery = await fakeDiscovery(kinds);
  const filter = createResourceFilter({ includedResources }, discovery);
  return chooseKinds(discovery, filter).map((resource) => `${groupResourceOf(resource)} ${resource.version}`);
}

test("pods, claims and volumes come first, then the core group, then the others in the API server's order", async () => {
  assert.deepEqual(await chosen(), [
    "pods v1",
    "persistentvolumeclaims v1",
    "persistentvolumes v1",
    "configmaps v1",
    "events v1",
    "widgets.extensions v1beta1",
    "deployments.apps v1",
    "deployments.example.com v1",
  ]);
});

test("of groups that hold the same objects the one that is asked for counts", async () => {
  assert.deepEqual(await chosen(["events.events.k8s.io", "deployments.extensions"]), [
    "events.events.k8s.io v1",
    "deployments.extensions v1beta1",
  ]);
});
