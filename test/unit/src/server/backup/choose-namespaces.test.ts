import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Namespace } from "../../../../../src/api/core.ts";
import {
  chooseNamespaces,
  excludeFromBackup,
  type NamespaceScope,
} from "../../../../../src/server/backup/choose-namespaces.ts";

const namespace = (name: string, extra: Partial<Namespace["metadata"]> = {}, phase = "Active"): Namespace => ({
  metadata: { name, ...extra },
  status: { phase },
});
const labels = { "velero.io/exclude-from-backup": "true" };
const existing = [
  namespace("shop"),
  namespace("bank"),
  namespace("old", {}, "Terminating"),
  namespace("secret", { labels }),
];

describe("chooseNamespaces", () => {
  it("takes all active ones that are not labelled out when nothing or * is included, in order", () => {
    for (const scope of [{}, { includedNamespaces: ["*"] }, { includedNamespaces: [] }, { includedNamespaces: null }])
      assert.deepEqual(chooseNamespaces(existing, scope), { names: ["bank", "shop"], warnings: [], errors: [] });
  });

  it("takes the included ones without the excluded ones", () => {
    assert.deepEqual(chooseNamespaces(existing, { includedNamespaces: ["shop", "bank"] }).names, ["bank", "shop"]);
    assert.deepEqual(chooseNamespaces(existing, { excludedNamespaces: ["shop", "absent"] }).names, ["bank"]);
  });

  it("reports an error for a namespace that is named and does not exist", () => {
    const chosen = chooseNamespaces(existing, { includedNamespaces: ["shop", "absent"] });
    assert.deepEqual(chosen, { names: ["shop"], warnings: [], errors: ["namespace absent does not exist"] });
  });

  it("takes and leaves out by patterns, and says when one fits nothing", () => {
    const names = (scope: NamespaceScope): readonly string[] => chooseNamespaces(existing, scope).names;
    assert.deepEqual(names({ includedNamespaces: ["s*", "{bank,old}"] }), ["bank", "shop"]);
    assert.deepEqual(names({ excludedNamespaces: ["?ank"] }), ["shop"]);
    assert.deepEqual(names({ includedNamespaces: ["*"], excludedNamespaces: ["sh*"] }), ["bank"]);
    const unmet = chooseNamespaces(existing, { includedNamespaces: ["x-*", "old*"] });
    assert.deepEqual(unmet, { names: [], warnings: ["no namespace is called x-*"], errors: [] });
  });

  it("warns of namespaces that are named and left out all the same", () => {
    const { names, warnings, errors } = chooseNamespaces(existing, { includedNamespaces: ["old", "secret"] });
    assert.deepEqual([names, errors], [[], []]);
    assert.match(warnings.join("\n"), /old is skipped: it is Terminating\n.*secret is skipped: it is labelled/);
  });

  it("takes a namespace without a status for active", () => {
    assert.deepEqual(chooseNamespaces([{ metadata: { name: "new" } }], {}).names, ["new"]);
  });
});

describe("excludeFromBackup", () => {
  it("wants the label to be true", () => {
    assert.equal(excludeFromBackup({ metadata: { name: "x", labels } }), true);
    assert.equal(
      excludeFromBackup({ metadata: { name: "x", labels: { "velero.io/exclude-from-backup": "no" } } }),
      false,
    );
    assert.equal(excludeFromBackup({ metadata: { name: "x" } }), false);
  });
});
