import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ResourceTally } from "../../../../../../src/server/restore/objects/resource-tally.ts";

describe("ResourceTally", () => {
  it("lists by kind and name what became of each; the last word counts", () => {
    const tally = new ResourceTally();
    const pod = { apiVersion: "v1", kind: "Pod" };
    tally.note(pod, { namespace: "shop", name: "b" }, "failed");
    tally.note(pod, { namespace: "shop", name: "a" }, "skipped");
    tally.note(pod, { namespace: "shop", name: "b" }, "created");
    tally.note({ apiVersion: "apps/v1", kind: "Deployment" }, { namespace: "shop", name: "a" }, "updated");
    tally.note({ apiVersion: "v1", kind: "Namespace" }, { name: "shop" }, "created");
    assert.deepEqual(tally.list(), {
      "apps/v1/Deployment": ["shop/a(updated)"],
      "v1/Namespace": ["shop(created)"],
      "v1/Pod": ["shop/a(skipped)", "shop/b(created)"],
    });
  });
});
