import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackupSpec } from "../../../../../../src/api/backup.ts";
import { groupResourceOf } from "../../../../../../src/kube/discovery.ts";
import {
  coversAllNamespaces,
  createResourceFilter,
  usesScopedLists,
} from "../../../../../../src/server/backup/items/resource-filter.ts";
import { fakeDiscovery } from "../../../../../support/fake-discovery.ts";

const discovery = await fakeDiscovery([
  "v1 pods Pod",
  "v1 secrets Secret",
  "v1 namespaces Namespace cluster",
  "v1 persistentvolumes PersistentVolume cluster",
  "apps/v1 deployments Deployment",
  "example.com/v1 widgets Widget",
  "example.com/v1 zones Zone cluster",
  "snapshot.storage.k8s.io/v1 volumesnapshots VolumeSnapshot",
  "snapshot.storage.k8s.io/v1 volumesnapshotclasses VolumeSnapshotClass cluster",
  "snapshot.storage.k8s.io/v1 volumesnapshotcontents VolumeSnapshotContent cluster",
]);

const short: Readonly<Record<string, string>> = { persistentvolumes: "pv", namespaces: "ns" };

/** Names in the order of the discovery: what is wanted, and behind a bar what is only admitted. */
function chosen(spec: BackupSpec): string {
  const filter = createResourceFilter(spec, discovery);
  const names = (decide: "wants" | "admits"): string[] =>
    discovery.resources
      .filter((resource) => filter[decide](resource))
      .map(groupResourceOf)
      .filter((name) => !name.includes("snapshot"))
      .map((name) => short[name] ?? name.split(".")[0] ?? "");
  const wanted = names("wants");
  const related = names("admits").filter((name) => !wanted.includes(name));
  return `${wanted.join(" ")} | ${related.join(" ")}`.trim();
}

const one = { includedNamespaces: ["shop"] };
const everything = "pods secrets ns pv deployments widgets zones |";

test("without filters the whole cluster is wanted", () => {
  for (const spec of [{}, { includedNamespaces: ["*"] }, { includedResources: ["*"] }, { includedResources: null }])
    assert.equal(chosen(spec), everything, JSON.stringify(spec));
});

test("with some namespaces only, kinds of the cluster are admitted as related ones", () => {
  assert.equal(chosen(one), "pods secrets ns deployments widgets | pv zones");
  assert.equal(chosen({ excludedNamespaces: ["shop"] }), "pods secrets ns deployments widgets | pv zones");
});

test("includeClusterResources decides about kinds of the cluster, but never about the namespaces themselves", () => {
  assert.equal(chosen({ ...one, includeClusterResources: true }), everything);
  assert.equal(chosen({ includeClusterResources: false }), "pods secrets ns deployments widgets |");
  assert.equal(
    chosen({ includeClusterResources: false, excludedResources: ["ns", "namespaces"] }),
    "pods secrets deployments widgets |",
  );
  assert.equal(chosen({ includeClusterResources: null }), everything);
});

test("named kinds are wanted alone, by any name; related ones must be named too, unless all of the cluster is included", () => {
  assert.equal(chosen({ includedResources: ["pod", "deploy"] }), "pods deployments |");
  assert.equal(chosen({ ...one, includedResources: ["pods", "PersistentVolume"] }), "pods | pv");
  assert.equal(chosen({ includedResources: ["pods", "persistentvolumes"] }), "pods pv |");
  assert.equal(chosen({ ...one, includedResources: ["pods"], includeClusterResources: true }), "pods | ns pv zones");
  assert.equal(chosen({ ...one, includedResources: ["pods", "pv"], includeClusterResources: false }), "pods |");
});

test("excluded kinds are neither wanted nor admitted, also when they are included", () => {
  assert.equal(chosen({ excludedResources: ["pv", "secrets"] }), "pods ns deployments widgets zones |");
  assert.equal(chosen({ ...one, excludedResources: ["pv"] }), "pods secrets ns deployments widgets | zones");
  assert.equal(chosen({ includedResources: ["pods", "secrets"], excludedResources: ["secret"] }), "pods |");
});

test("patterns hold for full names", () => {
  assert.equal(chosen({ includedResources: ["*.example.com"] }), "widgets zones |");
  assert.equal(chosen({ excludedResources: ["*.example.com", "*s.apps"] }), "pods secrets ns pv |");
  assert.equal(chosen({ includedResources: ["pod?"] }), "pods |");
  assert.equal(chosen({ includedResources: ["{pod,secret}s", "[w-z]*.example.com"] }), "pods secrets widgets zones |");
  assert.equal(chosen({ includedResources: ["*.exampleXcom", "p.d*"] }), "|");
});

test("the lists by scope: all namespaced kinds unless some are named, of the cluster only what is named", () => {
  assert.equal(chosen({ includedNamespaceScopedResources: ["pods"] }), "pods ns | pv zones");
  assert.equal(chosen({ excludedNamespaceScopedResources: ["pods"] }), "secrets ns deployments widgets | pv zones");
  assert.equal(chosen({ includedClusterScopedResources: ["zones"] }), "pods secrets ns deployments widgets zones | pv");
  assert.equal(chosen({ excludedClusterScopedResources: ["zones"] }), "pods secrets ns deployments widgets | pv");
  assert.equal(chosen({ includedNamespaceScopedResources: ["*"] }), everything);
  assert.equal(
    chosen({ ...one, includedNamespaceScopedResources: ["*"] }),
    "pods secrets ns deployments widgets | pv zones",
  );
  assert.equal(chosen({ ...one, includedClusterScopedResources: ["*"] }), everything);
  assert.equal(chosen({ excludedNamespaceScopedResources: ["*"] }), "ns | pv zones");
  assert.equal(chosen({ excludedClusterScopedResources: ["*"] }), "pods secrets deployments widgets |");
});

test("a name that is not served is a warning where it was asked for, and never means everything", () => {
  const filter = createResourceFilter({ includedResources: ["gone"], excludedResources: ["lost"] }, discovery);
  assert.deepEqual(filter.warnings, [
    "spec.includedResources names gone, which this cluster does not serve: nothing of it is backed up",
  ]);
  assert.equal(chosen({ includedResources: ["gone"] }), "|");
  assert.equal(createResourceFilter({ includedResources: ["*"] }, discovery).warnings.length, 0);
});

test("volume snapshots and their contents are not wanted, even when named; their classes are", () => {
  for (const spec of [
    {},
    { includedResources: ["volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"] },
  ]) {
    const filter = createResourceFilter(spec, discovery);
    const snapshots = discovery.resources.filter((resource) => resource.plural.includes("snapshot"));
    const wanted = snapshots.filter((resource) => filter.wants(resource)).map(({ plural }) => plural);
    assert.deepEqual(wanted, ["volumesnapshotclasses"]);
  }
});

test("which family is in use, and whether every namespace is covered", () => {
  assert.equal(usesScopedLists({ includedResources: ["pods"], includedClusterScopedResources: [] }), false);
  assert.equal(usesScopedLists({ excludedClusterScopedResources: ["zones"] }), true);
  assert.equal(coversAllNamespaces({ includedNamespaces: [], excludedNamespaces: null }), true);
  assert.equal(coversAllNamespaces({ includedNamespaces: ["*"], excludedNamespaces: ["a"] }), false);
  assert.equal(coversAllNamespaces({ includedNamespaces: ["a"] }), false);
});
