import assert from "node:assert/strict";
import { test } from "node:test";
import { parseItemPath, pathsOfItem } from "../../../../../src/server/tarball/tarball-paths.ts";

const deployments = { group: "apps", version: "v1", plural: "deployments", kind: "Deployment", isNamespaced: true };
const volumes = {
  group: "",
  version: "v1",
  plural: "persistentvolumes",
  kind: "PersistentVolume",
  isNamespaced: false,
};

test("each object has two places: by resource, and by resource and version", () => {
  assert.deepEqual(pathsOfItem(deployments, { metadata: { namespace: "shop", name: "web" } }), [
    "resources/deployments.apps/namespaces/shop/web.json",
    "resources/deployments.apps/v1-preferredversion/namespaces/shop/web.json",
  ]);
  assert.deepEqual(pathsOfItem(volumes, { metadata: { name: "pv-1" } }), [
    "resources/persistentvolumes/cluster/pv-1.json",
    "resources/persistentvolumes/v1-preferredversion/cluster/pv-1.json",
  ]);
});

test("the first place is read back; the second one and what is no object is passed over", () => {
  const read = (path: string) => parseItemPath(path);
  assert.deepEqual(read("resources/deployments.apps/namespaces/shop/web.json"), {
    groupResource: "deployments.apps",
    key: "shop/web",
  });
  assert.deepEqual(read("resources/clusterroles.rbac.authorization.k8s.io/cluster/system:node.json"), {
    groupResource: "clusterroles.rbac.authorization.k8s.io",
    key: "system:node",
  });
  for (const path of [
    "resources/deployments.apps/v1-preferredversion/namespaces/shop/web.json",
    "resources/persistentvolumes/v1-preferredversion/cluster/pv-1.json",
    "metadata/version",
    "resources/pods/namespaces/shop/web.yaml",
    "resources/pods/namespaces/web.json",
    "resources/pods/cluster/shop/web.json",
    "somewhere/else.json",
  ]) {
    assert.equal(read(path), undefined, path);
  }
});

test("parts that cannot be names are refused", () => {
  for (const part of ["..", ".", "", "a\u0000b", "a\nb", "a\\b", "x".repeat(513)]) {
    assert.throws(() => parseItemPath(`resources/pods/namespaces/${part}/web.json`), RangeError, JSON.stringify(part));
    assert.throws(() => parseItemPath(`resources/pods/namespaces/shop/${part}.json`), RangeError, JSON.stringify(part));
  }
});
