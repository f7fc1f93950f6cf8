import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergedServiceAccount } from "../../../../../../src/server/restore/objects/merge-service-account.ts";

const account = (fields: object, metadata: object = {}) => ({
  ...{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "builder", ...metadata } },
  ...fields,
});

describe("mergedServiceAccount", () => {
  it("is undefined when nothing is lacking, whatever the live one has besides", () => {
    const live = account({ secrets: [{ name: "a" }, { name: "b" }] }, { labels: { x: "live" } });
    assert.equal(
      mergedServiceAccount(live, account({ secrets: [{ name: "a" }] }, { labels: { x: "other" } })),
      undefined,
    );
  });

  it("adds what is lacking and names whole lists, because a merge patch replaces them", () => {
    const live = account({ secrets: [{ name: "mine" }] }, { annotations: { a: "live" } });
    const restored = account(
      { secrets: [{ name: "old" }], imagePullSecrets: [{ name: "pull" }] },
      { annotations: { a: "old", b: "old" }, labels: { c: "1" } },
    );
    assert.deepEqual(mergedServiceAccount(live, restored), {
      secrets: [{ name: "mine" }, { name: "old" }],
      imagePullSecrets: [{ name: "pull" }],
      metadata: { annotations: { b: "old" }, labels: { c: "1" } },
    });
  });
});
