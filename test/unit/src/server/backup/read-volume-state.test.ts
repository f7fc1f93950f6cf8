import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../../../../src/api/resources.ts";
import { readVolumeState } from "../../../../../src/server/backup/read-volume-state.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const { signal } = new AbortController();

describe("readVolumeState", () => {
  for (const count of [2, 20]) {
    it(`reads the claims of ${count} chosen namespaces and no others, what they are bound to, and where agents run`, async () => {
      const table = new ObjectTable();
      const chosen = Array.from({ length: count }, (_, index) => `ns-${index + 1}`);
      for (const namespace of [...chosen, "other"])
        table.put(persistentVolumeClaims, { metadata: { namespace, name: "claim" } });
      table.put(persistentVolumes, { metadata: { name: "pv" } });
      table.put(pods, {
        metadata: { namespace: "velero", name: "agent", labels: { role: "node-agent" } },
        spec: { nodeName: "node-1" },
        status: { phase: "Running" },
      });
      const state = await readVolumeState(chosen, { client: table.client, namespace: "velero" }, signal);
      assert.deepEqual([...state.claims.keys()].sort(), chosen.map((namespace) => `${namespace}/claim`).sort());
      assert.deepEqual([...state.persistentVolumes.keys()], ["pv"]);
      assert.deepEqual([...state.agentNodes], ["node-1"]);
    });
  }

  it("does not list the cluster's volumes where there are no claims", async () => {
    const table = new ObjectTable();
    table.put(persistentVolumes, { metadata: { name: "pv" } });
    const state = await readVolumeState(["app"], { client: table.client, namespace: "velero" }, signal);
    assert.equal(state.persistentVolumes.size, 0);
  });
});
