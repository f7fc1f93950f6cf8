import assert from "node:assert/strict";
import { test } from "node:test";
import { relatedItems, roleForAccounts } from "../../../../../../src/server/backup/items/related-items.ts";

const core = (plural: string, kind: string) => ({ group: "", version: "v1", plural, kind, isNamespaced: true });
const pods = core("pods", "Pod");
const claims = core("persistentvolumeclaims", "PersistentVolumeClaim");
const metadata = { namespace: "shop", name: "web" };

test("a pod needs its claims, those of its ephemeral volumes too, and its priority class", () => {
  const spec = {
    priorityClassName: "urgent",
    volumes: [
      { name: "data", persistentVolumeClaim: { claimName: "data-0" } },
      { name: "cache", ephemeral: {} },
      { name: "tmp", emptyDir: {} },
    ],
  };
  const claim = { group: "", kind: "PersistentVolumeClaim", namespace: "shop" };
  assert.deepEqual(relatedItems(pods, { metadata, spec } as never), [
    { ...claim, name: "data-0" },
    { ...claim, name: "web-cache" },
    { group: "scheduling.k8s.io", kind: "PriorityClass", name: "urgent" },
  ]);
  assert.deepEqual(relatedItems(pods, { metadata }), []);
});

test("a claim needs its volume, once it has one; nothing else needs anything", () => {
  const bound = { metadata, spec: { volumeName: "pv-1" } } as never;
  assert.deepEqual(relatedItems(claims, bound), [{ group: "", kind: "PersistentVolume", name: "pv-1" }]);
  assert.deepEqual(relatedItems(claims, { metadata }), []);
  assert.deepEqual(relatedItems({ ...pods, group: "metrics.k8s.io" }, { metadata, spec: {} } as never), []);
});

const role = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" };
const subject = { kind: "ServiceAccount", namespace: "shop", name: "runner" };
const accounts = new Set(["shop/runner"]);

test("a binding belongs to accounts that it names itself, and brings its role", () => {
  const found = (subjects: unknown, roleRef: unknown = role) =>
    roleForAccounts({ metadata, subjects, roleRef } as never, accounts);
  assert.deepEqual(found([{ kind: "User", name: "x" }, subject]), [
    { group: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
  ]);
  assert.equal(found([{ ...subject, namespace: "bank" }]), undefined);
  assert.equal(found([{ ...subject, kind: "Group" }]), undefined);
  for (const none of [[], null, undefined]) assert.equal(found(none), undefined);
  assert.deepEqual(found([subject], { ...role, kind: "Other" }), []);
});
