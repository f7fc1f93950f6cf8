import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Namespace } from "../../../../../src/api/core.ts";
import { chooseNamespaces, missingNamespaces } from "../../../../../src/server/backup/choose-namespaces.ts";

const namespace = (name: string, extra: Partial<Namespace["metadata"]> = {}, phase = "Active"): Namespace => ({
  metadata: { name, ...extra },
  status: { phase },
});
const existing = [
  namespace("shop"),
  namespace("bank"),
  namespace("old", {}, "Terminating"),
  namespace("secret", { labels: { "velero.io/exclude-from-backup": "true" } }),
];

describe("chooseNamespaces", () => {
  it("takes all active ones that are not labelled out when nothing or * is included", () => {
    assert.deepEqual(chooseNamespaces(existing, {}), ["bank", "shop"]);
    assert.deepEqual(chooseNamespaces(existing, { includedNamespaces: ["*"] }), ["bank", "shop"]);
  });

  it("takes the included ones without the excluded ones", () => {
    assert.deepEqual(chooseNamespaces(existing, { includedNamespaces: ["shop", "old", "absent"] }), ["shop"]);
    assert.deepEqual(chooseNamespaces(existing, { excludedNamespaces: ["shop"] }), ["bank"]);
  });
});

describe("missingNamespaces", () => {
  it("names those that are asked for and do not exist", () => {
    assert.deepEqual(missingNamespaces(existing, { includedNamespaces: ["shop", "absent"] }), ["absent"]);
    assert.deepEqual(missingNamespaces(existing, {}), []);
  });
});
