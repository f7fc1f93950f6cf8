import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../../../src/api/core.ts";
import { type HookSelector, selectsPod } from "../../../../../src/server/hooks/hook-selector.ts";

const pod: Pod = { metadata: { name: "db-0", namespace: "shop", labels: { app: "db", tier: "gold" } } };

test("a hook is for the pods that its selector names", () => {
  const cases: readonly [HookSelector, boolean][] = [
    [{}, true],
    [{ includedNamespaces: [], excludedResources: null, labelSelector: null }, true],
    [{ includedNamespaces: ["*"] }, true],
    [{ includedNamespaces: ["other", "shop"] }, true],
    [{ includedNamespaces: ["other"] }, false],
    [{ includedNamespaces: ["sh*"] }, true],
    [{ includedNamespaces: ["*-shop"] }, false],
    [{ excludedNamespaces: ["shop"] }, false],
    [{ includedNamespaces: ["*"], excludedNamespaces: ["s*"] }, false],
    [{ excludedNamespaces: ["other"] }, true],
    [{ includedResources: ["pods"] }, true],
    [{ includedResources: ["Po"] }, true],
    [{ includedResources: ["*"] }, true],
    [{ includedResources: ["deployments", "pods"] }, true],
    [{ includedResources: ["deployments"] }, false],
    [{ excludedResources: ["pods"] }, false],
    [{ excludedResources: ["deployments"] }, true],
    [{ labelSelector: { matchLabels: { app: "db" } } }, true],
    [{ labelSelector: { matchLabels: { app: "web" } } }, false],
    [{ labelSelector: { matchExpressions: [{ key: "tier", operator: "In", values: ["gold"] }] } }, true],
    [{ labelSelector: { matchExpressions: [{ key: "tier", operator: "In" }] } }, false],
    [{ includedNamespaces: ["shop"], labelSelector: { matchLabels: { app: "web" } } }, false],
  ];
  for (const [selector, isSelected] of cases)
    assert.equal(selectsPod(selector, pod), isSelected, JSON.stringify(selector));
});
