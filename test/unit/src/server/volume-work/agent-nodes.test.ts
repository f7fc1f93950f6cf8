import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pods } from "../../../../../src/api/resources.ts";
import { nodesWithAgent } from "../../../../../src/server/volume-work/agent-nodes.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const { signal } = new AbortController();
const running = { phase: "Running" };

describe("nodesWithAgent", () => {
  it("finds nodes by either of Velero's labels, only running ones, only in Velero's namespace", async () => {
    const table = new ObjectTable();
    const agent = (name: string, nodeName: string, change: object = {}): void =>
      table.put(pods, {
        metadata: { namespace: "velero", name, labels: { role: "node-agent" } },
        spec: { nodeName },
        status: running,
        ...change,
      });
    agent("new", "n1");
    agent("old", "n2", { metadata: { namespace: "velero", name: "old", labels: { name: "node-agent" } } });
    agent("pending", "n3", { status: { phase: "Pending" } });
    const leaving = { namespace: "velero", name: "leaving", labels: { role: "node-agent" }, deletionTimestamp: "now" };
    agent("leaving", "n4", { metadata: leaving });
    agent("foreign", "n5", { metadata: { namespace: "app", name: "foreign", labels: { role: "node-agent" } } });
    const nodes = await nodesWithAgent({ client: table.client, namespace: "velero" }, signal);
    assert.deepEqual([...nodes].sort(), ["n1", "n2"]);
  });
});
