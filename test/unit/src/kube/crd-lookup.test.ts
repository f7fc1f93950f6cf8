import assert from "node:assert/strict";
import { test } from "node:test";
import { CrdLookup, InstalledCrd, keepPrunedFields } from "../../../../src/kube/crd-lookup.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const schema = {
  type: "object",
  properties: {
    status: {
      type: "object",
      properties: { phase: { type: "string", enum: ["New", "Failed"] }, message: { type: "string" } },
    },
    extra: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
};
const resource = { group: "velero.io", version: "v1", kind: "Thing", plural: "things", isNamespaced: true };

function clientThat(answer: () => unknown): { client: TypedClient; calls: () => number } {
  let calls = 0;
  const client = {
    get: async () => {
      calls++;
      return answer();
    },
  };
  return { client: client as unknown as TypedClient, calls: () => calls };
}

test("hasField and enumValues follow dotted paths", () => {
  const crd = new InstalledCrd(schema);
  assert.equal(crd.hasField("status.phase"), true);
  assert.equal(crd.hasField("status.incrementalBytes"), false);
  assert.equal(crd.hasField("extra.anything.at.all"), true);
  assert.deepEqual(crd.enumValues("status.phase"), ["New", "Failed"]);
  assert.equal(crd.enumValues("status.message"), undefined);
});

test("keepPrunedFields turns what the CRD lacks into annotations and drops nothing that it has", () => {
  const fields = { phase: "Failed", incrementalBytes: 12, acceptedTimestamp: null, snapshotID: "ab" };
  assert.deepEqual(keepPrunedFields(new InstalledCrd(schema), "status", fields, "stowage.dev/"), {
    fields: { phase: "Failed" },
    annotations: { "stowage.dev/incremental-bytes": "12", "stowage.dev/snapshot-id": "ab" },
  });
});

test("keepPrunedFields sends everything when the CRD cannot be looked at", () => {
  const fields = { phase: "Failed", other: 1 };
  assert.deepEqual(keepPrunedFields(undefined, "status", fields, "stowage.dev/"), { fields, annotations: {} });
});

test("an answer is remembered for a while and then asked for again", async () => {
  const clock = new FakeClock();
  const definition = { spec: { versions: [{ name: "v1", schema: { openAPIV3Schema: schema } }] } };
  const { client, calls } = clientThat(() => definition);
  const lookup = new CrdLookup({ client, clock });
  assert.equal((await lookup.find(resource))?.hasField("status.phase"), true);
  await lookup.find(resource);
  assert.equal(calls(), 1);
  await clock.advance(60_000);
  await lookup.find(resource);
  assert.equal(calls(), 2);
});

test("a CRD that is missing or may not be read is unknown, other failures are thrown", async () => {
  for (const code of ["not-found", "forbidden"] as const) {
    const { client } = clientThat(() => {
      throw new KubeError(code, "no");
    });
    assert.equal(await new CrdLookup({ client }).find(resource), undefined);
  }
  const { client } = clientThat(() => {
    throw new KubeError("unavailable", "no");
  });
  await assert.rejects(new CrdLookup({ client }).find(resource), { code: "unavailable" });
});
