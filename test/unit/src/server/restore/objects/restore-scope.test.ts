import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestoreSpec } from "../../../../../../src/api/restore.ts";
import type { DiscoveredResource } from "../../../../../../src/kube/discovery.ts";
import { isNeverRestored, restoreScope } from "../../../../../../src/server/restore/objects/restore-scope.ts";
import type { ClusterRbacAndWebhooks } from "../../../../../../src/server/server-config.ts";

const deployments: DiscoveredResource = {
  ...{ group: "apps", version: "v1", plural: "deployments", kind: "Deployment", isNamespaced: true },
  ...{ verbs: [], shortNames: ["deploy"], singular: "deployment", isPreferred: true },
};
const discovery = {
  find: (name: string) => (["deploy", "deployments", "deployments.apps"].includes(name) ? deployments : undefined),
};

const annotation = "stowage.dev/restore-cluster-rbac-and-webhooks";

function scopeOf(spec: RestoreSpec, asked?: string, clusterRbacAndWebhooks: ClusterRbacAndWebhooks = "true") {
  const annotations = asked === undefined ? {} : { [annotation]: asked };
  return restoreScope({ restore: { metadata: { name: "r", annotations }, spec }, discovery, clusterRbacAndWebhooks });
}

describe("restoreScope", () => {
  it("takes every kind when nothing or * is included, but never what tells of this cluster or makes servers act", () => {
    for (const includedResources of [undefined, null, [], ["*"]]) {
      const scope = scopeOf(includedResources === undefined ? {} : { includedResources });
      assert.ok(scope.includesKind("widgets.example.com"));
      for (const kind of ["nodes", "events", "backups.velero.io", "deletebackuprequests.velero.io"]) {
        assert.equal(scope.includesKind(kind), false, kind);
      }
    }
    assert.equal(scopeOf({ includedResources: ["nodes"] }).includesKind("nodes"), false);
  });

  it("resolves what users call kinds, takes unknown names as they are, and knows patterns", () => {
    const scope = scopeOf({ includedResources: ["deploy", "Widgets.Example.com", "*.batch"] });
    const kinds = ["deployments.apps", "widgets.example.com", "jobs.batch", "pods"];
    assert.deepEqual(kinds.map(scope.includesKind), [true, true, true, false]);
    const without = scopeOf({ excludedResources: ["deploy"] });
    assert.deepEqual(kinds.map(without.includesKind), [false, true, true, true]);
  });

  it("takes included namespaces without excluded ones", () => {
    const scope = scopeOf({ includedNamespaces: ["shop", "team-*"], excludedNamespaces: ["team-b"] });
    assert.deepEqual(["shop", "team-a", "team-b", "bank"].map(scope.includesNamespace), [true, true, false, false]);
  });

  it("takes cluster-scoped objects with all namespaces, else only related ones, unless the Restore says otherwise", () => {
    const some = { includedNamespaces: ["shop"] };
    assert.equal(scopeOf({}).clusterScope, "all");
    assert.equal(scopeOf({ includedNamespaces: ["*"] }).clusterScope, "all");
    assert.equal(scopeOf(some).clusterScope, "related");
    assert.equal(scopeOf({ excludedNamespaces: ["shop"] }).clusterScope, "related");
    assert.equal(scopeOf({ ...some, includeClusterResources: true }).clusterScope, "all");
    assert.equal(scopeOf({ includeClusterResources: false }).clusterScope, "none");
  });

  it("takes objects whose labels one of the selectors matches", () => {
    const shop = { matchLabels: { app: "shop" } };
    const bank = { matchExpressions: [{ key: "app", operator: "In", values: ["bank"] }] } as const;
    const either = scopeOf({ orLabelSelectors: [shop, bank] });
    assert.deepEqual([{ app: "shop" }, { app: "bank" }, { app: "park" }, undefined].map(either.includesLabels), [
      true,
      true,
      false,
      false,
    ]);
    assert.equal(scopeOf({ labelSelector: shop }).includesLabels({ app: "bank" }), false);
    assert.deepEqual([scopeOf({}).hasSelectors, scopeOf({}).includesLabels(undefined)], [false, true]);
  });

  it("holds cluster roles and webhooks back as server and Restore say; the server's no is final", () => {
    const roles = "clusterroles.rbac.authorization.k8s.io";
    const isHeld = (asked: string | undefined, setting: ClusterRbacAndWebhooks): boolean =>
      scopeOf({}, asked, setting).reasonToHoldBack(roles) !== undefined;
    const table = (["true", "on-request", "false"] as const).map((setting) =>
      [undefined, "true", "false"].map((asked) => isHeld(asked, setting)),
    );
    assert.deepEqual(table, [
      [false, false, true],
      [true, false, true],
      [true, true, true],
    ]);
    assert.equal(scopeOf({}, "false", "false").reasonToHoldBack("roles.rbac.authorization.k8s.io"), undefined);
  });
});

describe("isNeverRestored", () => {
  it("knows the kinds by their full names", () => {
    assert.deepEqual(["volumeattachments.storage.k8s.io", "schedules.velero.io"].map(isNeverRestored), [true, false]);
  });
});
