import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../../../../src/api/resources.ts";
import { readClusterState } from "../../../../../src/server/backup/read-cluster-state.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const { signal } = new AbortController();

function clusterOf(namespaceCount: number): ObjectTable {
  const table = new ObjectTable();
  for (let index = namespaceCount; index > 0; index--) {
    const namespace = `ns-${String(index).padStart(2, "0")}`;
    for (const name of ["b", "a"]) table.put(pods, { metadata: { namespace, name } });
    table.put(persistentVolumeClaims, { metadata: { namespace, name: "claim" } });
  }
  table.put(persistentVolumes, { metadata: { name: "pv" } });
  return table;
}

describe("readClusterState", () => {
  for (const count of [2, 20]) {
    it(`reads the pods of ${count} chosen namespaces in the order of their names, and no others`, async () => {
      const table = clusterOf(count);
      table.put(pods, { metadata: { namespace: "other", name: "a" } });
      const chosen = Array.from({ length: count }, (_, index) => `ns-${String(index + 1).padStart(2, "0")}`);
      const state = await readClusterState(chosen, { client: table.client, namespace: "velero" }, signal);
      const expected = chosen.flatMap((namespace) => [`${namespace}/a`, `${namespace}/b`]);
      assert.deepEqual(
        state.pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
        expected,
      );
      assert.equal(state.claims.size, count);
      assert.ok(state.claims.has("ns-01/claim"));
      assert.ok(state.persistentVolumes.has("pv"));
    });
  }

  it("orders namespaces before names, also where one namespace begins like another", async () => {
    const table = new ObjectTable();
    for (const [namespace, name] of [
      ["a-b", "x"],
      ["a", "z"],
    ])
      table.put(pods, { metadata: { namespace, name } });
    const state = await readClusterState(["a", "a-b"], { client: table.client, namespace: "velero" }, signal);
    assert.deepEqual(
      state.pods.map(({ metadata }) => metadata.namespace),
      ["a", "a-b"],
    );
  });
});
