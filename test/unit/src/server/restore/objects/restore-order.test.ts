import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inRestoreOrder } from "../../../../../../src/server/restore/objects/restore-order.ts";

describe("inRestoreOrder", () => {
  it("puts what others need first, unknown kinds in the middle by name, and clusters of clusters last", () => {
    const kinds = [
      "zebras.example.com",
      "clusters.cluster.x-k8s.io",
      "services",
      "replicasets.apps",
      "apps.kappctrl.k14s.io",
      "pods",
      "ants.example.com",
      "deployments.apps",
      "persistentvolumeclaims",
      "namespaces",
      "secrets",
      "persistentvolumes",
      "customresourcedefinitions.apiextensions.k8s.io",
    ];
    assert.deepEqual(inRestoreOrder(kinds), [
      "customresourcedefinitions.apiextensions.k8s.io",
      "namespaces",
      "persistentvolumes",
      "persistentvolumeclaims",
      "secrets",
      "pods",
      "replicasets.apps",
      "services",
      "ants.example.com",
      "deployments.apps",
      "zebras.example.com",
      "clusters.cluster.x-k8s.io",
      "apps.kappctrl.k14s.io",
    ]);
  });
});
