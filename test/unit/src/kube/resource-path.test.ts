import assert from "node:assert/strict";
import { test } from "node:test";
import { describeCall, pathOf } from "../../../../src/kube/resource-path.ts";

const pods = { group: "", version: "v1", kind: "Pod", plural: "pods", isNamespaced: true };
const nodes = { group: "", version: "v1", kind: "Node", plural: "nodes", isNamespaced: false };
const backups = { group: "velero.io", version: "v1", kind: "Backup", plural: "backups", isNamespaced: true };

test("paths follow the API's rules for groups, namespaces and queries", () => {
  assert.equal(pathOf(pods, { namespace: "a", name: "b" }), "/api/v1/namespaces/a/pods/b");
  assert.equal(pathOf(pods, {}, { limit: "5", continue: undefined }), "/api/v1/pods?limit=5");
  assert.equal(pathOf(nodes, { namespace: "ignored", name: "n" }), "/api/v1/nodes/n");
  assert.equal(pathOf(backups, { namespace: "velero" }), "/apis/velero.io/v1/namespaces/velero/backups");
});

test("names cannot leave their place in the path", () => {
  assert.equal(pathOf(pods, { namespace: "a", name: "../secrets/x" }), "/api/v1/namespaces/a/pods/..%2Fsecrets%2Fx");
});

test("an object of a namespaced resource without a namespace is a bug", () => {
  assert.throws(() => pathOf(pods, { name: "b" }), /bug/);
});

test("describeCall names verb, resource and object", () => {
  assert.equal(describeCall("get", pods, { namespace: "a", name: "b" }), "get pods a/b");
  assert.equal(describeCall("list", nodes, {}), "list nodes");
});
